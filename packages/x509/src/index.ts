export type { IntermediateRequest, RootRequest } from './authority.ts'
export { createIntermediate, createRoot } from './authority.ts'
export { assertCaChain } from './ca-chain.ts'
export type { Certificate } from './certificate.ts'
export { certificateExtensions, certificateSpki, extensionValue, parseCertificate } from './certificate.ts'
export type { ChainRequirements } from './chain.ts'
export { isSelfSigned, verifyChain } from './chain.ts'
export type { CaRequest } from './create-request.ts'
export { createCaRequest } from './create-request.ts'
export type { X509ErrorCode } from './errors.ts'
export { X509Error } from './errors.ts'
export type { Extension, KeyUsage } from './extension.ts'
export { encodeExtension } from './extension.ts'
export type { FulcioClaim, FulcioClaims } from './fulcio-extensions.ts'
export { describeFulcioExtension, fulcioExtensions } from './fulcio-extensions.ts'
export type { San } from './general-names.ts'
export { certificateSubjects, encodeSan } from './general-names.ts'
export { keyIdentifier } from './key-identifier.ts'
export { assertStrongKey } from './key-strength.ts'
export type { LeafRequest, LeafTemplate } from './leaf.ts'
export {
  assembleCertificate,
  finalTbs,
  leafLifetimeSeconds,
  leafTemplate,
  plainTbs,
  precertificateTbs,
} from './leaf.ts'
export { extendedKeyUsageOid, extensionOid, fulcioArc, fulcioOtherNameOid } from './oids.ts'
export { encodeCertificatePem, parseCertificatesPem } from './pem.ts'
export {
  assertPrecertificateMatches,
  embeddedScts,
  isPrecertificate,
  removeExtension,
} from './precertificate.ts'
export type { CertificateRequest } from './request.ts'
export { parseCertificateRequest } from './request.ts'
export { serialNumberFrom } from './serial-number.ts'
export { verifyCertificateSignature } from './signature.ts'
export { certificateSignatureAlgorithm, encodeSignatureAlgorithm } from './signature-algorithm.ts'
