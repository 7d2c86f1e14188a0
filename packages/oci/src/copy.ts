/**
 * Copies between repositories and layout folders: an image or index with all that it holds, and what is
 * attached to it. Bytes stay what they are, so digests and signatures do. Blobs stream; what is there already
 * is not sent. A copy that was cut off shows nothing under its tag, and the next one goes on.
 */
import type { BlobOutcome } from './blobs.ts'
import type { ContentSource, ContentTarget } from './content.ts'
import type { Descriptor } from './descriptor.ts'
import type { Digest } from './digest.ts'
import { ifThere, OciError } from './errors.ts'
import { inParallel } from './in-parallel.ts'
import type { ManifestFile } from './manifests.ts'
import { type Attached, attachedTag } from './tag-names.ts'
import { walkManifests } from './walk.ts'

export type CopyStep = {
  readonly kind: 'blob' | 'manifest' | 'referrer' | 'tag'
  readonly digest: Digest
  readonly size: number
  /** `elsewhere`: its descriptor has `urls`, so no registry holds it, and it is not copied. */
  readonly outcome: BlobOutcome | 'elsewhere'
}

export type CopyOptions = {
  /** A repository of the target's registry that has the blobs: they need not pass through here. */
  readonly mountFrom?: string | undefined
  readonly onStep?: ((step: CopyStep) => void) | undefined
  /** Blobs at once. Default: 4. */
  readonly parallel?: number | undefined
}

export type AttachedOptions = CopyOptions & {
  /** Old tags; default: all three. */
  readonly tags?: readonly Attached[] | undefined
  /** `--attachment-tag-prefix`. */
  readonly tagPrefix?: string | undefined
  /** All of them (the default), or those of which it is true. */
  readonly referrers?: ((referrer: ManifestFile) => boolean) | undefined
  /** Where what is attached is read, if not where the image is; and where it goes. */
  readonly attachedFrom?: ContentSource | undefined
  readonly attachedTo?: ContentTarget | undefined
}

const deepestReferrer = 4
const mostReferrers = 20_000

/** The manifests that were copied, the root last, which alone has the tag. */
export async function copyTree(
  from: ContentSource,
  to: ContentTarget,
  root: string,
  tag?: string,
  options: CopyOptions = {},
): Promise<readonly ManifestFile[]> {
  const files: ManifestFile[] = []
  for await (const file of walkManifests(from, root)) files.push(file)
  await copyBlobs(from, to, files, options)
  for (const [at, file] of files.entries())
    await pushFile(to, file, at === files.length - 1 ? tag : undefined, options)
  return files
}

/** An image or index, and what is attached to it and to all it holds. The tag comes last, when all is there. */
export async function copyImage(
  from: ContentSource,
  to: ContentTarget,
  root: string,
  tag?: string,
  options: AttachedOptions = {},
): Promise<readonly ManifestFile[]> {
  const files = await copyTree(from, to, root, undefined, options)
  const { attachedFrom, attachedTo, mountFrom, ...rest } = options
  const isApart = attachedFrom !== undefined || attachedTo !== undefined
  // Blobs are mounted only out of the repository that has them.
  const ways = isApart ? rest : { ...rest, mountFrom }
  for (const file of files) await copyAttached(attachedFrom ?? from, attachedTo ?? to, file, ways)
  if (tag !== undefined) await tagRoot(to, files, tag, options)
  return files
}

/** Gives the last of what was copied its tag. */
export async function tagRoot(
  to: ContentTarget,
  files: readonly ManifestFile[],
  tag: string,
  options: CopyOptions,
): Promise<void> {
  const root = files.at(-1)
  if (root === undefined) throw new Error('a tree without a root')
  await pushFile(to, root, tag, options)
}

/** What is attached to one manifest: old tags, referrers, and referrers of those. */
export async function copyAttached(
  from: ContentSource,
  to: ContentTarget,
  subject: Descriptor,
  options: AttachedOptions = {},
): Promise<void> {
  for (const kind of options.tags ?? (['sig', 'att', 'sbom'] as const)) {
    const tag = attachedTag(subject.digest, kind, options.tagPrefix)
    const found = await ifThere(from.readManifest(tag))
    if (found !== undefined) await copyTree(from, to, tag, tag, options)
  }
  await copyReferrers(from, to, subject.digest, new Set(), 0, options)
}

async function copyReferrers(
  from: ContentSource,
  to: ContentTarget,
  subject: Digest,
  seen: Set<Digest>,
  depth: number,
  options: AttachedOptions,
): Promise<void> {
  if (depth > deepestReferrer) return
  for (const { digest } of await from.listReferrers(subject)) {
    if (seen.has(digest)) continue
    seen.add(digest)
    if (seen.size > mostReferrers)
      throw new OciError('too_large', `${subject} has more than ${mostReferrers} referrers`)
    // Lists under tags name what somebody has deleted.
    const found = await ifThere(from.readManifest(digest))
    // A list may name anything; a referrer says itself what it is attached to.
    if (found?.document.subject?.digest !== subject || options.referrers?.(found) === false) continue
    await copyTree(from, to, digest, undefined, options)
    await copyReferrers(from, to, digest, seen, depth + 1, options)
  }
}

async function copyBlobs(
  from: ContentSource,
  to: ContentTarget,
  files: readonly ManifestFile[],
  { mountFrom, onStep, parallel = 4 }: CopyOptions,
): Promise<void> {
  const blobs = new Map<Digest, Descriptor>()
  for (const { document } of files)
    if (document.kind === 'manifest')
      // What one manifest gets from elsewhere, another may want from the registry.
      for (const blob of [document.config, ...document.layers])
        if (!isElsewhere(blob) || !blobs.has(blob.digest)) blobs.set(blob.digest, blob)
  await inParallel([...blobs.values()], parallel, async (blob) => {
    const outcome = isElsewhere(blob)
      ? 'elsewhere'
      : await to.pushBlob(blob, () => from.openBlob(blob), mountFrom)
    onStep?.({ kind: 'blob', digest: blob.digest, size: blob.size, outcome })
  })
}

function isElsewhere({ urls = [] }: Descriptor): boolean {
  return urls.length > 0
}

async function pushFile(
  to: ContentTarget,
  file: ManifestFile,
  tag: string | undefined,
  { onStep }: CopyOptions,
): Promise<void> {
  const { bytes, mediaType, digest, size, document } = file
  const isReferrer = document.subject !== undefined
  if (isReferrer) await to.pushReferrer(bytes)
  if (!isReferrer || tag !== undefined) await to.pushManifest(bytes, mediaType, tag)
  const kind = isReferrer ? 'referrer' : tag === undefined ? 'manifest' : 'tag'
  onStep?.({ kind, digest, size, outcome: 'pushed' })
}
