/** Why no certificate is issued: in the words of the domain, which know no status and no wire. */

export type IssuanceErrorCode =
  /** The token is not accepted; {@link TokenRefusal} says why. */
  | 'identity_token_rejected'
  /** The keys of the token's issuer cannot be had now. */
  | 'identity_provider_unreachable'
  /** The token is good, and the policy gives its identity no certificate. */
  | 'policy_refused'
  /** The address or the identity has asked too often. */
  | 'too_many_requests'
  /** More certificates are asked for than can be made in time; nothing was begun for this one. */
  | 'too_busy'
  /** What an extension or the name of a CI job's certificate is made from is missing, too long or no template. */
  | 'extension_unavailable'
  /** The certificate would name no issuer of its identity. */
  | 'issuer_empty'
  /** The identity cannot be written into a certificate. */
  | 'san_unencodable'
  /** What was sent as a public key is none. */
  | 'public_key_unparsable'
  /** What was sent as a certificate request is none. */
  | 'certificate_request_unparsable'
  /** The key is weak, or of a kind that no certificate is issued for. */
  | 'public_key_insecure'
  /** The requester did not show that the key is theirs. */
  | 'proof_of_possession_failed'
  /** The certificate request is signed by an algorithm that nothing here knows. */
  | 'request_algorithm_unrecognized'
  /** This CA is not configured to take this pair of key and hash. */
  | 'algorithm_not_permitted'
  /** The log of certificates did not take the precertificate in time. */
  | 'ct_log_unavailable'
  /** The CA's own key does not sign now. */
  | 'signing_key_unavailable'
  /** A certificate of the CA ends before the new one would. */
  | 'issuing_certificate_ends'
  /** What was made is not what was asked for; it was thrown away. */
  | 'self_check_failed'

/** Why an identity token was refused: a closed list, shown to the requester and counted by the metrics. */
export type TokenRefusal =
  /** There is none in the request. */
  | 'token_missing'
  /** It is no signed JWT of the form that is read here. */
  | 'token_malformed'
  /** It is longer than any that is read. */
  | 'token_too_large'
  /** Its issuer is none of this CA's. */
  | 'issuer_not_configured'
  /** The documents of its issuer are another one's. */
  | 'issuer_mismatch'
  /** The documents of its issuer cannot be had or read. */
  | 'issuer_unavailable'
  /** It is signed by an algorithm that is not accepted, or not announced by its issuer. */
  | 'algorithm_refused'
  /** Its issuer publishes no key that it could be signed with. */
  | 'key_unknown'
  /** The keys that it could be signed with are none that verify. */
  | 'key_unusable'
  /** No key of its issuer verifies it. */
  | 'signature_invalid'
  /** It is for somebody else. */
  | 'audience_mismatch'
  /** Its time is over. */
  | 'expired'
  /** Its time has not come. */
  | 'not_yet_valid'
  /** A claim that it must have is not there. */
  | 'claim_missing'
  /** A claim has not the type or form that it must have. */
  | 'claim_malformed'
  /** Its issuer does not say that the e-mail address is its holder's. */
  | 'email_not_verified'
  /** The e-mail address is none that a certificate may hold. */
  | 'email_implausible'
  /** The subject is none that this issuer may give. */
  | 'subject_refused'
  /** Its issuer is of a type, or names a CI provider, that this CA does not know. */
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
