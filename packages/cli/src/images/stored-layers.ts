/** Signatures and attestations in old tags: one image manifest a tag, one layer a signature. */
import { setTimeout } from 'node:timers/promises'
import { type JsonValue, utf8 } from '@sigstack/crypto'
import {
  type Descriptor,
  digestOf,
  encodeManifest,
  type ImageManifest,
  mediaTypes,
  OciError,
} from '@sigstack/oci'
import type { LegacyLayer } from '@sigstack/signing'
import { layerAnnotations, type StoredLayer } from '@sigstack/verification'
import { type AttachedImage, type Image, orNothing, placeOf, tagOf } from './image.ts'
import { beginPart, orRefusal, type Refused, readAhead } from './read-ahead.ts'

export type AttachedKind = 'sig' | 'att'
type TaggedKind = AttachedKind | 'sbom'

/** `descriptor` is of the layer. */
export type FoundLayer = { readonly descriptor: Descriptor } & (StoredLayer | Refused)

/** Of one layer; SBOMs may be larger. */
const longestLayerBytes = 32 << 20
const mostLayers = 1000
const mostRounds = 10

/** In their order; none where there is no such tag. */
export async function* readLayers(image: AttachedImage, kind: AttachedKind): AsyncGenerator<FoundLayer> {
  const layers = (await readTag(image, kind))?.layers ?? []
  yield* readAhead(layers, (descriptor) =>
    beginPart(descriptor, async () => {
      const payload = await orRefusal(
        image.attachments.readBlob(descriptor, image.mostBytes ?? longestLayerBytes),
      )
      if ('refusal' in payload) return { descriptor, refusal: payload.refusal }
      return { descriptor, payload, annotations: descriptor.annotations ?? {} }
    }),
  )
}

type AppendOptions = {
  /** Whether a layer says what the new one says, so that one of them is enough. */
  readonly isAgain?: ((layer: StoredLayer) => Promise<boolean>) | undefined
  /** Whether a layer gives way to the new one. */
  readonly isReplaced?: ((layer: Descriptor) => boolean) | undefined
}

/**
 * Adds a layer to those of the tag. Nobody locks a tag, so it is read again after as long as another writer may be between
 * reading and writing, and what is gone is written again.
 */
export async function appendLayer(
  image: Image,
  kind: AttachedKind,
  layer: LegacyLayer,
  { isAgain, isReplaced = () => false }: AppendOptions = {},
): Promise<void> {
  const { attachments } = image
  const blob = { mediaType: layer.mediaType, size: layer.payload.length, digest: digestOf(layer.payload) }
  const descriptor: Descriptor = { ...blob, annotations: layer.annotations }
  await attachments.pushBlob(blob, () => layer.payload)
  let slowestMs = 50
  // What others add meanwhile stays.
  let replaced: readonly Descriptor[] | undefined
  for (let round = 0; round < mostRounds; round++) {
    const start = performance.now()
    const layers = (await readTag(image, kind))?.layers ?? []
    replaced ??= layers.filter((each) => !isSame(each, descriptor) && isReplaced(each))
    const kept = layers.filter((each) => !replaced?.some((other) => isSame(each, other)))
    const isThere = kept.some((each) => isSame(each, descriptor))
    if (isThere && kept.length === layers.length) return
    if (isAgain !== undefined && (await hasAgain(layers, layer, descriptor, isAgain))) return
    await writeTag(image, kind, isThere ? kept : [...kept, descriptor])
    slowestMs = Math.min(Math.max(slowestMs, (performance.now() - start) * 3), 3000)
    await setTimeout(slowestMs * (1 + Math.random()))
  }
  throw new OciError(
    'conflict',
    `others write ${placeOf(image, tagOf(image, kind))} at the same time, again and again; try again later`,
  )
}

/** Two signatures over one payload differ in their annotations alone. `but` names one that may differ. */
function isSame(one: Descriptor, other: Descriptor, but?: string): boolean {
  const names = Object.keys(other.annotations ?? {})
  return (
    one.digest === other.digest &&
    one.mediaType === other.mediaType &&
    names.every((name) => name === but || one.annotations?.[name] === other.annotations?.[name])
  )
}

/** Each signature of a key may be another; so those that differ in nothing else are verified. */
async function hasAgain(
  layers: readonly Descriptor[],
  { payload }: LegacyLayer,
  descriptor: Descriptor,
  isAgain: (layer: StoredLayer) => Promise<boolean>,
): Promise<boolean> {
  for (const each of layers)
    if (isSame(each, descriptor, layerAnnotations.signature))
      if (await isAgain({ payload, annotations: each.annotations ?? {} })) return true
  return false
}

async function readTag(image: AttachedImage, kind: TaggedKind): Promise<ImageManifest | undefined> {
  const tag = tagOf(image, kind)
  const document = (await orNothing(image.attachments.readManifest(tag)))?.document
  if (document === undefined || document.kind === 'manifest') return document
  throw new OciError('bad_document', `${placeOf(image, tag)} is an index, where signatures were expected`)
}

/** In place of what the tag held. */
export async function writeTag(image: Image, kind: TaggedKind, layers: readonly Descriptor[]): Promise<void> {
  const tag = tagOf(image, kind)
  if (layers.length > mostLayers)
    throw new OciError('too_large', `${placeOf(image, tag)} holds ${mostLayers} layers, and no more are read`)
  const config = configOf(layers)
  const [type, configType] = image.dockerTypes
    ? [mediaTypes.dockerManifest, mediaTypes.dockerConfig]
    : [mediaTypes.ociManifest, mediaTypes.ociConfig]
  const descriptor = { mediaType: configType, size: config.length, digest: digestOf(config) }
  await image.attachments.pushBlob(descriptor, () => config)
  const manifest = encodeManifest({ mediaType: type, config: descriptor, layers })
  await image.attachments.pushManifest(manifest, type, tag)
}

/** Nobody looks into it, but an image must have one. */
function configOf(layers: readonly Descriptor[]): Uint8Array {
  const created = '0001-01-01T00:00:00Z'
  const config: JsonValue = {
    architecture: '',
    created,
    history: layers.map(() => ({ created })),
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    config: {},
  }
  return utf8(JSON.stringify(config))
}
