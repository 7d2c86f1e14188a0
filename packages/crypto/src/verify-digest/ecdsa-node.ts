/** ECDSA over a digest by Node's own `crypto.verifyDigest`, which only newer versions have. */
import * as nodeCrypto from 'node:crypto'
import { asBuffer } from '../bytes.ts'
import type { HashAlgorithm } from '../digest.ts'
import type { EcCurve } from '../public-key.ts'
import type { VerifyEcdsaDigest } from './ecdsa-backend.ts'

type VerifyDigest = (
  algorithm: HashAlgorithm,
  digest: Uint8Array,
  key: nodeCrypto.KeyObject,
  signature: Uint8Array,
  callback: (error: Error | null, valid: boolean) => void,
) => void

const spkiPrefixes: Readonly<Record<EcCurve, string>> = {
  'P-256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  'P-384': '3076301006072a8648ce3d020106052b81040022036200',
  'P-521': '30819b301006072a8648ce3d020106052b8104002303818600',
}

const hashOfLength: Readonly<Record<number, HashAlgorithm>> = { 32: 'sha256', 48: 'sha384', 64: 'sha512' }

/** `undefined` where the running Node has no such call. */
export function createNodeBackend(): VerifyEcdsaDigest | undefined {
  const verifyDigest: unknown = Reflect.get(nodeCrypto, 'verifyDigest')
  return isVerifyDigest(verifyDigest) ? (check) => verify(verifyDigest, check) : undefined
}

const verify = (verifyDigest: VerifyDigest, check: Parameters<VerifyEcdsaDigest>[0]): Promise<boolean> =>
  new Promise((resolve) => {
    const algorithm = hashOfLength[check.digest.length]
    if (algorithm === undefined) return resolve(false)
    try {
      const spki = Buffer.concat([Buffer.from(spkiPrefixes[check.curve], 'hex'), check.point])
      const key = nodeCrypto.createPublicKey({ key: spki, format: 'der', type: 'spki' })
      verifyDigest(algorithm, asBuffer(check.digest), key, asBuffer(check.signature), (error, valid) => {
        resolve(error === null && valid)
      })
    } catch {
      resolve(false)
    }
  })

function isVerifyDigest(candidate: unknown): candidate is VerifyDigest {
  return typeof candidate === 'function'
}
