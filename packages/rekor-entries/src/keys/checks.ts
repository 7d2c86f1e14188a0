/** The checks of signatures and chains that kinds make, each paid for before it is made (work.ts). */
import {
  digest,
  type HashAlgorithm,
  verifyDigest as isDigestSigned,
  verifySignature as isMessageSigned,
  type PublicKey,
  verificationCost,
} from '@sigstack/crypto'
import { type Certificate, verifyChain as verifyCertificates } from '@sigstack/x509'
import { bytesPerUnit, noteHeld, spend, spendForHashing } from '../work.ts'

export async function verifyDigest(
  key: PublicKey,
  hash: HashAlgorithm,
  hashed: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  spend(verificationCost(key))
  const holds = await isDigestSigned(key, hash, hashed, signature)
  if (holds) noteHeld(key.spki, signature)
  return holds
}

export async function verifySignature(
  key: PublicKey,
  hash: HashAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  spend(verificationCost(key))
  spendForHashing(message)
  const holds = await isMessageSigned(key, hash, message, signature)
  if (holds) noteHeld(key.spki, signature)
  return holds
}

/** For a message that several signatures are over: a long one is hashed once, but for Ed25519, which signs no digest. */
export function createVerifier(
  hash: HashAlgorithm,
  message: Uint8Array,
): (key: PublicKey, signature: Uint8Array) => Promise<boolean> {
  let hashed: Uint8Array | undefined
  return (key, signature) => {
    if (key.type === 'ed25519' || message.length < bytesPerUnit)
      return verifySignature(key, hash, message, signature)
    hashed ??= digest(hash, message)
    return verifyDigest(key, hash, hashed, signature)
  }
}

/** A chain that ends with what is trusted, leaf first. Throws as that of x509 does. */
export async function verifyChain(certificates: readonly Certificate[], at: Date): Promise<void> {
  for (const { publicKey } of certificates.slice(1)) spend(verificationCost(publicKey))
  await verifyCertificates(certificates, { roots: certificates.slice(-1), at })
}
