export type { SignatureAlgorithm } from './algorithms.ts'
export {
  defaultClientAlgorithms,
  defaultHash,
  fitsKey,
  isSignatureAlgorithm,
  publicKeyDetails,
  signatureAlgorithms,
} from './algorithms.ts'
export {
  asBuffer,
  concatBytes,
  equalBytes,
  parseBase64,
  parseBase64Url,
  parseHex,
  parseUtf8,
  toBase64,
  toHex,
  utf8,
} from './bytes.ts'
export type { JsonValue } from './canonical-json.ts'
export { canonicalJson } from './canonical-json.ts'
export type { DerElement } from './der.ts'
export {
  der,
  derOid,
  derTag,
  derUnsignedInteger,
  oidOf,
  readDer,
  readDerChildren,
  readOnlyDer,
  unsignedIntegerOf,
} from './der.ts'
export type { HashAlgorithm } from './digest.ts'
export { digest, digestLengthBytes, isHashAlgorithm, sha256, sha256Hex } from './digest.ts'
export { derEcdsaSignature, derFromRawSignature, isDerEcdsaSignature } from './ecdsa-signature.ts'
export type { CryptoErrorCode } from './errors.ts'
export { CryptoError } from './errors.ts'
export type { PemBlock } from './pem.ts'
export { encodePem, parsePemBlock, parsePemBlocks } from './pem.ts'
export type { EcCurve, PublicKey, PublicKeyKind } from './public-key.ts'
export { encodePublicKeyPem, keyFingerprint, parsePublicKey, parsePublicKeyPem } from './public-key.ts'
export type { Signer } from './signer.ts'
export { createSigner, generateSigningKey, signingAlgorithm } from './signer.ts'
export { verifySignature } from './verify.ts'
export type { DigestVerificationBackend } from './verify-digest/ecdsa-backend.ts'
export type { DigestVerification } from './verify-digest/verify-digest.ts'
export {
  digestVerificationBackend,
  probeDigestVerification,
  verifyDigest,
} from './verify-digest/verify-digest.ts'
