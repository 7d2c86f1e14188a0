/** What is attached to an image, in each form that was asked for: made, logged and verified, and pushed nowhere yet. */
import {
  attestImageLegacy,
  imageSignaturePredicateType,
  type LegacyLayer,
  signImage,
  signPayloadLegacy,
  signStatement,
  simpleSigningPayload,
} from '@sigstack/signing'
import {
  type StoredLayer,
  type VerifiedImage,
  verifyAttestationLayer,
  verifySignatureLayer,
} from '@sigstack/verification'
import { type Accepted, asFresh, conditionsOfFresh, demandAccepted } from '../signing/finish-signature.ts'
import type { Signing, SigningOptions } from '../signing/signing-options.ts'
import type { Formats } from './formats.ts'
import { artifactOfImage, type Image } from './image.ts'
import { listBundles, pushBundle } from './stored-bundles.ts'
import { type AttachedKind, appendLayer } from './stored-layers.ts'

export type Attachment = {
  readonly image: Image
  /** Absent where nothing at hand says whose certificates count. */
  readonly accepted: Accepted | undefined
  /** On one line. */
  readonly bundle: string | undefined
  readonly predicateType: string
  readonly layer: NewLayer | undefined
}

type NewLayer = {
  readonly kind: AttachedKind
  readonly content: LegacyLayer
  /** Whether the one who made this layer has made another one, too. */
  readonly isOwn: (layer: StoredLayer) => Promise<boolean>
}

export type Signer = {
  readonly formats: Formats
  readonly signing: Signing
  readonly options: SigningOptions
}

export type Said = {
  /** What old signatures call the image. */
  readonly reference: string
  readonly annotations: Readonly<Record<string, string>>
  /** What old signatures are over, where the caller has made it. */
  readonly payload?: Uint8Array | undefined
}

export async function makeSignature(image: Image, said: Said, signer: Signer): Promise<Attachment> {
  const { digest } = image
  const { reference, annotations, payload } = said
  return make(image, imageSignaturePredicateType, signer, {
    bundle: () => signImage({ digest, annotations }, signer.signing),
    kind: 'sig',
    layer: () =>
      signPayloadLegacy(payload ?? simpleSigningPayload({ reference, digest, annotations }), signer.signing),
  })
}

export async function makeAttestation(
  image: Image,
  { statement, predicateType }: { statement: Uint8Array; predicateType: string },
  signer: Signer,
): Promise<Attachment> {
  return make(image, predicateType, signer, {
    bundle: () => signStatement(statement, signer.signing),
    kind: 'att',
    layer: () => attestImageLegacy(statement, predicateType, signer.signing),
  })
}

/** The ways to make it; each asks the witnesses. */
type Ways = {
  readonly bundle: () => Promise<{ readonly text: string }>
  readonly kind: AttachedKind
  readonly layer: () => Promise<LegacyLayer>
}

async function make(
  image: Image,
  predicateType: string,
  { formats, signing, options }: Signer,
  ways: Ways,
): Promise<Attachment> {
  const artifact = artifactOfImage(image)
  const bundle = formats.bundle ? (await ways.bundle()).text : undefined
  const ofBundle = bundle === undefined ? undefined : await demandAccepted(bundle, artifact, signing, options)
  if (!formats.legacy) return { image, accepted: ofBundle, bundle, predicateType, layer: undefined }

  const { kind } = ways
  const content = await ways.layer()
  const conditions = await conditionsOfFresh(signing, options)
  const verify = (layer: StoredLayer, fresh: NonNullable<typeof conditions>): Promise<VerifiedImage> =>
    (kind === 'sig' ? verifySignatureLayer : verifyAttestationLayer)(layer, { ...fresh, artifact })
  const isOwn = async (layer: StoredLayer): Promise<boolean> =>
    conditions !== undefined &&
    verify(layer, conditions).then(
      () => true,
      () => false,
    )
  const ofLayer = conditions === undefined ? undefined : await asFresh(verify(content, conditions))
  return {
    image,
    accepted: ofBundle ?? (ofLayer && { bundle: ofLayer.bundle, identity: ofLayer.identity }),
    bundle,
    predicateType,
    layer: { kind, content, isOwn },
  }
}

/**
 * The bundle first: who reads both forms finds it first. `replace`: what else is attested of the same type, by whomever,
 * is removed once the new one is there.
 */
export async function pushAttachment(
  { image, bundle, predicateType, layer }: Attachment,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<void> {
  const replaced = replace && bundle !== undefined ? await listBundles(image, predicateType) : []
  if (bundle !== undefined) await pushBundle(image, bundle, predicateType, new Date())
  if (layer !== undefined)
    await appendLayer(image, layer.kind, layer.content, {
      // An envelope holds its signature, so two of them are never the same layer.
      isAgain: layer.kind === 'sig' ? layer.isOwn : undefined,
      isReplaced: ({ annotations }) => replace && annotations?.['predicateType'] === predicateType,
    })
  for (const each of replaced) await image.attachments.deleteReferrer(image.digest, each)
}
