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
  shortLivedDer,
  unsignedIntegerOf,
} from './der.ts'
export type { HashAlgorithm } from './digest.ts'
export { digest, digestLengthBytes, isHashAlgorithm, sha256, sha256Hex } from './digest.ts'
export { preAuthenticationEncoding } from './dsse.ts'
export {
  derEcdsaSignature,
  derFromRawSignature,
  isDerEcdsaSignature,
  plainEcdsaSignature,
} from './ecdsa-signature.ts'
export type { CryptoErrorCode } from './errors.ts'
export { CryptoError } from './errors.ts'
export { goJson, sortedMembers } from './go-json.ts'
export type { MlDsaSigner } from './ml-dsa.ts'
export {
  createMlDsaSigner,
  generateMlDsaKey,
  mlDsaKeyBytes,
  mlDsaSignatureBytes,
  verifyMlDsa,
} from './ml-dsa.ts'
export { deepestJson, isDeeperThan, NestingError, parseBoundedJson } from './nesting.ts'
export type { PemBlock } from './pem.ts'
export { encodePem, parsePemBlock, parsePemBlocks } from './pem.ts'
export type { JsonNode, Members, ProtoJsonErrorCode } from './proto-json.ts'
export {
  badMember,
  bytesOf,
  countOf,
  integerOf,
  itemsOf,
  membersOf,
  oneOf,
  ProtoJsonError,
  parseProtoJson,
  present,
  protoNameOf,
  textOf,
  timeOf,
} from './proto-json.ts'
export type { EcCurve, PublicKey, PublicKeyKind } from './public-key.ts'
export { encodePublicKeyPem, keyFingerprint, parsePublicKey, parsePublicKeyPem } from './public-key.ts'
export type { Signer } from './signer.ts'
export { createEd25519phSigner, createSigner, generateSigningKey, signingAlgorithm } from './signer.ts'
export { parseStrictJson, StrictJsonError } from './strict-json.ts'
export { counted, escaped, misleadingCharacters, quoted, withoutTokens } from './text.ts'
export { decodeText, encodingOfMark } from './text-encoding.ts'
export { hasSpareCores } from './thread-pool.ts'
export { withoutEnd } from './trim.ts'
export { errorCode, isObject, memberAt, reasonOf } from './unknown.ts'
export { type KeySize, verificationCost } from './verification-cost.ts'
export { verifySignature } from './verify.ts'
export type { CheckThread } from './verify-digest/gathered-checks.ts'
export type { DigestVerification } from './verify-digest/verify-digest.ts'
export {
  answerChecks,
  lendCheckThread,
  probeDigestVerification,
  verifyDigest,
} from './verify-digest/verify-digest.ts'
