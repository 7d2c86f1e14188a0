/** Bundles as referrers of an image: how a registry keeps them, member for member as cosign does. */
import { reasonOf } from '@sigstack/crypto'
import {
  type Descriptor,
  type Digest,
  digestOf,
  emptyConfig,
  encodeManifest,
  inParallel,
  type ManifestFile,
  mediaTypes,
  OciError,
} from '@sigstack/oci'
import { imageSignaturePredicateType } from '@sigstack/signing'
import type { AttachedImage, Image } from './image.ts'

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
const parallel = 10

/** The manifest comes last, so what is cut off shows nothing. */
export async function pushBundle(
  { attachments, repository, digest }: Image,
  text: string,
  predicateType: string,
  now: Date,
): Promise<Digest> {
  const subject = await repository.resolve(digest)
  const bytes = Buffer.from(text)
  const layer = { mediaType: bundleType, size: bytes.length, digest: digestOf(bytes) }
  const config = { mediaType: mediaTypes.empty, size: emptyConfig.size, digest: digestOf(emptyConfig.bytes) }
  await attachments.pushBlob(layer, () => bytes)
  await attachments.pushBlob(config, () => emptyConfig.bytes)
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
  | { readonly refusal: string }
)

/** In the order of the list; referrers of other kinds are left out. */
export async function readBundles(image: AttachedImage): Promise<readonly StoredBundle[]> {
  return readEach(image, (digest) => readBundle(image, digest))
}

/** Digests alone, of those that are attached to this image, and are of the type, where there is one. */
export async function listBundles(image: AttachedImage, predicateType?: string): Promise<readonly Digest[]> {
  const found = await readEach(image, async (digest) => {
    const { document } = await image.attachments.readManifest(digest)
    const isBundle = document.subject?.digest === image.digest && bundleLayersOf(document).length > 0
    const isWanted = predicateType === undefined || predicateTypeOf(document) === predicateType
    return isBundle && isWanted ? { digest } : undefined
  })
  return found.flatMap((each) => ('refusal' in each ? [] : [each.digest]))
}

type Refused = { readonly digest: Digest; readonly refusal: string }

async function readEach<T>(
  { given, attachments, digest: subject }: AttachedImage,
  read: (digest: Digest) => Promise<T | undefined>,
): Promise<readonly (T | Refused)[]> {
  const listed = await attachments.listReferrers(subject)
  if (listed.length > mostReferrers)
    throw new OciError('too_large', `${given} has more than ${mostReferrers} referrers; clean them up`)
  const found: (T | Refused | undefined)[] = []
  await inParallel([...listed.entries()], parallel, async ([at, { digest }]) => {
    found[at] = await read(digest).catch((error: unknown) => {
      if (!(error instanceof OciError)) throw error
      return { digest, refusal: reasonOf(error) }
    })
  })
  return found.filter((each) => each !== undefined)
}

/** All layers, where the first is of a bundle. */
function bundleLayersOf(document: ManifestFile['document']): readonly Descriptor[] {
  const layers = document.kind === 'manifest' ? document.layers : []
  return layers[0]?.mediaType.startsWith(anyBundleType) === true ? layers : []
}

async function readBundle(image: AttachedImage, digest: Digest): Promise<StoredBundle | undefined> {
  const { attachments } = image
  const { document } = await attachments.readManifest(digest)
  const [layer, ...more] = bundleLayersOf(document)
  if (layer === undefined) return undefined
  if (more.length > 0) return { digest, refusal: 'it has several layers, where a bundle has one' }
  // A list may name anything; a referrer says itself what it is attached to.
  if (document.subject?.digest !== image.digest)
    return { digest, refusal: 'it is listed as a referrer of this image, and is attached to another' }
  const bytes = await attachments.readBlob(layer, longestBundleBytes)
  return { digest, layer: layer.digest, text: bytes.toString('utf8') }
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
