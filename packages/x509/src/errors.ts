export type X509ErrorCode =
  | 'bad_certificate'
  | 'bad_certificate_request'
  | 'bad_certificate_pem'
  | 'bad_time'
  | 'bad_name'
  | 'bad_serial_number'
  | 'bad_extension'
  | 'missing_issuer'
  | 'missing_extension'
  | 'duplicate_extension'
  | 'bad_poison'
  | 'bad_sct_list'
  | 'precertificate_mismatch'
  | 'unsupported_algorithm'
  | 'weak_key'
  | 'empty_chain'
  | 'chain_too_long'
  | 'untrusted_chain'
  | 'bad_signature'
  | 'not_a_ca'
  | 'path_too_long'
  | 'unknown_critical_extension'
  | 'not_valid_now'
  | 'wrong_extended_key_usage'
  | 'missing_cert_sign'
  | 'missing_code_signing'
  | 'missing_subject_key_identifier'
  | 'wrong_authority_key_identifier'
  | 'root_not_self_signed'
  | 'key_mismatch'
  | 'mixed_algorithms'
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
