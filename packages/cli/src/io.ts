/** What a command may touch of its process, so that tests run it without one. */
import { CryptoError, decodeText, errorCode, escaped, reasonOf, withoutTokens } from '@sigstack/crypto'
import { isSet } from '@sigstack/server/secret'
import { CliError } from './errors.ts'
import type { Terminal } from './terminal.ts'

export type Io = {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The words that call this tool from any folder: interpreter and script. */
  readonly self: readonly string[]
  /** The result, for people or for the next program. */
  out(text: string): void
  /** A file as the result: byte for byte, as it may be signed. */
  file(content: string | Uint8Array): void
  /** Progress, warnings and success words, for people. */
  err(text: string): void
  standardInput(): AsyncIterable<Uint8Array>
  /** Ends the process where work that nobody waits for any more would keep it. */
  leave?(status: number): void
  /** Shows a page in the browser of whoever sits there; false where that does not work. */
  openPage?(url: string): Promise<boolean>
  /** What is kept of the trust is taken, though the stack that publishes it could be asked. */
  readonly prefersKept?: boolean
  /** Absent where nobody sits there. */
  readonly terminal?: Terminal | undefined
}

/**
 * `io` with all that it shows made harmless: text from outside is in every message, table and JSON, and a terminal obeys
 * it. Lines are ours; what would move the cursor or turn the direction is shown as `\uXXXX`, which JSON reads as before.
 */
export function harmless(io: Io): Io {
  return { ...io, out: (text) => io.out(shown(text)), err: (text) => io.err(shown(text)) }
}

export function shown(text: string): string {
  return text
    .split('\n')
    .map((line) => escaped(line, Number.POSITIVE_INFINITY))
    .join('\n')
}

/** A variable of the environment. One that is empty is one that is not set, as services have it. */
export function setting({ environment }: Io, name: string): string | undefined {
  const value = environment[name]
  return isSet(value) ? value : undefined
}

/** One line of a message that may quote others. */
export function messageOf(error: unknown): string {
  return escaped(withoutTokens(reasonOf(error)), 4000)
}

/** The text of a file that somebody else may have written; `what` says what it should be. */
export function textOf(bytes: Uint8Array, where: string, what: string): string {
  try {
    return decodeText(bytes)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new CliError('unreadable', `${where} is no ${what}: ${cause.message}`, { cause })
  }
}

export function codeOf(error: unknown): string {
  return errorCode(error) ?? 'unknown reason'
}
