export type IssuanceErrorCode =
  | 'identity_token_rejected'
  | 'identity_provider_unreachable'
  | 'policy_refused'
  | 'too_many_requests'
  | 'extension_unavailable'
  | 'issuer_empty'
  | 'san_unencodable'
  | 'public_key_unparsable'
  | 'certificate_request_unparsable'
  | 'public_key_insecure'
  | 'proof_of_possession_failed'
  | 'request_algorithm_unrecognized'
  | 'algorithm_not_permitted'
  | 'ct_log_unavailable'
  | 'signing_key_unavailable'
  | 'issuing_certificate_ends'
  | 'self_check_failed'

/** Why an identity token was refused: a closed list, shown to the requester and counted by the metrics. */
export type TokenRefusal =
  | 'token_missing'
  | 'token_malformed'
  | 'token_too_large'
  | 'issuer_not_configured'
  | 'issuer_mismatch'
  | 'issuer_unavailable'
  | 'algorithm_refused'
  | 'key_unknown'
  | 'signature_invalid'
  | 'audience_mismatch'
  | 'expired'
  | 'not_yet_valid'
  | 'claim_missing'
  | 'claim_malformed'
  | 'email_not_verified'
  | 'email_implausible'
  | 'subject_refused'
  | 'provider_not_configured'

/** Why no certificate was issued. The message is for the requester; secrets belong in `cause`. */
export class IssuanceError extends Error {
  override readonly name = 'IssuanceError'
  readonly code: IssuanceErrorCode
  /** Only with `identity_token_rejected`. */
  readonly refusal: TokenRefusal | undefined
  /** The rule of the policy that decided; only with `policy_refused`, and not where no rule allowed. */
  readonly rule: string | undefined
  /** When trying again makes sense, where another party said so. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    code: IssuanceErrorCode,
    message: string,
    options?: ErrorOptions & {
      readonly refusal?: TokenRefusal
      readonly rule?: string
      readonly retryAfterSeconds?: number
    },
  ) {
    super(message, options)
    this.code = code
    this.refusal = options?.refusal
    this.rule = options?.rule
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}

/** The refusal of an identity token or of the identity in it; `message` names the claim and both values. */
export function refuseToken(refusal: TokenRefusal, message: string, options?: ErrorOptions): IssuanceError {
  return new IssuanceError('identity_token_rejected', message, { ...options, refusal })
}
