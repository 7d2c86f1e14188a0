/** The plug for a private key that may be used but not seen. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign as nodeSign } from 'node:crypto'
import { promisify } from 'node:util'
import type { SignatureAlgorithm } from './algorithms.ts'
import { signatureAlgorithms } from './algorithms.ts'
import { asBuffer } from './bytes.ts'
import { CryptoError } from './errors.ts'
import type { PublicKey, PublicKeyKind } from './public-key.ts'
import { parsePublicKey } from './public-key.ts'
import { isSlowToSign } from './thread-pool.ts'

/** File, KMS and PKCS#11 keys all look like this; the domain never learns which one it has. */
export type Signer = {
  readonly publicKey: PublicKey
  readonly algorithm: SignatureAlgorithm
  /**
   * Signs `message` itself; hashing is part of `algorithm`. ECDSA signatures are DER. Settles within a bounded time also where
   * the key is kept by a service that does not answer.
   */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** A signer over a private key in this process. */
export function createSigner(privateKey: KeyObject): Signer {
  const publicKey = parsePublicKey(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }))
  const algorithm = signingAlgorithm(publicKey)
  const { hash } = signatureAlgorithms[algorithm]
  return {
    publicKey,
    algorithm,
    // What takes less than a trip to the thread pool is done in place.
    sign: isSlowToSign(publicKey)
      ? (message) => signOnPool(hash, asBuffer(message), privateKey)
      : async (message) => nodeSign(hash, asBuffer(message), privateKey),
  }
}

/**
 * The same Ed25519 key as Ed25519ph, which signs a digest, so that a log of digests can check it. Node has it not; it is
 * loaded where it is wanted.
 */
export function createEd25519phSigner(privateKey: KeyObject): Signer {
  const publicKey = parsePublicKey(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }))
  const { d } = privateKey.export({ format: 'jwk' })
  if (publicKey.type !== 'ed25519' || d === undefined)
    throw new CryptoError('unsupported_key', 'only an Ed25519 key signs as Ed25519ph')
  return {
    publicKey,
    algorithm: 'ed25519-ph',
    sign: async (message) => {
      const { ed25519ph } = await import('@noble/curves/ed25519.js')
      return ed25519ph.sign(message, Buffer.from(d, 'base64url'))
    },
  }
}

const signOnPool = promisify(
  (
    algorithm: string | undefined,
    data: Buffer,
    key: KeyObject,
    done: (error: Error | null, signature: Buffer) => void,
  ) => nodeSign(algorithm, data, key, done),
)

/** A fresh P-256 key: what every Sigstore client accepts from every service. */
export function generateSigningKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** How a private key signs whose public half is `key`. Throws `unsupported_key` for RSA keys of unusual size. */
export function signingAlgorithm(key: PublicKeyKind): SignatureAlgorithm {
  if (key.type === 'ed25519') return 'ed25519'
  if (key.type === 'ecdsa') {
    return key.curve === 'P-256'
      ? 'ecdsa-sha2-256-nistp256'
      : key.curve === 'P-384'
        ? 'ecdsa-sha2-384-nistp384'
        : 'ecdsa-sha2-512-nistp521'
  }
  if (key.modulusBits === 2048 || key.modulusBits === 3072 || key.modulusBits === 4096) {
    return `rsa-sign-pkcs1-${key.modulusBits}-sha256`
  }
  throw new CryptoError('unsupported_key', `RSA keys of ${key.modulusBits} bits are not supported`)
}
