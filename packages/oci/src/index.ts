export {
  ambientCredentials,
  configFiles,
  credentialsOfConfig,
  type Environment,
} from './ambient-credentials.ts'
export { type Archive, openArchive } from './archive/open-archive.ts'
export {
  type CheckedParts,
  checkPacked,
  type ImageToPack,
  type PackedImage,
  packedImages,
  packImages,
  unpackImage,
} from './archive/pack-images.ts'
export { type ArchiveWriter, createArchive } from './archive/write-archive.ts'
export { type BlobId, type BlobOutcome, type BlobSource, mostAttachmentBytes, readPieces } from './blobs.ts'
export { type Challenge, parseChallenge, parseChallenges } from './challenge.ts'
export type { ContentSource, ContentTarget } from './content.ts'
export {
  type AttachedOptions,
  type CopyOptions,
  type CopyStep,
  copyAttached,
  copyImage,
  copyTree,
} from './copy.ts'
export { parseHelperAnswer } from './credential-helper.ts'
export { anonymous, type CredentialSource, type Credentials } from './credentials.ts'
export {
  type Descriptor,
  isPlatform,
  type Platform,
  parsePlatform,
  platformText,
} from './descriptor.ts'
export { type Digest, digestOf, parseDigest } from './digest.ts'
export { type DockerConfig, parseDockerConfig } from './docker-config.ts'
export {
  encodeIndex,
  encodeManifest,
  type ImageIndex,
  type ImageManifest,
  type ManifestParts,
  parseDocument,
  parseIndex,
  parseManifest,
  parseReferrers,
} from './documents.ts'
export { ifThere, isNotFound, OciError, type OciErrorCode } from './errors.ts'
export { inOrder, inParallel } from './in-parallel.ts'
export { type KeptCredentials, keepCredentials } from './keep-credentials.ts'
export { createLayout, type Layout, openLayout } from './layout.ts'
export type { ManifestFile, Pushed } from './manifests.ts'
export { emptyConfig, isIndexType, isManifestType, mediaTypes } from './media-types.ts'
export {
  isTag,
  parseReference,
  parseRepository,
  type Reference,
  type RepositoryName,
  referenceText,
  repositoryText,
} from './reference.ts'
export {
  createRegistryClient,
  type RegistryClient,
  type RegistryOptions,
  type Repository,
} from './registry.ts'
export type { Patience } from './retry.ts'
export { loadImage, openSaved, type SavedImage, savedImage, saveImage } from './save-and-load.ts'
export { type Attached, type AttachedTag, attachedTag, parseAttachedTag, referrersTag } from './tag-names.ts'
export { parseTags } from './tags.ts'
export { readTlsFiles, type TlsFiles } from './tls-files.ts'
export { parseToken } from './token-service.ts'
export { walkManifests } from './walk.ts'
