/** Stable: callers may decide by these codes. Messages may change. */
export type X509ErrorCode =
  /** The bytes are not an X.509 certificate. */
  | 'bad_certificate'
  /** The bytes are not a PKCS #10 request. */
  | 'bad_certificate_request'
  /** A PEM block that is no certificate. */
  | 'bad_certificate_pem'
  /** A time that certificates cannot have, or an end before its beginning. */
  | 'bad_time'
  /** A name that a certificate cannot have, or in a form that is not known. */
  | 'bad_name'
  /** A serial number that is not made of 20 random bytes. */
  | 'bad_serial_number'
  /** An extension whose value has not its form. */
  | 'bad_extension'
  /** The extensions of Fulcio lack the issuer of the identity token. */
  | 'missing_issuer'
  /** The certificate lacks the extension that is asked for. */
  | 'missing_extension'
  /** The certificate has one extension twice. */
  | 'duplicate_extension'
  /** The poison of a precertificate is not critical, or not NULL. */
  | 'bad_poison'
  /** The list of SCTs is empty. */
  | 'bad_sct_list'
  /** The final certificate is not the precertificate with its SCTs. */
  | 'precertificate_mismatch'
  /** Certificates are not signed with this algorithm or key. */
  | 'unsupported_algorithm'
  /** The key is too short, or known to be weak. */
  | 'weak_key'
  /** The chain has no certificate. */
  | 'empty_chain'
  /** The chain has more certificates than are followed. */
  | 'chain_too_long'
  /** The chain leads to no trusted root. */
  | 'untrusted_chain'
  /** The signature of a certificate, request or signer does not verify. */
  | 'bad_signature'
  /** A certificate that has issued another is not that of a CA. */
  | 'not_a_ca'
  /** More CAs are below one than its path length allows. */
  | 'path_too_long'
  /** A critical extension is not understood. */
  | 'unknown_critical_extension'
  /** A certificate is not valid at the time that counts. */
  | 'not_valid_now'
  /** The certificate may not be used for what it is wanted for. */
  | 'wrong_extended_key_usage'
  /** The certificate may not sign certificates. */
  | 'missing_cert_sign'
  /** The CA may not issue certificates for code signing. */
  | 'missing_code_signing'
  /** A CA of the chain has no subject key identifier. */
  | 'missing_subject_key_identifier'
  /** A certificate names another key than that of its issuer. */
  | 'wrong_authority_key_identifier'
  /** The last certificate of the chain has not signed itself. */
  | 'root_not_self_signed'
  /** The signing key is not that of the certificate. */
  | 'key_mismatch'
  /** The chain has keys of several kinds, which some clients refuse. */
  | 'mixed_algorithms'
  /** A CA ends before a certificate that it would issue. */
  | 'issuer_expires'

/** Why a certificate, request or chain was refused. The message is for whoever sent or configured it. */
export class X509Error extends Error {
  override readonly name = 'X509Error'
  readonly code: X509ErrorCode
  constructor(code: X509ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
