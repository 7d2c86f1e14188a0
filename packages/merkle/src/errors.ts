/** Stable: callers may decide by these codes. Messages may change. */
export type ProofErrorCode =
  /** The leaf is not in a tree of that size, or the older tree is larger than the newer one. */
  | 'wrong_size'
  /** The proof has too many hashes for its place, or too few. */
  | 'wrong_length'
  /** The proof leads to another root. */
  | 'root_mismatch'

/** Why a proof does not hold. */
export class ProofError extends Error {
  override readonly name = 'ProofError'
  readonly code: ProofErrorCode
  constructor(code: ProofErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
