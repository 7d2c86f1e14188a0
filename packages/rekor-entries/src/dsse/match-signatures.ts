/** Which key made which signature of an envelope. SHA-256 for every curve and for RSA; Ed25519 is pure. */
import { asBuffer } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { type CanonicalKey, verifyCanonicalChain } from '../keys/canonical-key.ts'
import { createVerifier } from '../keys/checks.ts'
import { thresholdNotMet } from './verifier.ts'

export type MatchOptions = {
  /** By what they are told apart. */
  readonly signatures: ReadonlyMap<string, Uint8Array>
  readonly message: Uint8Array
  readonly keyCount: number
  /** Asked for in order, and only while it is needed: keys that come when every signature has its own are passed over unread. */
  readonly keyAt: (position: number) => CanonicalKey
}

/**
 * The key of each signature: each key must have made one, and each signature have one. n of either mostly cost n checks, since a
 * signature that has its key is not tried again, a key begins with the signature that stands where it does, and it goes on after
 * one is found only where there are more signatures than keys. A key that came already under another name (plain, and in a
 * certificate) made what it made, and the last name is recorded.
 */
export async function matchSignatures(options: MatchOptions): Promise<ReadonlyMap<string, CanonicalKey>> {
  const { signatures, message, keyCount, keyAt } = options
  const isSignedBy = createVerifier('sha256', message)
  const texts = [...signatures.keys()]
  const keyOf = new Map<string, CanonicalKey>()
  const seen = new Map<string, { readonly key: CanonicalKey; readonly made: string[] }>()

  for (let position = 0; position < keyCount; position++) {
    if (keyOf.size === texts.length) break
    const key = keyAt(position)
    await verifyCanonicalChain(key)
    const name = asBuffer(key.publicKey.spki).toString('latin1')
    const known = seen.get(name)
    if (known !== undefined) {
      for (const text of known.made) keyOf.set(text, key)
      continue
    }
    const made = await tryWith(key, position, keyCount - position - 1)
    seen.set(name, { key, made })
    if (made.length > 0) continue
    // It would not have been asked for, had those before it been tried with all.
    if (await isCompletedByEarlierKeys()) break
    throw new EntryError('envelope_not_verified', `could not verify envelope: ${thresholdNotMet}`)
  }
  if (keyOf.size < texts.length && !(await isCompletedByEarlierKeys()))
    throw new EntryError('envelope_not_verified', 'all signatures must have a key that verifies it')
  return keyOf

  async function tryWith(key: CanonicalKey, first: number, keysLeft: number): Promise<string[]> {
    const made: string[] = []
    for (const text of [...texts.slice(first), ...texts.slice(0, first)]) {
      const bytes = signatures.get(text)
      if (bytes === undefined || keyOf.has(text)) continue
      if (!(await isSignedBy(key.publicKey, bytes))) continue
      keyOf.set(text, key)
      made.push(text)
      if (texts.length - keyOf.size <= keysLeft) break
    }
    return made
  }

  async function isCompletedByEarlierKeys(): Promise<boolean> {
    for (const { key, made } of seen.values()) {
      if (made.length > 0) made.push(...(await tryWith(key, 0, 0)))
    }
    return keyOf.size === texts.length
  }
}
