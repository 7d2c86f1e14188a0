export { type Artifact, algorithmsOf, artifactOfBytes, parseDigest } from './artifact.ts'
export type { Bundle, Envelope, LogEntry, MessageSignature } from './bundle.ts'
export type { CertificateIdentity } from './certificate-identity.ts'
export { type ClaimCondition, claimNumbers } from './claims.ts'
export { VerificationError, type VerificationErrorCode } from './errors.ts'
export { breadthOf, breadthOfConditions } from './identity-breadth.ts'
export type { Condition, IdentityPolicy } from './identity-policy.ts'
export type { ImageClaim } from './images/claim.ts'
export { layerAnnotations, partsOfLayer, type StoredLayer } from './images/stored-layer.ts'
export {
  type ImageConditions,
  type VerifiedImage,
  verifyAttestationLayer,
  verifyImageBundle,
  verifySignatureLayer,
} from './images/verify-image.ts'
export {
  bundleOfParts,
  isLegacyBundle,
  type LegacyParts,
  readLegacyBundle,
  readRekorBundle,
} from './legacy-bundle.ts'
export { readArtifact } from './read-artifact.ts'
export { readBundle, readEnvelope, readLogEntry } from './read-bundle.ts'
export { type Stamps, verifyTimestamps } from './timestamp.ts'
export { type Verified, type VerifyOptions, verifyBundle } from './verify-bundle.ts'
