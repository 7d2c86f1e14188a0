/** The signature formats of rekord, each as one step: parse both files, verify, and give the forms that are logged. */
import { type PublicKey, sha256Hex, utf8 } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import {
  keyContentLimit,
  parseCanonicalKey,
  storedVerifier,
  verifierOf,
  verifyCanonicalChain,
} from '../keys/canonical-key.ts'
import { verifySignature } from '../keys/checks.ts'
import { ecdsaFailureOf } from '../keys/ecdsa-failure.ts'
import {
  minisignContentLimit,
  parseMinisignKey,
  parseMinisignSignature,
  verifyMinisign,
} from '../keys/minisign.ts'
import { parsePgpKeyRing, pgpKeyContentLimit } from '../keys/pgp/key-ring.ts'
import { parsePgpSignature, pgpSignatureContentLimit, verifyPgpSignature } from '../keys/pgp/signature.ts'
import { pgpVerifier, storedPgpSubjects, storedPgpVerifier } from '../keys/pgp/verifier.ts'
import { parseAuthorizedKey, sshKeyContentLimit } from '../keys/ssh/authorized-key.ts'
import { parseSshSignature, sshSignatureContentLimit, verifySshSignature } from '../keys/ssh/signature.ts'
import type { Verifier } from '../verifier.ts'

/** As logged. */
export type VerifiedSignature = {
  readonly signature: Uint8Array
  readonly key: Uint8Array
  readonly verifier: Verifier
  /** Who the key is said to be of, for the index: also what its holder says alone. */
  readonly subjects: readonly string[]
}

export type SignatureFormat = {
  /** Characters of base64. */
  readonly signatureLimit: number
  readonly keyLimit: number
  /** The signature is parsed before the key, as Rekor does. */
  readonly verify: (
    artifact: Uint8Array,
    signature: Uint8Array,
    key: Uint8Array,
  ) => Promise<VerifiedSignature>
  /** The key as it is logged. */
  readonly stored: (key: Uint8Array) => Pick<VerifiedSignature, 'verifier' | 'subjects'>
}

const x509: SignatureFormat = {
  signatureLimit: 6000,
  keyLimit: keyContentLimit,
  verify: async (artifact, signature, keyContent) => {
    const key = parseCanonicalKey(keyContent)
    await verifyCanonicalChain(key)
    if (!(await verifySignature(key.publicKey, 'sha256', artifact, signature)))
      throw new EntryError('bad_signature', failureOf(key.publicKey.type, signature))
    return { signature, key: utf8(key.pem), verifier: verifierOf(key), subjects: key.identity.subjects }
  },
  stored: (key) => {
    const verifier = storedVerifier(key)
    return { verifier, subjects: verifier.subjects }
  },
}

const pgp: SignatureFormat = {
  signatureLimit: pgpSignatureContentLimit,
  keyLimit: pgpKeyContentLimit,
  verify: async (artifact, signatureContent, keyContent) => {
    const signature = await parsePgpSignature(signatureContent)
    const ring = await parsePgpKeyRing(keyContent)
    const signer = await verifyPgpSignature(ring, signature, artifact)
    return {
      signature: signature.canonical,
      key: utf8(ring.armored),
      verifier: pgpVerifier(ring, signer),
      subjects: ring.subjects,
    }
  },
  stored: (key) => ({ verifier: storedPgpVerifier(key), subjects: storedPgpSubjects(key) }),
}

const ssh: SignatureFormat = {
  signatureLimit: sshSignatureContentLimit,
  keyLimit: sshKeyContentLimit,
  verify: async (artifact, signatureContent, keyContent) => {
    const signature = parseSshSignature(signatureContent)
    const key = parseAuthorizedKey(keyContent)
    await verifySshSignature(key, signature, artifact)
    return {
      signature: utf8(signature.armored),
      key: utf8(key.line),
      verifier: plainVerifier(key.line, key.publicKey),
      subjects: key.subjects,
    }
  },
  // Without the comment, which is not logged.
  stored: (key) => ({ verifier: plainVerifier(key, parseAuthorizedKey(key).publicKey), subjects: [] }),
}

const minisign: SignatureFormat = {
  signatureLimit: minisignContentLimit,
  keyLimit: minisignContentLimit,
  verify: async (artifact, signatureContent, keyContent) => {
    const signature = parseMinisignSignature(signatureContent)
    const key = parseMinisignKey(keyContent)
    await verifyMinisign(key, signature, artifact)
    return {
      signature: utf8(signature.text),
      key: utf8(key.text),
      verifier: plainVerifier(key.text, key.publicKey),
      subjects: [],
    }
  },
  stored: (key) => ({ verifier: plainVerifier(key, parseMinisignKey(key).publicKey), subjects: [] }),
}

/** By the name in `signature.format`. */
export const signatureFormats: ReadonlyMap<string, SignatureFormat> = new Map([
  ['pgp', pgp],
  ['minisign', minisign],
  ['x509', x509],
  ['ssh', ssh],
])

/** In the words that users of Rekor look for. */
function failureOf(type: 'ecdsa' | 'rsa' | 'ed25519', signature: Uint8Array): string {
  if (type === 'rsa') return 'crypto/rsa: verification error'
  return type === 'ed25519' ? 'failed to verify signature' : ecdsaFailureOf(signature)
}

/** A key without certificate, by the form that is logged. */
function plainVerifier(logged: string | Uint8Array, { spki }: PublicKey): Verifier {
  return { keyHash: sha256Hex(logged), spki, chain: [], subjects: [] }
}
