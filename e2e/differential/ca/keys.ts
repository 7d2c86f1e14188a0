/** Client keys, good and bad, as SubjectPublicKeyInfo. Made once a run. */
import { createECDH, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { concatBytes, der, derOid, derTag, derUnsignedInteger } from '@sigstack/crypto'

export type ClientKey = { readonly spki: Buffer; readonly pem: string; readonly privateKey: KeyObject }

export type GoodKeyName = 'P-256' | 'P-384' | 'P-521' | 'RSA 2048' | 'RSA 3072' | 'RSA 4096' | 'Ed25519'

export type KeyRing = {
  readonly good: Readonly<Record<GoodKeyName, ClientKey>>
  /** For which a proof can be made, though none should be taken. */
  readonly weak: Readonly<Record<string, ClientKey>>
  /** Nobody can hold their private half. */
  readonly hostile: Readonly<Record<string, Uint8Array>>
}

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

export function createKeyRing(): KeyRing {
  const ec = (namedCurve: string): ClientKey => clientKey(generateKeyPairSync('ec', { namedCurve }))
  const rsa = (modulusLength: number, publicExponent = 65537): ClientKey =>
    clientKey(generateKeyPairSync('rsa', { modulusLength, publicExponent }))
  const good = {
    'P-256': ec('P-256'),
    'P-384': ec('P-384'),
    'P-521': ec('P-521'),
    'RSA 2048': rsa(2048),
    'RSA 3072': rsa(3072),
    'RSA 4096': rsa(4096),
    Ed25519: clientKey(generateKeyPairSync('ed25519')),
  }
  return {
    good,
    weak: {
      'P-224': ec('secp224r1'),
      secp256k1: ec('secp256k1'),
      brainpoolP256r1: ec('brainpoolP256r1'),
      'RSA 1024': rsa(1024),
      'RSA 2047': rsa(2047),
      'RSA 2056': rsa(2056),
      'RSA, exponent 3': rsa(2048, 3),
      'RSA, exponent 65539': rsa(2048, 65539),
      Ed448: clientKey(generateKeyPairSync('ed448')),
      'RSA-PSS': clientKey(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
    },
    hostile: hostileKeys(good['RSA 2048'].privateKey),
  }
}

function clientKey({ publicKey, privateKey }: Pair): ClientKey {
  return {
    privateKey,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    pem: String(publicKey.export({ format: 'pem', type: 'spki' })),
  }
}

function hostileKeys(rsaKey: KeyObject): Readonly<Record<string, Uint8Array>> {
  const p256 = createECDH('prime256v1')
  const point = p256.generateKeys()
  const flipped = Buffer.from(point)
  flipped[64] = (flipped[64] ?? 0) ^ 1
  const modulus = Buffer.from(String(rsaKey.export({ format: 'jwk' }).n), 'base64url')
  const even = Buffer.from(modulus)
  even[255] = (even[255] ?? 0) & 0xfe
  const onP256 = (bytes: Uint8Array): Uint8Array => ecSpki('1.2.840.10045.3.1.7', bytes)
  return {
    'RSA, exponent 1': rsaSpki(modulus, Uint8Array.of(1)),
    'RSA, exponent 0': rsaSpki(modulus, Uint8Array.of(0)),
    'RSA, exponent of 64 bits': rsaSpki(modulus, Buffer.from('0100000000000001', 'hex')),
    'RSA, even modulus': rsaSpki(even, Uint8Array.of(1, 0, 1)),
    'RSA, modulus 0': rsaSpki(Uint8Array.of(0), Uint8Array.of(1, 0, 1)),
    'RSA, 16384 bits': rsaSpki(Buffer.concat(Array<Buffer>(8).fill(modulus)), Uint8Array.of(1, 0, 1)),
    'P-256, off the curve': onP256(flipped),
    'P-256, beyond the field': onP256(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xff)])),
    'P-256, infinity': onP256(Uint8Array.of(0)),
    'P-256, zero point': onP256(Buffer.concat([Buffer.of(4), Buffer.alloc(64)])),
    'P-256, compressed': onP256(p256.getPublicKey(null, 'compressed')),
    'P-256, a byte too many': onP256(Buffer.concat([point, Buffer.of(0)])),
    'P-256 point under P-384': ecSpki('1.3.132.0.34', point),
    'no curve': spki(der(derTag.sequence, derOid('1.2.840.10045.2.1')), point),
    'bytes behind the key': concatBytes(onP256(point), Uint8Array.of(5, 0)),
    'Ed25519 of 31 bytes': spki(der(derTag.sequence, derOid('1.3.101.112')), Buffer.alloc(31, 7)),
    'Ed25519 with parameters': spki(
      der(derTag.sequence, derOid('1.3.101.112'), Uint8Array.of(5, 0)),
      Buffer.alloc(32, 7),
    ),
    X25519: generateKeyPairSync('x25519').publicKey.export({ format: 'der', type: 'spki' }),
    'an unknown algorithm': spki(der(derTag.sequence, derOid('1.2.3.4')), point),
    'an empty sequence': der(derTag.sequence),
  }
}

function rsaSpki(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  const algorithm = der(derTag.sequence, derOid('1.2.840.113549.1.1.1'), Uint8Array.of(5, 0))
  return spki(algorithm, der(derTag.sequence, derUnsignedInteger(modulus), derUnsignedInteger(exponent)))
}

function ecSpki(curve: string, point: Uint8Array): Uint8Array {
  return spki(der(derTag.sequence, derOid('1.2.840.10045.2.1'), derOid(curve)), point)
}

function spki(algorithm: Uint8Array, key: Uint8Array): Uint8Array {
  return der(derTag.sequence, algorithm, der(derTag.bitString, Uint8Array.of(0), key))
}
