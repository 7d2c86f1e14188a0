/** Stable: callers may decide by these codes. Messages may change. */
export type VerificationErrorCode =
  /** Not a bundle, or one of a version that is not known. */
  | 'bad_bundle'
  /** Nobody could meet the conditions for the signer, or they cannot be read. */
  | 'bad_policy'
  /** It can be read, and a signature, certificate, proof or identity in it is not what the trusted root or the policy ask for. */
  | 'not_verified'

/** Why a bundle was not accepted. The message is for people; `advice` says what to do next where that is known. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError'
  readonly code: VerificationErrorCode
  readonly advice: string | undefined
  constructor(
    code: VerificationErrorCode,
    message: string,
    options?: ErrorOptions & { readonly advice?: string },
  ) {
    super(message, options)
    this.code = code
    this.advice = options?.advice
  }
}

export function notVerified(
  message: string,
  options?: ErrorOptions & { readonly advice?: string },
): VerificationError {
  return new VerificationError('not_verified', message, options)
}

/** What the parsers and checks below this module throw for bytes from outside. */
const refusals: ReadonlySet<string> = new Set([
  'CheckpointError',
  'CryptoError',
  'CtError',
  'EntryError',
  'ProofError',
  'ProtoJsonError',
  'StrictJsonError',
  'TimestampError',
  'X509Error',
])

/**
 * `work`, whose refusals are told as `not_verified` behind the words of `what`. An error that is no refusal is a fault of
 * ours that the bundle found: it is not verified either, and its text would tell nobody anything.
 */
export async function refusing<Value>(what: string, work: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof VerificationError) throw cause
    const expected = cause instanceof Error && refusals.has(cause.name)
    throw notVerified(expected ? `${what}: ${cause.message}` : `${what}: it cannot be read`, { cause })
  }
}
