/** The signature itself: over the artifact, or over the envelope's payload and type together (DSSE's PAE). */
import {
  defaultHash,
  digest,
  type HashAlgorithm,
  type PublicKey,
  preAuthenticationEncoding,
  verifyDigest,
  verifySignature,
} from '@sigstack/crypto'
import type { Artifact } from './artifact.ts'
import type { Bundle, Envelope } from './bundle.ts'
import { notVerified } from './errors.ts'

export async function demandSignature(
  content: Bundle['content'],
  artifact: Artifact,
  key: PublicKey,
): Promise<void> {
  const signed =
    content.type === 'message'
      ? await isOverArtifact(content, artifact, key)
      : await isOverEnvelope(content, key)
  if (!signed) throw notVerified('the signature is not by the key that the bundle names')
}

/** Undefined where that digest of the artifact is not known. */
export function digestOfSigned(
  content: Bundle['content'],
  { digests }: Artifact,
  algorithm: HashAlgorithm,
): Uint8Array | undefined {
  return content.type === 'message'
    ? digests[algorithm]
    : digest(algorithm, preAuthenticationEncoding(content))
}

async function isOverArtifact(
  { algorithm, signature }: Extract<Bundle['content'], { type: 'message' }>,
  { digests, bytes }: Artifact,
  key: PublicKey,
): Promise<boolean> {
  const known = digests[algorithm]
  // Of the bytes themselves OpenSSL verifies it everywhere; over a digest that is JavaScript's on some platforms.
  if (key.type === 'ecdsa' && bytes !== undefined) return verifySignature(key, algorithm, bytes, signature)
  if (known !== undefined && (await verifyDigest(key, algorithm, known, signature))) return true
  if (key.type !== 'ed25519') return false
  if (bytes === undefined)
    throw notVerified('an Ed25519 signature can only be verified with the file itself, up to 16 MiB of it')
  return verifySignature(key, algorithm, bytes, signature)
}

/**
 * By the hash that goes with the key, or by SHA-256, which older signers take for every key. Of Ed25519 also the form over a
 * digest, which is the one that Rekor v2 takes.
 */
async function isOverEnvelope(envelope: Envelope, key: PublicKey): Promise<boolean> {
  const signed = preAuthenticationEncoding(envelope)
  if (
    key.type === 'ed25519' &&
    (await verifyDigest(key, 'sha512', digest('sha512', signed), envelope.signature))
  )
    return true
  for (const hash of new Set([defaultHash(key) ?? 'sha256', 'sha256'] as const))
    if (await verifySignature(key, hash, signed, envelope.signature)) return true
  return false
}
