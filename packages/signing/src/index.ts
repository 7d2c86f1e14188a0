export {
  type Credential,
  type KeylessOptions,
  keylessCredential,
  localSigningKey,
  type RunningSignature,
  type SigningKey,
} from './credential.ts'
export { bundleMediaType, encodeBundle, encodeEnvelope, keyHintOf } from './encode-bundle.ts'
export { SigningError, type SigningErrorCode } from './errors.ts'
export { signImage, signStatement } from './image.ts'
export { encodeLegacyBundle } from './legacy/blob-bundle.ts'
export {
  attestImageLegacy,
  envelopeLayer,
  envelopeMediaType,
  type LegacyLayer,
  rekorBundle,
  signatureLayer,
  signPayloadLegacy,
} from './legacy/layer.ts'
export { type SimpleSigning, simpleSigningMediaType, simpleSigningPayload } from './legacy/simple-signing.ts'
export type { Exchange } from './services/ask-service.ts'
export type { CertificateChain } from './services/certificate-authority.ts'
export {
  type LogOptions,
  type LogService,
  type LogVersion,
  type SigningServices,
  selectAuthority,
  selectIssuer,
  selectServices,
  selectWitnesses,
} from './services/select-services.ts'
export { type SignedBundle, type SignOptions, signEnvelope, signMessage } from './sign.ts'
export { predicateTypeOfStatement } from './statements/predicate.ts'
export {
  imageSignaturePredicateType,
  predicateTypeNames,
  predicateTypeUri,
} from './statements/predicate-types.ts'
export {
  attestationStatement,
  imageStatement,
  type StatementSubject,
  statementPayloadType,
} from './statements/statement.ts'
export { ambientProviders, ambientToken } from './tokens/ambient.ts'
export {
  claimsOf,
  demandToken,
  isTokenShaped,
  longestToken,
  subjectOfToken,
} from './tokens/identity-token.ts'
export type { Surroundings } from './tokens/surroundings.ts'
export {
  askForTimestamp,
  findEntry,
  rekorV1Witness,
  rekorV2Witness,
  searchLog,
  timestampWitness,
  type Witness,
  witnessesOf,
} from './witness.ts'
