/**
 * Signatures and attestations of an image, whichever way a registry keeps them, held against the digest of its manifest.
 * Each throws a `VerificationError` that says what is missing.
 */
import { defaultHash, type HashAlgorithm } from '@sigstack/crypto'
import { type Artifact, artifactOfBytes } from '../artifact.ts'
import type { Bundle } from '../bundle.ts'
import { notVerified } from '../errors.ts'
import { bundleOfParts } from '../legacy-bundle.ts'
import { readEnvelope } from '../read-bundle.ts'
import { parseSigningCertificate } from '../signing-certificate.ts'
import { type Verified, type VerifyOptions, verifyBundle } from '../verify-bundle.ts'
import {
  claimOfSimpleSigning,
  claimOfStatement,
  demandAnnotations,
  demandDigest,
  type ImageClaim,
} from './claim.ts'
import { envelopeText, partsOfLayer, type StoredLayer } from './stored-layer.ts'

/** `artifact` is the manifest, by its digest. `predicateType`: undefined takes any statement, as stock cosign does. */
export type ImageConditions = Omit<VerifyOptions, 'bundle' | 'stamped'> & {
  /** What the signer must have written beside the digest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

export type VerifiedImage = Verified & { readonly bundle: Bundle; readonly claim: ImageClaim }

export async function verifyImageBundle(bundle: Bundle, conditions: ImageConditions): Promise<VerifiedImage> {
  const { content } = bundle
  if (content.type !== 'envelope')
    throw notVerified('the bundle signs bytes, where a statement about an image was expected')
  return verifyStatement(bundle, conditions, undefined)
}

/** A layer of an `.att` tag: its timestamps are over the envelope as it is stored. */
export async function verifyAttestationLayer(
  layer: StoredLayer,
  conditions: ImageConditions,
): Promise<VerifiedImage> {
  const envelope = readEnvelope(envelopeText(layer))
  const bundle = bundleOfParts({ ...partsOfLayer(layer), signature: envelope.signature }, envelope)
  return verifyStatement(bundle, conditions, layer.payload)
}

async function verifyStatement(
  bundle: Bundle,
  { annotations = {}, ...conditions }: ImageConditions,
  stamped: Uint8Array | undefined,
): Promise<VerifiedImage> {
  const verified = await verifyBundle({
    ...conditions,
    bundle,
    ...(stamped !== undefined && { stamped }),
  })
  if (bundle.content.type !== 'envelope') throw new Error('a statement is in an envelope')
  const claim = claimOfStatement(
    bundle.content,
    conditions.ignoreSubject === true ? undefined : conditions.artifact,
  )
  demandAnnotations(claim, annotations)
  return { ...verified, bundle, claim }
}

/** A layer of a `.sig` tag: the signature is over the payload, and the payload names the manifest. */
export async function verifySignatureLayer(
  layer: StoredLayer,
  { annotations = {}, ...conditions }: Omit<ImageConditions, 'predicateType'>,
): Promise<VerifiedImage> {
  const parts = partsOfLayer(layer)
  if (parts.signature.length === 0) throw notVerified('the layer holds no signature')
  const payload = artifactOfBytes(layer.payload)
  const { bundle, verified } = await verifyUnderAnyHash(parts, payload, conditions)
  const claim = claimOfSimpleSigning(layer.payload)
  if (conditions.ignoreSubject !== true) demandDigest(claim, conditions.artifact)
  demandAnnotations(claim, annotations)
  return { ...verified, bundle, claim }
}

/** The layer does not say by which hash its key signed: SHA-256 for all kinds of keys once, by the kind of key today. */
async function verifyUnderAnyHash(
  parts: ReturnType<typeof partsOfLayer>,
  payload: Artifact,
  conditions: Omit<ImageConditions, 'annotations' | 'predicateType'>,
): Promise<{ readonly bundle: Bundle; readonly verified: Verified }> {
  const bundleBy = (algorithm: HashAlgorithm): Bundle => {
    const digest = payload.digests[algorithm]
    if (digest === undefined) throw new Error('a payload has all digests')
    return bundleOfParts(parts, { type: 'message', algorithm, digest, signature: parts.signature })
  }
  const { signer } = conditions
  const key =
    'key' in signer
      ? signer.key
      : parts.certificate && (await parseSigningCertificate(parts.certificate)).publicKey
  const algorithms = new Set(['sha256', (key && defaultHash(key)) ?? 'sha256'] as const)
  let refusal: unknown
  for (const algorithm of algorithms) {
    const bundle = bundleBy(algorithm)
    try {
      return { bundle, verified: await verifyBundle({ ...conditions, bundle, artifact: payload }) }
    } catch (error) {
      // Of the two, what the first attempt says is of the signature and not of a hash that was tried.
      refusal ??= error
    }
  }
  throw refusal
}
