/** DigitallySigned (RFC 5246 section 4.7) with the two kinds of key that CT knows (RFC 6962 section 2.1.4). */
import { concatBytes } from '@sigstack/crypto'
import { CtError } from './errors.ts'
import { createTlsReader, encodeUint, encodeVector, type TlsReader } from './tls.ts'

export type DigitallySigned = {
  readonly algorithm: 'ecdsa' | 'rsa'
  /** DER for ECDSA, PKCS#1 v1.5 for RSA, always over SHA-256. */
  readonly signature: Uint8Array
}

const sha256 = 4
const codeOf = { rsa: 1, ecdsa: 3 } as const

export function encodeDigitallySigned({ algorithm, signature }: DigitallySigned): Uint8Array {
  return concatBytes(encodeUint(sha256, 1), encodeUint(codeOf[algorithm], 1), encodeVector(signature, 2))
}

export function parseDigitallySigned(bytes: Uint8Array): DigitallySigned {
  const reader = createTlsReader(bytes, 'the DigitallySigned')
  const signed = readDigitallySigned(reader)
  reader.end()
  return signed
}

export function readDigitallySigned(reader: TlsReader): DigitallySigned {
  const hash = reader.uint(1)
  const code = reader.uint(1)
  if (hash !== sha256) throw new CtError('unsupported', `CT signatures use SHA-256 (4), not hash ${hash}`)
  if (code !== codeOf.ecdsa && code !== codeOf.rsa)
    throw new CtError('unsupported', `CT signatures are ECDSA (3) or RSA (1), not ${code}`)
  return { algorithm: code === codeOf.ecdsa ? 'ecdsa' : 'rsa', signature: reader.vector(2) }
}
