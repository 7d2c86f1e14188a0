/** Keys of each kind under each label, digests of each length. */
import { generateKeyPairSync } from 'node:crypto'
import { type Case, posted } from './case.ts'
import { type Pair, requestFor } from './requests.ts'

const labels = {
  PKIX_RSA_PKCS1V15_2048_SHA256: 'sha256',
  PKIX_RSA_PKCS1V15_3072_SHA256: 'sha256',
  PKIX_RSA_PKCS1V15_4096_SHA256: 'sha256',
  PKIX_ECDSA_P256_SHA_256: 'sha256',
  PKIX_ECDSA_P384_SHA_384: 'sha384',
  PKIX_ECDSA_P521_SHA_512: 'sha512',
  PKIX_ECDSA_P384_SHA_256: 'sha256',
  PKIX_ECDSA_P521_SHA_256: 'sha256',
  PKIX_RSA_PSS_2048_SHA256: 'sha256',
  PKIX_RSA_PKCS1V5: 'sha256',
  PKIX_ED25519_PH: 'sha512',
  PKIX_ED25519: 'sha512',
  ML_DSA_65: 'sha512',
  PUBLIC_KEY_DETAILS_UNSPECIFIED: 'sha256',
} as const

const pairs: Readonly<Record<string, () => Pair>> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  secp256k1: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  'RSA 1024': () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'RSA 2056': () => generateKeyPairSync('rsa', { modulusLength: 2056 }),
  'RSA 3072': () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
}

export function keyCases(): readonly Case[] {
  const ofKeys = Object.entries(pairs).flatMap(([name, make]) => {
    const pair = make()
    return Object.entries(labels).map(([keyDetails, hash]) =>
      posted(`key ${name} as ${keyDetails}`, requestFor(`${name} ${keyDetails}`, { pair, hash, keyDetails })),
    )
  })
  return [...ofKeys, ...digestCases()]
}

function digestCases(): readonly Case[] {
  const { hashedRekordRequestV002: good } = requestFor('digest')
  return [0, 1, 20, 31, 33, 48, 64, 4096].map((length) => {
    const digest = Buffer.alloc(length, 7).toString('base64')
    return posted(`digest of ${length} bytes`, { hashedRekordRequestV002: { ...good, digest } })
  })
}
