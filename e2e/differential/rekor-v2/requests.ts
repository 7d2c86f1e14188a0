/** Requests that both logs take: those of the vectors of the package that reads them, and one made for a key. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { json } from '../rekor-v1/vectors.ts'

export type Vector = { readonly name: string; readonly request: unknown }

export function vectors(): readonly Vector[] {
  return ['hashedrekord-v002', 'dsse-v002-legacy'].flatMap(
    (name) => (json(`rekor-v2/${name}.json`) as { readonly cases: readonly Vector[] }).cases,
  )
}

export type Pair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }

const plain: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** By a P-256 key where `of` names no other. */
export function requestFor(
  artifact: string,
  of: { readonly pair?: Pair; readonly hash?: string; readonly keyDetails?: string | number } = {},
) {
  const { pair = plain, hash = 'sha256', keyDetails = 'PKIX_ECDSA_P256_SHA_256' } = of
  return {
    hashedRekordRequestV002: {
      digest: createHash(hash).update(artifact).digest('base64'),
      signature: {
        content: sign(hash, Buffer.from(artifact), pair.privateKey).toString('base64'),
        verifier: {
          publicKey: { rawBytes: pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64') },
          keyDetails,
        },
      },
    },
  }
}
