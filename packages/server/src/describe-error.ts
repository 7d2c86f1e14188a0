/**
 * An error in a log record: its kind, its message with those of its causes, where it was thrown, and its own members.
 * A message may come from outside, so in the stack, which has lines, it is escaped.
 */
import { escaped, reasonOf } from '@sigstack/crypto'

const MOST_CAUSES = 8
/** How much of a message is repeated in the stack. */
const HEAD_LIMIT = 500

export type ErrorRecord = {
  readonly type: string
  readonly message: string
  /** Lines; what is from outside in them is escaped. */
  readonly stack: string
  readonly [member: string]: unknown
}

export function describeError(error: Error): ErrorRecord {
  const chain = causesOf(error)
  const members = Object.entries(error).filter(([name]) => !TOLD.has(name))
  return {
    ...Object.fromEntries(
      members.map(([name, value]) => [name, value instanceof Error ? messageOf(value) : value]),
    ),
    type: kindOf(error),
    message: chain.map(messageOf).join(': '),
    stack: chain.map(stackOf).join('\ncaused by: '),
  }
}

const TOLD = new Set(['name', 'message', 'stack', 'cause'])

/** From the outside inwards; an error may be the cause of its cause. */
function causesOf(error: Error): Error[] {
  const chain = [error]
  let { cause } = error
  while (cause instanceof Error && !chain.includes(cause) && chain.length < MOST_CAUSES) {
    chain.push(cause)
    cause = cause.cause
  }
  return chain
}

/** Node tells of a connection that was tried on several addresses in an error without a message of its own. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors.slice(0, MOST_CAUSES).map(reasonOf).join('; ')
}

function stackOf(error: Error): string {
  const { message, stack = '' } = error
  // The stack begins with the message as it was when the error was made, and a message may look like places.
  const start = stack.indexOf(message)
  const places = stack.indexOf('\n    at ', start === -1 ? 0 : start + message.length)
  return `${kindOf(error)}: ${escaped(messageOf(error), HEAD_LIMIT)}${places === -1 ? '' : stack.slice(places)}`
}

function kindOf(error: Error): string {
  return typeof error.constructor === 'function' ? error.constructor.name : error.name
}
