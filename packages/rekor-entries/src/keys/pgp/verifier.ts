/** Who made an OpenPGP signature, as the rest of the house knows keys. */
import { asBuffer, sha256Hex } from '@sigstack/crypto'
import type { Verifier } from '../../verifier.ts'
import type { PgpKeyRing } from './key-ring.ts'
import type { PgpSigner } from './signer.ts'
import { pgpSubjectsOf } from './subjects.ts'

/** Names in user IDs are not among the subjects: nobody but the key vouches for them. */
export function pgpVerifier({ hash }: PgpKeyRing, { fingerprints, spki }: PgpSigner): Verifier {
  return { keyHash: hash, fingerprints, chain: [], subjects: [], ...(spki !== undefined && { spki }) }
}

/** A stored ring does not tell which of its keys signed. */
export function storedPgpVerifier(armored: Uint8Array): Verifier {
  return { keyHash: sha256Hex(armored), chain: [], subjects: [] }
}

export function storedPgpSubjects(armored: Uint8Array): readonly string[] {
  return pgpSubjectsOf(asBuffer(armored).toString('latin1'))
}
