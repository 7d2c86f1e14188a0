import { hash } from 'node:crypto'
import { asBuffer, derTag, readDerChildren, readOnlyDer } from '@sigstack/crypto'
import { X509Error } from './errors.ts'

/** SHA-1 of the content of the subjectPublicKey BIT STRING: method 1 of RFC 5280 section 4.2.1.2. */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const [, key] = readDerChildren(readOnlyDer(spki, derTag.sequence).content, 2)
  if (key?.tag !== derTag.bitString) throw new X509Error('bad_certificate', 'not a SubjectPublicKeyInfo')
  return hash('sha1', asBuffer(key.content.subarray(1)), 'buffer')
}
