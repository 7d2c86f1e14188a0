/**
 * ML-DSA-44 (FIPS 204), pure and with an empty context, as C2SP's cosignatures use it. No kind of {@link PublicKey}: no Sigstore client
 * knows it, and nothing but notes is signed with it. Node has it by OpenSSL 3.5.
 */
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto'
import { asBuffer, concatBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'

export const mlDsaKeyBytes = 1312
export const mlDsaSignatureBytes = 2420

export type MlDsaSigner = {
  /** The raw key, 1,312 bytes. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** SubjectPublicKeyInfo of 2.16.840.1.101.3.4.3.17 (RFC 9881) up to the key itself. */
const spkiHead = Buffer.from('30820532300b06096086480165030403110382052100', 'hex')

export function generateMlDsaKey(): KeyObject {
  return generateKeyPairSync('ml-dsa-44').privateKey
}

/** Throws `unsupported_key` for a key of another kind. */
export function createMlDsaSigner(privateKey: KeyObject): MlDsaSigner {
  if (privateKey.asymmetricKeyType !== 'ml-dsa-44')
    throw new CryptoError('unsupported_key', 'the key is no ML-DSA-44 key')
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    publicKey: spki.subarray(spkiHead.length),
    // Some milliseconds: never in the way of others.
    sign: (message) =>
      new Promise((resolve, reject) => {
        nodeSign(null, asBuffer(message), privateKey, (error, signature) =>
          error === null ? resolve(signature) : reject(error),
        )
      }),
  }
}

/** Whether `signature` over `message` is by the raw key, which has 1,312 bytes. */
export async function verifyMlDsa(
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.length !== mlDsaKeyBytes || signature.length !== mlDsaSignatureBytes) return false
  const spki = asBuffer(concatBytes(spkiHead, key))
  const keyObject = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return new Promise((resolve) => {
    nodeVerify(null, asBuffer(message), keyObject, asBuffer(signature), (error, valid) =>
      resolve(error === null && valid),
    )
  })
}
