/** Public keys as TUF metadata has them (specification section 4.3 and 6.1.3 of its key formats). */
import { encodePublicKeyPem, type PublicKey, sha256Hex, toHex } from '@sigstack/crypto'
import { canonicalize } from '@tufjs/canonical-json'
import { Key } from '@tufjs/models'
import { TufError } from './errors.ts'

/** An Ed25519 SubjectPublicKeyInfo ends with the raw key. */
const ed25519KeyBytes = 32

/**
 * The key under its ID, the hash of its own canonical form. Throws `unusable_key` for kinds that some client cannot
 * read: P-256 and Ed25519 are those that all of them can.
 */
export function tufKey(publicKey: PublicKey): Key {
  const form = formOf(publicKey)
  const keyID = sha256Hex(
    canonicalize({ keytype: form.keyType, scheme: form.scheme, keyval: { public: form.value } }),
  )
  return new Key({ keyID, keyType: form.keyType, scheme: form.scheme, keyVal: { public: form.value } })
}

function formOf(publicKey: PublicKey) {
  if (publicKey.type === 'ecdsa' && publicKey.curve === 'P-256')
    return { keyType: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', value: encodePublicKeyPem(publicKey) }
  if (publicKey.type === 'ed25519')
    return { keyType: 'ed25519', scheme: 'ed25519', value: toHex(publicKey.spki.slice(-ed25519KeyBytes)) }
  throw new TufError('unusable_key', 'TUF metadata is signed with P-256 or Ed25519 keys; this key is neither')
}
