/** hashedrekord 0.0.2: a signature over a digest, and the key or certificate it verifies with (rekor-v2.md section 4.1). */
import { type HashAlgorithm, toBase64, toHex, utf8 } from '@sigstack/crypto'
import type { EntryFacts, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { verifierOf } from '../keys/canonical-key.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'
import type { Verifier } from '../verifier.ts'
import { hashNames } from './key-details.ts'
import { encodeVerifier, type KnownKey } from './signed-digest.ts'
import { storedVerifierAt } from './stored-verifier.ts'

/** Canonical JSON by hand, since no value in it needs escaping. Tests hold it against the sorted form. */
export function hashedRekordEntry(known: KnownKey, digest: Uint8Array, signature: Uint8Array): Verified {
  const { hash, message, key } = known
  const data = `{"algorithm":"${hashNames[hash]}","digest":"${toBase64(digest)}"}`
  const signed = `{"content":"${toBase64(signature)}","verifier":${encodeVerifier(message)}}`
  return {
    body: utf8(
      `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":${data},"signature":${signed}}}}`,
    ),
    ...facts(hash, digest, verifierOf(key)),
  }
}

export function hashedRekordFacts(spec: JsonObject): EntryFacts {
  const entry = objectAt(spec, 'hashedRekordV002', 'hashedRekordV002')
  const data = objectAt(entry, 'data', 'data')
  const digest = parseBase64At(textAt(data, 'digest', 'data.digest'), 'data.digest', 200)
  const verifier = storedVerifierAt(objectAt(entry, 'signature', 'signature'), 'signature.verifier')
  return facts(hashAt(data, 'data.algorithm'), digest, verifier)
}

/** Of a stored body. */
export function hashAt(object: JsonObject, path: string): HashAlgorithm {
  const name = textAt(object, 'algorithm', path)
  const found = (Object.keys(hashNames) as HashAlgorithm[]).find((hash) => hashNames[hash] === name)
  if (found === undefined) throw new EntryError('bad_field', `${path} in body is no hash of this log`)
  return found
}

function facts(hash: HashAlgorithm, digest: Uint8Array, verifier: Verifier): EntryFacts {
  const digests = [`${hash}:${toHex(digest)}`]
  return { verifiers: [verifier], searchKeys: searchKeysOf({ ...foundByVerifiers([verifier]), digests }) }
}
