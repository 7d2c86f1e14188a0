/** Bundles as referrers of an image: how a registry keeps them, member for member as cosign does. */
import {
  type Descriptor,
  type Digest,
  digestOf,
  emptyConfig,
  encodeManifest,
  type ManifestFile,
  mediaTypes,
  OciError,
} from '@sigstack/oci'
import { imageSignaturePredicateType } from '@sigstack/signing'
import type { AttachedImage, Image } from './image.ts'
import { beginPart, gathered, orRefusal, type Part, type Refused, readAhead } from './read-ahead.ts'

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const anyBundleType = 'application/vnd.dev.sigstore.bundle'
const annotation = {
  content: 'dev.sigstore.bundle.content',
  predicateType: 'dev.sigstore.bundle.predicateType',
  created: 'org.opencontainers.image.created',
} as const

/** Larger ones are not read as bundles either. */
const longestBundleBytes = 32 << 20
const mostReferrers = 1000

/** The manifest comes last, so what is cut off shows nothing. */
export async function pushBundle(
  { attachments, repository, digest }: Image,
  text: string,
  predicateType: string,
  now: Date,
): Promise<Digest> {
  const bytes = Buffer.from(text)
  const layer = { mediaType: bundleType, size: bytes.length, digest: digestOf(bytes) }
  const config = { mediaType: mediaTypes.empty, size: emptyConfig.size, digest: digestOf(emptyConfig.bytes) }
  const [subject] = await Promise.all([
    repository.resolve(digest),
    attachments.pushBlob(layer, () => bytes),
    attachments.pushBlob(config, () => emptyConfig.bytes),
  ])
  const manifest = encodeManifest({
    // By this member cosign finds what it may clean.
    config: { ...config, artifactType: bundleType },
    layers: [layer],
    annotations: {
      [annotation.content]: 'dsse-envelope',
      [annotation.predicateType]: predicateType,
      [annotation.created]: `${now.toISOString().slice(0, 19)}Z`,
    },
    subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
    artifactType: bundleType,
  })
  return (await attachments.pushReferrer(manifest)).digest
}

/** One referrer that may be a bundle. Whatever is wrong with it is no reason to look at no other. */
export type StoredBundle = { readonly digest: Digest } & (
  | { readonly text: string; readonly layer: Digest }
  | Refused
)

/** In the order of the list; referrers of other kinds are left out. */
export async function* readBundles(image: AttachedImage): AsyncGenerator<StoredBundle> {
  const { attachments, mostBytes } = image
  const begin = async (digest: Digest): Promise<Part<StoredBundle | undefined>> => {
    const { document } = await attachments.readManifest(digest)
    const [layer, ...more] = bundleLayersOf(document)
    if (layer === undefined) return async () => undefined
    const refuse = (refusal: string) => async () => ({ digest, refusal })
    if (more.length > 0) return refuse('it has several layers, where a bundle has one')
    // A list may name anything; a referrer says itself what it is attached to.
    if (document.subject?.digest !== image.digest)
      return refuse('it is listed as a referrer of this image, and is attached to another')
    return beginPart(layer, async () => {
      const bytes = await attachments.readBlob(layer, mostBytes ?? longestBundleBytes)
      return { digest, layer: layer.digest, text: bytes.toString('utf8') }
    })
  }
  const referrers = await listReferrers(image)
  const parts = readAhead(referrers, async (digest) => {
    const part = await orRefusal(begin(digest))
    const read = typeof part === 'function' ? () => orRefusal(part()) : async () => part
    return async () => {
      const found = await read()
      return found && 'refusal' in found ? { digest, refusal: found.refusal } : found
    }
  })
  for await (const stored of parts) if (stored !== undefined) yield stored
}

/** Digests alone, of those that are attached to this image, and are of the type, where there is one. */
export async function listBundles(image: AttachedImage, predicateType?: string): Promise<readonly Digest[]> {
  const isWanted = async (digest: Digest): Promise<boolean> => {
    const { document } = await image.attachments.readManifest(digest)
    const isBundle = document.subject?.digest === image.digest && bundleLayersOf(document).length > 0
    return isBundle && (predicateType === undefined || predicateTypeOf(document) === predicateType)
  }
  const parts = readAhead(await listReferrers(image), async (digest) => {
    const found = await orRefusal(isWanted(digest))
    return async () => (found === true ? [digest] : [])
  })
  return (await gathered(parts)).flat()
}

async function listReferrers({ given, attachments, digest }: AttachedImage): Promise<readonly Digest[]> {
  const listed = await attachments.listReferrers(digest)
  if (listed.length <= mostReferrers) return listed.map((each) => each.digest)
  throw new OciError('too_large', `${given} has more than ${mostReferrers} referrers; clean them up`)
}

/** All layers, where the first is of a bundle. */
function bundleLayersOf(document: ManifestFile['document']): readonly Descriptor[] {
  const layers = document.kind === 'manifest' ? document.layers : []
  return layers[0]?.mediaType.startsWith(anyBundleType) === true ? layers : []
}

/** Of the two kinds of bundles a manifest says it is; undefined where it is none. */
export function kindOfBundle(document: ManifestFile['document']): 'sig' | 'att' | undefined {
  if (bundleLayersOf(document).length === 0) return undefined
  return predicateTypeOf(document) === imageSignaturePredicateType ? 'sig' : 'att'
}

/** What a list or a manifest says of the content; nobody has checked it. */
export function predicateTypeOf({ annotations }: Pick<Descriptor, 'annotations'>): string | undefined {
  return annotations?.[annotation.predicateType]
}
