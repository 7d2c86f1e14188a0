/** Verification of a signature over a digest that somebody else computed, as Rekor's hashedrekord needs it. */
import { digestLengthBytes, type HashAlgorithm } from '../digest.ts'
import { derEcdsaSignature } from '../ecdsa-signature.ts'
import type { PublicKey } from '../public-key.ts'
import { type DigestVerificationBackend, givesKnownAnswers, type VerifyEcdsaDigest } from './ecdsa-backend.ts'
import { createNodeBackend } from './ecdsa-node.ts'
import { createOpensslBackend } from './ecdsa-openssl.ts'
import { type CheckThread, gatherChecks, verifyPacked } from './gathered-checks.ts'
import { verifyRsaDigest } from './rsa.ts'

export type DigestVerification = {
  readonly backend: DigestVerificationBackend
  /** For the operator's log, when only the slow way works. */
  readonly warning?: string
}

type Chosen = DigestVerification & { readonly verifyEcdsa: VerifyEcdsaDigest }

let choosing: Promise<Chosen> | undefined
let chosen: Chosen | undefined
/** With the help of a thread, where there is one. */
let verifyGathered: VerifyEcdsaDigest | undefined

/**
 * Whether `signature` over `digest` is by `key`. ECDSA takes any of the three hashes and both forms of signature, high s
 * too; RSA means PKCS#1 v1.5; Ed25519 means Ed25519ph, so SHA-512 only. What does not parse is not valid; nothing a peer
 * sends makes it throw. `digest` must have the length of `hash`, and the arrays must not change until it has answered.
 */
export async function verifyDigest(
  key: PublicKey,
  hash: HashAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (digest.length !== digestLengthBytes[hash])
    throw new Error(`a ${hash} digest has ${digestLengthBytes[hash]} bytes, not ${digest.length}`)
  if (key.type === 'rsa') return verifyRsaDigest(key, hash, digest, signature)
  // The curves in JavaScript are a third of what a command loads, and few signatures need them.
  if (key.type === 'ed25519') {
    const { verifyEd25519ph } = await import('./ed25519ph.ts')
    return hash === 'sha512' && verifyEd25519ph(key.raw, digest, signature)
  }
  const derSignature = derEcdsaSignature(signature)
  if (derSignature === undefined) return false
  const verifyEcdsa = verifyGathered ?? (chosen ?? (await choose())).verifyEcdsa
  return verifyEcdsa({ curve: key.curve, point: key.point, digest, signature: derSignature })
}

/** Chooses the fastest way that works here; done once, at the first use at the latest. */
export async function probeDigestVerification(): Promise<DigestVerification> {
  const { backend, warning } = await choose()
  return warning === undefined ? { backend } : { backend, warning }
}

/** From now on `thread` does checks of P-256 signatures that come together; undefined: this thread does them all again. */
export async function lendCheckThread(thread: CheckThread | undefined): Promise<void> {
  const { verifyEcdsa } = await choose()
  verifyGathered = thread === undefined ? undefined : gatherChecks(verifyEcdsa, thread)
}

/** What such a thread answers to a message. */
export async function answerChecks(packed: Uint8Array): Promise<Uint8Array> {
  return verifyPacked(packed, (await choose()).verifyEcdsa)
}

/** Whether the way chosen in this process is OpenSSL's; false until one is. */
export function isOpensslChosen(): boolean {
  return chosen?.backend === 'openssl'
}

async function choose(): Promise<Chosen> {
  choosing ??= chooseOnce()
  chosen = await choosing
  return chosen
}

async function chooseOnce(): Promise<Chosen> {
  const node = createNodeBackend()
  if (node !== undefined && (await givesKnownAnswers(node))) return { backend: 'node', verifyEcdsa: node }
  const openssl = await createOpensslBackend()
  if (openssl !== undefined && (await givesKnownAnswers(openssl)))
    return { backend: 'openssl', verifyEcdsa: openssl }
  const { verifyWithNoble } = await import('./ecdsa-noble.ts')
  return {
    backend: 'noble',
    verifyEcdsa: verifyWithNoble,
    warning:
      'ECDSA over digests is verified in JavaScript, some 50 times slower than by OpenSSL: install the optional package koffi for this platform',
  }
}
