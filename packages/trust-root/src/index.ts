export type { AuthorityToTrust, LogToTrust, TrustToPublish } from './build.ts'
export {
  buildClientTrustConfig,
  buildSigningConfig,
  buildTrustedRoot,
  demandChain,
  encodeSigningConfig,
  encodeTrustedRoot,
  subjectOf,
} from './build.ts'
export { parseClientTrustConfig, parseSigningConfig } from './parse-signing-config.ts'
export { parseTrustedRoot } from './parse-trusted-root.ts'
export type {
  CertificateAuthority,
  ClientTrustConfig,
  OpenValidityPeriod,
  Service,
  ServiceConfiguration,
  SigningConfig,
  TrustedLog,
  TrustedRoot,
  ValidityPeriod,
} from './types.ts'
