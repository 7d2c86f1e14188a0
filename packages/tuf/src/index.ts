export type { TufErrorCode } from './errors.ts'
export { TufError } from './errors.ts'
export { tufKey } from './key.ts'
export type { Lifetimes } from './lifetime.ts'
export { encodeMetadata, isSignedFor, metadataLimitBytes, parseMetadata } from './metadata.ts'
export type {
  NewFile,
  NextRelease,
  Release,
  ReleaseOptions,
  SigstoreMetadata,
  Target,
} from './release.ts'
export { nextRelease } from './release.ts'
export type { RootMetadata, WantedRoot } from './root.ts'
export { isWantedRoot, nextRoot } from './root.ts'
