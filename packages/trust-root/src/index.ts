export type { AuthorityToTrust, LogToTrust, TrustToPublish } from './build.ts'
export { buildClientTrustConfig, buildSigningConfig, buildTrustedRoot } from './build.ts'
export type { TrustRootErrorCode } from './errors.ts'
export { TrustRootError } from './errors.ts'
export { mediaTypes } from './media-types.ts'
export { noteKeyId } from './note-key-id.ts'
export { parseClientTrustConfig, parseSigningConfig } from './parse-signing-config.ts'
export { parseCertificateAuthority, parseTrustedRoot } from './parse-trusted-root.ts'
export type {
  CertificateAuthority,
  ClientTrustConfig,
  OpenValidityPeriod,
  Service,
  ServiceConfiguration,
  ServiceSelector,
  SigningConfig,
  TrustedLog,
  TrustedRoot,
  ValidityPeriod,
} from './types.ts'
