/** All that is attached to an image, held against what the caller demands: what holds, and why the rest does not. */
import { escaped, reasonOf } from '@sigstack/crypto'
import { predicateTypeOfStatement } from '@sigstack/signing'
import {
  type Bundle,
  type ImageConditions,
  layerAnnotations,
  readBundle,
  type StoredLayer,
  VerificationError,
  type VerifiedImage,
  verifyAttestationLayer,
  verifyImageBundle,
  verifySignatureLayer,
} from '@sigstack/verification'
import type { LogSearch } from '../verifying/log-search.ts'
import { type AttachedImage, artifactOfImage, placeOf, tagOf } from './image.ts'
import type { Refused } from './read-ahead.ts'
import { readBundles } from './stored-bundles.ts'
import { type AttachedKind, type FoundLayer, readLayers } from './stored-layers.ts'

export type FoundAttachment = VerifiedImage & {
  readonly format: 'bundle' | 'legacy'
  /** Whether the log was asked for its entry. */
  readonly wasSearched?: boolean
}

export type Findings = {
  readonly verified: readonly FoundAttachment[]
  /** What each of the others lacks, where it is, in one line. */
  readonly refusals: readonly string[]
  /** Predicate types of statements that were there. */
  readonly types: readonly string[]
  /** Layers of an old tag that name nobody; every one of them where a certificate is wanted. */
  readonly withoutCertificate: boolean
}

export type Demands = Omit<ImageConditions, 'artifact' | 'predicateType'> & {
  readonly allowCertificateChain: boolean
  /** For old signatures without a log entry beside them. */
  readonly search?: LogSearch | undefined
  /** PEM of the one certificate that counts, where the caller names it: then bundles do not. */
  readonly certificate?: string | undefined
}

type LayerDemands = Pick<Demands, 'search' | 'certificate'>

/** What is attached in one form alone, for those who read no other. */
export async function verifyForm(
  image: AttachedImage,
  form: FoundAttachment['format'],
  kind: AttachedKind,
  predicateType: string,
  demands: Demands,
): Promise<Findings> {
  const { allowCertificateChain, search, certificate, ...rest } = demands
  const conditions = { ...rest, artifact: artifactOfImage(image) }
  const ofStatement = { ...conditions, predicateType }
  if (form === 'bundle') return verifyBundles(image, ofStatement, allowCertificateChain)
  return verifyLayers(image, kind, kind === 'att' ? ofStatement : conditions, { search, certificate })
}

/**
 * Bundles first. The old tag is looked at where no bundle holds, as an image may have both or either. `predicateType` is
 * that of statements; undefined takes any.
 */
export async function verifyAttached(
  image: AttachedImage,
  kind: AttachedKind,
  predicateType: string | undefined,
  demands: Demands,
): Promise<Findings> {
  const { allowCertificateChain, search, certificate, ...rest } = demands
  const conditions = { ...rest, artifact: artifactOfImage(image) }
  const ofStatement = { ...conditions, ...(predicateType !== undefined && { predicateType }) }
  const ofLayer = kind === 'att' ? ofStatement : conditions
  if (certificate !== undefined) return verifyLayers(image, kind, ofLayer, { search, certificate })
  const bundles = await verifyBundles(image, ofStatement, allowCertificateChain)
  if (bundles.verified.length > 0) return bundles
  const layers = await verifyLayers(image, kind, ofLayer, { search })
  return {
    verified: layers.verified,
    refusals: [...bundles.refusals, ...layers.refusals],
    types: [...new Set([...bundles.types, ...layers.types])],
    withoutCertificate: layers.withoutCertificate && bundles.refusals.length === 0,
  }
}

async function verifyBundles(
  image: AttachedImage,
  conditions: ImageConditions,
  allowCertificateChain: boolean,
): Promise<Findings> {
  const findings = gather()
  for await (const stored of readBundles(image)) {
    const place = `bundle ${stored.digest}`
    if ('refusal' in stored) {
      findings.refuse(place, stored.refusal)
      continue
    }
    await findings.attempt(place, 'bundle', () => {
      const bundle = readBundle(stored.text, { allowCertificateChain })
      findings.noteType(bundle.content)
      return verifyImageBundle(demandCurrent(bundle), conditions)
    })
  }
  return { ...findings.result(), withoutCertificate: false }
}

/** Others do not see what is older in a registry, so neither do we. */
function demandCurrent(bundle: Bundle): Bundle {
  if (bundle.version === '0.3') return bundle
  throw new VerificationError(
    'bad_bundle',
    `a bundle of version ${bundle.version} is not looked at in registries; 0.3 is`,
  )
}

/** One signature that the caller brings along, as a layer of an old tag. */
export async function verifyGiven(
  image: AttachedImage,
  layer: StoredLayer,
  { search, certificate, ...rest }: Omit<Demands, 'allowCertificateChain'>,
): Promise<Findings> {
  const conditions = { ...rest, artifact: artifactOfImage(image) }
  const place = 'the signature of --signature'
  return verifyEach('sig', conditions, { search, certificate }, [{ place, layer }])
}

async function verifyLayers(
  image: AttachedImage,
  kind: AttachedKind,
  conditions: ImageConditions,
  demands: LayerDemands,
): Promise<Findings> {
  const tag = placeOf(image, tagOf(image, kind))
  return verifyEach(kind, conditions, demands, placed(readLayers(image, kind), tag))
}

type PlacedLayer = { readonly place: string; readonly layer: StoredLayer | Refused }

async function* placed(layers: AsyncIterable<FoundLayer>, tag: string): AsyncGenerator<PlacedLayer> {
  for await (const layer of layers) yield { place: `layer ${layer.descriptor.digest} of ${tag}`, layer }
}

async function verifyEach(
  kind: AttachedKind,
  conditions: ImageConditions,
  { search, certificate }: LayerDemands,
  layers: AsyncIterable<PlacedLayer> | Iterable<PlacedLayer>,
): Promise<Findings> {
  const findings = gather()
  const verify = kind === 'sig' ? verifySignatureLayer : verifyAttestationLayer
  let count = 0
  let certified = 0
  for await (const { place, layer } of layers) {
    count++
    if ('refusal' in layer) {
      // Nobody knows what it holds, so it is not one without a certificate.
      certified++
      findings.refuse(place, layer.refusal)
      continue
    }
    await findings.attempt(place, 'legacy', async () => {
      const whole = withCertificate(layer, certificate)
      if (!isWithoutCertificate(whole)) certified++
      const found = (await search?.(whole)) ?? whole
      return { ...(await verify(found, conditions)), wasSearched: found !== whole }
    })
    if (kind === 'att') findings.noteTypeText(layer.annotations['predicateType'])
  }
  const isKeyless = !('key' in conditions.signer)
  return {
    ...findings.result(),
    withoutCertificate: isKeyless && count > 0 && certified === 0,
  }
}

function withCertificate(layer: StoredLayer, pem: string | undefined): StoredLayer {
  if (pem === undefined) return layer
  const { certificate } = layerAnnotations
  const own = layer.annotations[certificate]
  if (own !== undefined && own !== '' && own.trim() !== pem.trim())
    throw new VerificationError('not_verified', 'it is of another certificate than that of --certificate')
  return { ...layer, annotations: { ...layer.annotations, [certificate]: pem } }
}

function isWithoutCertificate({ annotations }: StoredLayer): boolean {
  return !annotations[layerAnnotations.certificate]
}

function gather() {
  const verified: FoundAttachment[] = []
  const refusals: string[] = []
  const types: string[] = []
  const refuse = (place: string, reason: string): void => {
    refusals.push(`${place}: ${escaped(reason, 1000)}`)
  }
  const noteTypeText = (type: string | undefined): void => {
    if (type !== undefined && !types.includes(type)) types.push(type)
  }
  return {
    refuse,
    noteTypeText,
    noteType(content: Bundle['content']): void {
      if (content.type !== 'envelope') return
      try {
        noteTypeText(predicateTypeOfStatement(Buffer.from(content.payload).toString('utf8')))
      } catch {
        // What is wrong with the statement is told where it is verified.
      }
    },
    async attempt(
      place: string,
      format: FoundAttachment['format'],
      verify: () => Promise<Omit<FoundAttachment, 'format'>>,
    ): Promise<void> {
      try {
        verified.push({ ...(await verify()), format })
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error
        refuse(place, reasonOf(error))
      }
    },
    result: () => ({ verified, refusals, types }),
  }
}
