/** A request becomes a stamp: is it one of ours, can the time be believed, then signed and read again. */
import type { StampAuthority } from '@sigstack/ca-authority'
import {
  createStampWriter,
  parseJsonRequest,
  parseTimestampRequest,
  TimestampError,
  type TimestampRequest,
  type WriteStamp,
} from '@sigstack/timestamp'
import { StampRefusal } from './refusals.ts'

export type IssueStamp = (body: Uint8Array, form: 'der' | 'json') => Promise<Uint8Array>

export type StampingDependencies = {
  readonly authority: () => StampAuthority
  readonly defaultPolicy: string
  readonly acceptedPolicies: readonly string[]
  readonly includesChain: boolean
  /** Throws a `StampRefusal` where the time cannot be believed and is not to be stamped. */
  readonly demandClock: () => void
  readonly now: () => Date
  readonly randomBytes: (count: number) => Uint8Array
}

export function createIssueStamp(dependencies: StampingDependencies): IssueStamp {
  const { authority, defaultPolicy, includesChain, demandClock, now, randomBytes } = dependencies
  const accepted = new Set(dependencies.acceptedPolicies)
  let writer: { readonly of: StampAuthority; readonly write: WriteStamp } | undefined

  return async (body, form) => {
    const request = read(body, form)
    if (request.policy !== undefined && !accepted.has(request.policy))
      throw new StampRefusal('unaccepted_policy', 'the policy is none of this authority')
    if (request.hasExtensions) throw new StampRefusal('unaccepted_extension', 'the request has extensions')
    const of = authority()
    // What does not change between two stamps is encoded once, until another key stamps.
    if (writer?.of !== of) writer = { of, write: createStampWriter({ ...of, includesChain }) }
    demandClock()
    const time = now()
    demandValid(of, time)
    try {
      return await writer.write({
        request,
        policy: request.policy ?? defaultPolicy,
        time,
        random20: randomBytes(20),
      })
    } catch (cause) {
      throw new StampRefusal('signing_failed', 'the stamp was not made', { cause })
    }
  }
}

function read(body: Uint8Array, form: 'der' | 'json'): TimestampRequest {
  try {
    return form === 'json' ? parseJsonRequest(body) : parseTimestampRequest(body)
  } catch (cause) {
    if (!(cause instanceof TimestampError)) throw cause
    const { code } = cause
    // The others are about tokens and chains, which a request has none of.
    if (code === 'bad_chain' || code === 'bad_stamp') throw cause
    throw new StampRefusal(code, cause.message, { cause })
  }
}

/** A stamp from outside of the certificates' validity is worth nothing to anybody. */
function demandValid({ chain }: StampAuthority, time: Date): void {
  if (chain.some(({ notBefore, notAfter }) => time < notBefore || time > notAfter))
    throw new StampRefusal('signing_failed', 'a certificate of this authority is not valid at this time')
}
