/** Several images, and all that is attached to them, into one archive, and out of it again. */
import type { ContentSource, ContentTarget } from '../content.ts'
import { type AttachedOptions, copyImage } from '../copy.ts'
import type { Descriptor } from '../descriptor.ts'
import type { Digest } from '../digest.ts'
import { OciError } from '../errors.ts'
import type { ManifestFile } from '../manifests.ts'
import { parseReference, type Reference, referenceText } from '../reference.ts'
import {
  attachedBy,
  attachedEntries,
  imageEntry,
  isImageEntry,
  loadEntry,
  refName,
} from '../save-and-load.ts'
import { attachedTag } from '../tag-names.ts'
import type { Archive } from './open-archive.ts'
import type { ArchiveWriter } from './write-archive.ts'

type Ways = Omit<AttachedOptions, 'tags' | 'referrers'>

export type ImageToPack = {
  readonly from: ContentSource
  /** What it is called in the archive. */
  readonly reference: Reference
  readonly digest: Digest
  readonly ways: Ways
}

/** The entries of the archive: of one image as cosign reads them, too. */
export async function packImages(
  images: readonly ImageToPack[],
  archive: ArchiveWriter,
): Promise<readonly Descriptor[]> {
  const roots: Descriptor[] = []
  const attached: Descriptor[] = []
  for (const { from, reference, digest, ways } of images) {
    const files = await copyImage(from, archive, digest, undefined, ways)
    const root = files.at(-1)
    if (root === undefined) throw new Error('a tree without a root')
    const name = referenceText({ ...reference, ...(reference.tag === undefined && { digest: root.digest }) })
    roots.push(imageEntry(root, { [refName]: name }))
    const found = await attachedEntries(files, root, ways.attachedFrom ?? from, ways.tagPrefix)
    // Of several images, cosign's words would not tell whose signatures they are.
    attached.push(...(images.length === 1 ? found : found.map((entry) => withTag(entry, root))))
  }
  return [...roots, ...distinct(attached)]
}

function withTag(entry: Descriptor, root: Descriptor): Descriptor {
  const attached = attachedBy(entry, root)
  if (attached === undefined) return entry
  return { ...entry, annotations: { [refName]: attachedTag(attached.digest, attached.kind) } }
}

/** One image may be there under two names. */
function distinct(entries: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry.annotations), entry])).values()]
}

export type PackedImage = { readonly reference: Reference; readonly entry: Descriptor }

/** Throws {@link OciError} where an image has no name, or there is none. */
export function packedImages({ entries }: Pick<Archive, 'entries'>): readonly PackedImage[] {
  const images = entries.filter(isImageEntry).map((entry) => {
    const name = entry.annotations?.[refName]
    if (name === undefined)
      throw new OciError('bad_document', `the image ${entry.digest} in the archive has no name`)
    const reference = parseReference(name)
    // A name with a digest is of no other image.
    if (reference.digest !== undefined && reference.digest !== entry.digest)
      throw new OciError('digest_mismatch', `the archive calls ${entry.digest} ${name}`)
    return { reference, entry }
  })
  if (images.length > 0) return images
  throw new OciError('not_found', 'the archive lists no image; name a file that pack has written')
}

export type CheckedParts = {
  /** Of the parts that are in the archive. */
  readonly bytes: number
  /** Layers that are got from elsewhere: nobody has looked at them. */
  readonly elsewhere: readonly Digest[]
}

/** Everything that the image is made of and all that is attached to it, read whole. */
export async function checkPacked(archive: Archive, { entry }: PackedImage): Promise<CheckedParts> {
  let bytes = 0
  const elsewhere = new Set<Digest>()
  // Where everything is taken and nothing is kept.
  const nowhere: ContentTarget = {
    async pushBlob(_, open) {
      const given = open()
      for await (const piece of given instanceof Uint8Array ? [given] : given) bytes += piece.length
      return 'pushed'
    },
    pushManifest: async () => ({ digest: entry.digest, listedSubject: undefined }),
    pushReferrer: async () => ({ digest: entry.digest, listedSubject: undefined }),
  }
  await unpackImage(archive, { entry }, nowhere, undefined, {
    onStep: ({ digest, outcome }) => void (outcome === 'elsewhere' && elsewhere.add(digest)),
  })
  return { bytes, elsewhere: [...elsewhere] }
}

/** The image under its tag, and all that is attached to it. */
export async function unpackImage(
  archive: Archive,
  { entry }: Pick<PackedImage, 'entry'>,
  to: ContentTarget,
  tag?: string,
  ways: Ways = {},
): Promise<ManifestFile> {
  return loadEntry(archive, archive.entries, entry, to, tag, ways)
}
