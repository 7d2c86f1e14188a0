export { createIntermediate, createRoot, createStampingCertificate } from './authority.ts'
export { assertCaChain } from './ca-chain.ts'
export type { Certificate } from './certificate.ts'
export { certificateExtensions, extensionValue, parseCertificate } from './certificate.ts'
export { isSelfSigned, verifyChain } from './chain.ts'
export { createCaRequest } from './create-request.ts'
export type { X509ErrorCode } from './errors.ts'
export { X509Error } from './errors.ts'
export type { Extension } from './extension.ts'
export { encodeExtension } from './extension.ts'
export type { FulcioClaims } from './fulcio-extensions.ts'
export { describeFulcioExtension, fulcioExtensions, fulcioIssuer } from './fulcio-extensions.ts'
export type { San } from './general-names.ts'
export { certificateSubjects, encodeSan } from './general-names.ts'
export { keyIdentifier } from './key-identifier.ts'
export { assertStrongKey } from './key-strength.ts'
export type { LeafTemplate } from './leaf.ts'
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
  sctListOf,
  unsignedCertificate,
} from './precertificate.ts'
export { parseCertificateRequest } from './request.ts'
export { serialNumberFrom } from './serial-number.ts'
export { verifyCertificateSignature } from './signature.ts'
export { certificateSignatureAlgorithm, encodeSignatureAlgorithm } from './signature-algorithm.ts'
