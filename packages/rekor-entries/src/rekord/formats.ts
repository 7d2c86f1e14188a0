/** The signature formats of rekord, each as one step: parse both files, verify, and give the forms that are logged. */
import { utf8, verifySignature } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { keyContentLimit, parseCanonicalKey, verifyCanonicalChain } from '../keys/canonical-key.ts'
import { ecdsaFailureOf } from '../keys/ecdsa-failure.ts'
import {
  minisignContentLimit,
  parseMinisignKey,
  parseMinisignSignature,
  verifyMinisign,
} from '../keys/minisign.ts'
import { parsePgpKeyRing, pgpKeyContentLimit } from '../keys/pgp/key-ring.ts'
import { parsePgpSignature, pgpSignatureContentLimit, verifyPgpSignature } from '../keys/pgp/signature.ts'
import { parseAuthorizedKey, sshKeyContentLimit } from '../keys/ssh/authorized-key.ts'
import { parseSshSignature, sshSignatureContentLimit, verifySshSignature } from '../keys/ssh/signature.ts'

/** As logged. */
export type VerifiedSignature = {
  readonly signature: Uint8Array
  readonly key: Uint8Array
  /** Who the key is said to be of, for the index. */
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
}

const x509: SignatureFormat = {
  signatureLimit: 6000,
  keyLimit: keyContentLimit,
  verify: async (artifact, signature, keyContent) => {
    const key = parseCanonicalKey(keyContent)
    await verifyCanonicalChain(key)
    if (!(await verifySignature(key.publicKey, 'sha256', artifact, signature)))
      throw new EntryError('bad_signature', failureOf(key.publicKey.type, signature))
    return { signature, key: utf8(key.pem), subjects: key.subjects }
  },
}

const pgp: SignatureFormat = {
  signatureLimit: pgpSignatureContentLimit,
  keyLimit: pgpKeyContentLimit,
  verify: async (artifact, signatureContent, keyContent) => {
    const signature = await parsePgpSignature(signatureContent)
    const ring = await parsePgpKeyRing(keyContent)
    await verifyPgpSignature(ring, signature, artifact)
    return { signature: signature.canonical, key: utf8(ring.armored), subjects: ring.subjects }
  },
}

const ssh: SignatureFormat = {
  signatureLimit: sshSignatureContentLimit,
  keyLimit: sshKeyContentLimit,
  verify: async (artifact, signatureContent, keyContent) => {
    const signature = parseSshSignature(signatureContent)
    const key = parseAuthorizedKey(keyContent)
    await verifySshSignature(key, signature, artifact)
    return { signature: utf8(signature.armored), key: utf8(key.line), subjects: key.subjects }
  },
}

const minisign: SignatureFormat = {
  signatureLimit: minisignContentLimit,
  keyLimit: minisignContentLimit,
  verify: async (artifact, signatureContent, keyContent) => {
    const signature = parseMinisignSignature(signatureContent)
    const key = parseMinisignKey(keyContent)
    await verifyMinisign(key, signature, artifact)
    return { signature: utf8(signature.text), key: utf8(key.text), subjects: [] }
  },
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
