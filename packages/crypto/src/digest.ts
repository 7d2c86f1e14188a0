/** Digests, by the names Sigstore uses for them. */
import { hash } from 'node:crypto'
import { asBuffer } from './bytes.ts'

export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512'

export const digestLengthBytes = { sha256: 32, sha384: 48, sha512: 64 } as const satisfies Record<
  HashAlgorithm,
  number
>

export function isHashAlgorithm(name: string): name is HashAlgorithm {
  return Object.hasOwn(digestLengthBytes, name)
}

export function digest(algorithm: HashAlgorithm, bytes: Uint8Array | string): Uint8Array {
  // 'binary' (latin1) is the fastest way out of crypto.hash for short input; one byte a character, so nothing is lost.
  return Buffer.from(hash(algorithm, typeof bytes === 'string' ? bytes : asBuffer(bytes), 'binary'), 'latin1')
}

export function sha256(bytes: Uint8Array | string): Uint8Array {
  return digest('sha256', bytes)
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', typeof bytes === 'string' ? bytes : asBuffer(bytes), 'hex')
}
