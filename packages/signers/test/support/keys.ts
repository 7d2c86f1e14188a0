/** Real keys for the stand-ins of key services, which sign digests that they are given. */
import { constants, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'

export type StandInKey = {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** PEM SubjectPublicKeyInfo. */
  readonly pem: string
  /** The digest, or the message where the key is Ed25519. ECDSA as `format` says. */
  sign(input: Uint8Array, format?: 'der' | 'raw'): Buffer
}

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'rsa' | 'ed25519'

const curves = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }
const sha256DigestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

export function makeKey(kind: KeyKind, modulusLength = 2048): StandInKey {
  const { publicKey, privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength })
      : kind === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind })
  return {
    publicKey,
    privateKey,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign(input, format = 'der') {
      if (kind === 'ed25519') return sign(null, input, privateKey)
      if (kind === 'rsa')
        return privateEncrypt(
          { key: privateKey, padding: constants.RSA_PKCS1_PADDING },
          Buffer.concat([sha256DigestInfo, input]),
        )
      if (kind === 'secp256k1') throw new Error('nobody signs with this one')
      const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
      const options = { prehash: false, lowS: false, format: format === 'der' ? 'der' : 'compact' } as const
      return Buffer.from(curves[kind].sign(input, secret, options))
    },
  }
}
