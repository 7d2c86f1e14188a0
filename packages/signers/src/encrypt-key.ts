/**
 * A private key encrypted with a password: PKCS#8 (RFC 5958) by PBES2 (RFC 8018) with PBKDF2, HMAC-SHA-256 and AES-256-CBC. Node
 * writes the same form with 2,048 iterations, which a short password does not survive.
 */
import { createCipheriv, type KeyObject, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { der, derOid, derTag, derUnsignedInteger, encodePem } from '@sigstack/crypto'
import { roundsFor } from './stretching.ts'

const oid = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
}

const sequence = (...parts: readonly Uint8Array[]) => der(derTag.sequence, ...parts)
const octets = (bytes: Uint8Array) => der(derTag.octetString, bytes)
const integer = (value: number) => derUnsignedInteger(Buffer.from(value.toString(16).padStart(8, '0'), 'hex'))

/** PEM of type `ENCRYPTED PRIVATE KEY`. */
export async function encryptPrivateKey(key: KeyObject, password: string): Promise<string> {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const rounds = roundsFor(password)
  const secret = await promisify(pbkdf2)(password, salt, rounds, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const encrypted = Buffer.concat([
    cipher.update(key.export({ type: 'pkcs8', format: 'der' })),
    cipher.final(),
  ])
  const derivation = sequence(
    derOid(oid.pbkdf2),
    sequence(octets(salt), integer(rounds), sequence(derOid(oid.hmacWithSha256), der(derTag.null))),
  )
  const encryption = sequence(derOid(oid.aes256Cbc), octets(iv))
  return encodePem(
    'ENCRYPTED PRIVATE KEY',
    sequence(sequence(derOid(oid.pbes2), sequence(derivation, encryption)), octets(encrypted)),
  )
}
