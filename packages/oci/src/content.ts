/** What repositories and layout folders have in common, so that all copying is one. */
import type { BlobId, BlobOutcome, BlobSource } from './blobs.ts'
import type { Descriptor } from './descriptor.ts'
import type { Digest } from './digest.ts'
import type { ManifestFile, Pushed } from './manifests.ts'

export type ContentSource = {
  /** By digest or tag. Throws `not_found`. */
  readManifest(target: string): Promise<ManifestFile>
  openBlob(blob: BlobId): AsyncIterable<Uint8Array>
  listReferrers(subject: Digest): Promise<readonly Descriptor[]>
}

export type ContentTarget = {
  pushBlob(blob: Required<BlobId>, open: BlobSource, mountFrom?: string): Promise<BlobOutcome>
  pushManifest(bytes: Uint8Array, mediaType: string, tag?: string): Promise<Pushed>
  pushReferrer(bytes: Uint8Array): Promise<Pushed>
}
