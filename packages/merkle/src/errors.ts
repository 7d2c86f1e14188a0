export type ProofErrorCode = 'wrong_size' | 'wrong_length' | 'root_mismatch'

/** Why a proof does not hold. */
export class ProofError extends Error {
  override readonly name = 'ProofError'
  readonly code: ProofErrorCode
  constructor(code: ProofErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
