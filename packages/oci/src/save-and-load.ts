/**
 * Layouts as `cosign save` writes and `cosign load` reads them: entries of `index.json` are told apart by the
 * annotation `kind`; referrers and their blobs have no entry. Manifests keep their bytes, so digests are the
 * same on both sides. What cosign does not save (SBOMs, signatures of single platforms) is kept as an entry
 * under its tag, which cosign passes over.
 */

import type { ContentSource, ContentTarget } from './content.ts'
import { type AttachedOptions, copyImage, copyTree, tagRoot } from './copy.ts'
import type { Descriptor } from './descriptor.ts'
import type { Digest } from './digest.ts'
import { ifThere, OciError } from './errors.ts'
import { type Layout, openLayout } from './layout.ts'
import type { ManifestFile } from './manifests.ts'
import { type Attached, attachedTag, parseAttachedTag } from './tag-names.ts'

const kind = 'kind'
export const refName = 'org.opencontainers.image.ref.name'
const kinds = {
  image: 'dev.cosignproject.cosign/image',
  index: 'dev.cosignproject.cosign/imageIndex',
  sig: 'dev.cosignproject.cosign/sigs',
  att: 'dev.cosignproject.cosign/atts',
} as const

type Ways = Omit<AttachedOptions, 'tags' | 'referrers'>

/** The image or index at `root` and all that is attached, in place of what the layout listed. */
export async function saveImage(
  from: ContentSource,
  layout: Layout,
  root: string,
  options: Ways = {},
): Promise<ManifestFile> {
  const { attachedFrom = from, tagPrefix } = options
  const files = await copyImage(from, layout, root, undefined, options)
  const image = files.at(-1)
  if (image === undefined) throw new Error('a tree without a root')
  const attached = await attachedEntries(files, image, attachedFrom, tagPrefix)
  await layout.writeEntries([imageEntry(image), ...attached])
  return image
}

/** What a layout lists of an image or index. */
export function imageEntry(image: ManifestFile, more: Readonly<Record<string, string>> = {}): Descriptor {
  return entryFor(image, { ...more, [kind]: image.document.kind === 'index' ? kinds.index : kinds.image })
}

/** What a layout lists of the old tags of `files`, of which `image` is the root. */
export async function attachedEntries(
  files: readonly ManifestFile[],
  image: Descriptor,
  from: ContentSource,
  tagPrefix?: string,
): Promise<readonly Descriptor[]> {
  const entries: Descriptor[] = []
  for (const { digest } of files.toReversed()) {
    for (const attached of ['sig', 'att', 'sbom'] as const) {
      const file = await ifThere(from.readManifest(attachedTag(digest, attached, tagPrefix)))
      if (file === undefined) continue
      const isCosigns = digest === image.digest && attached !== 'sbom'
      entries.push(
        entryFor(
          file,
          isCosigns ? { [kind]: kinds[attached] } : { [refName]: attachedTag(digest, attached) },
        ),
      )
    }
  }
  return entries
}

/** The image of a layout. */
export async function savedImage(layout: Layout): Promise<Descriptor> {
  return imageIn(await layout.readEntries(), layout.folder)
}

export type SavedImage = {
  readonly image: Descriptor
  /** The old tags of a saved image are in the entries of its layout; here they are tags again, without a prefix. */
  readonly content: ContentSource
}

/** What a folder that `save` has written holds, read as from a repository. */
export async function openSaved(folder: string): Promise<SavedImage> {
  const layout = await openLayout(folder)
  const entries = await layout.readEntries()
  const image = imageIn(entries, folder)
  const tags = new Map(
    entries.flatMap((entry) => {
      const attached = attachedBy(entry, image)
      return attached === undefined
        ? []
        : [[attachedTag(attached.digest, attached.kind), entry.digest] as const]
    }),
  )
  return {
    image,
    content: { ...layout, readManifest: (target) => layout.readManifest(tags.get(target) ?? target) },
  }
}

/** The image of the layout, under `tag` where there is one, and all that is attached to it. */
export async function loadImage(
  layout: Layout,
  to: ContentTarget,
  tag?: string,
  options: Ways = {},
): Promise<ManifestFile> {
  const entries = await layout.readEntries()
  return loadEntry(layout, entries, imageIn(entries, layout.folder), to, tag, options)
}

/** The image `root` of a layout that lists `entries`. */
export async function loadEntry(
  from: ContentSource,
  entries: readonly Descriptor[],
  root: Descriptor,
  to: ContentTarget,
  tag: string | undefined,
  options: Ways,
): Promise<ManifestFile> {
  const { attachedTo = to, tagPrefix } = options
  // Tags of a layout are in its entries, so they are pushed below.
  const files = await copyImage(from, to, root.digest, undefined, { ...options, tags: [] })
  const own = new Set(files.map(({ digest }) => digest))
  for (const entry of entries) {
    const attached = attachedBy(entry, root)
    if (attached === undefined || !own.has(attached.digest)) continue
    const as = attachedTag(attached.digest, attached.kind, tagPrefix)
    await copyTree(from, attachedTo, entry.digest, as, options)
  }
  if (tag !== undefined) await tagRoot(to, files, tag, options)
  const image = files.at(-1)
  if (image === undefined) throw new Error('a tree without a root')
  return image
}

export function isImageEntry({ annotations }: Descriptor): boolean {
  const found = annotations?.[kind]
  return found === kinds.image || found === kinds.index
}

function imageIn(entries: readonly Descriptor[], folder: string): Descriptor {
  // Other tools write no kind; then the one entry that is no attachment is meant.
  const others = entries.filter(
    ({ annotations }) =>
      annotations?.[kind] === undefined && parseAttachedTag(annotations?.[refName] ?? '') === undefined,
  )
  const found = entries.find(isImageEntry) ?? (others.length === 1 ? others[0] : undefined)
  if (found !== undefined) return found
  throw new OciError(
    'not_found',
    `${folder} lists ${entries.length} entries, and none of them as the image; save it again, alone, into an empty folder`,
  )
}

/** Of what an entry is the old tag, and of which kind. */
export function attachedBy(
  { annotations }: Descriptor,
  { digest }: Descriptor,
): { readonly digest: Digest; readonly kind: Attached } | undefined {
  if (annotations?.[kind] === kinds.sig) return { digest, kind: 'sig' }
  if (annotations?.[kind] === kinds.att) return { digest, kind: 'att' }
  const found = parseAttachedTag(annotations?.[refName] ?? '')
  return found === undefined || found.kind === 'referrers'
    ? undefined
    : { digest: found.digest, kind: found.kind }
}

function entryFor(
  { mediaType, size, digest }: Descriptor,
  annotations: Readonly<Record<string, string>>,
): Descriptor {
  return { mediaType, size, digest, annotations }
}
