/**
 * Private keys under a password as cosign keeps them: PKCS #8 in a NaCl secretbox (XSalsa20-Poly1305, tag
 * first) whose key is scrypt of the password, as JSON in PEM (go-securesystemslib's `encrypted`).
 */
import { createPrivateKey, type KeyObject, randomBytes, type ScryptOptions, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import {
  asBuffer,
  CryptoError,
  encodePem,
  type JsonValue,
  memberAt,
  parseBase64,
  parsePemBlock,
  parseStrictJson,
  StrictJsonError,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import { SigningError } from '../errors.ts'

const label = 'ENCRYPTED SIGSTORE PRIVATE KEY'
const oldLabel = 'ENCRYPTED COSIGN PRIVATE KEY'

const cost = { N: 65536, r: 8, p: 1 }
/** N of every release; what asks for more is no key but work. Tests, which open the same keys again and again, add a small one. */
export const scryptCosts = new Set<unknown>([32768, 65536, 131072])
const saltBytes = 32
const nonceBytes = 24

export function isSealedKey(pem: string): boolean {
  return pem.includes(`-----BEGIN ${label}-----`) || pem.includes(`-----BEGIN ${oldLabel}-----`)
}

/** The empty password is one, too. */
export async function sealPrivateKey(privateKey: KeyObject, password: string, n = cost.N): Promise<string> {
  const salt = randomBytes(saltBytes)
  const nonce = randomBytes(nonceBytes)
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' })
  const box = xsalsa20poly1305(await keyFrom(password, salt, n), nonce).encrypt(plain)
  const sealed = {
    kdf: { name: 'scrypt', params: { ...cost, N: n }, salt: toBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: toBase64(nonce) },
    ciphertext: toBase64(box),
  }
  return encodePem(label, utf8(JSON.stringify(sealed)))
}

/** Throws `wrong_password`, and `bad_key` for what is no such key, or holds something else than PKCS #8. */
export async function openSealedKey(pem: string, password: string): Promise<KeyObject> {
  const { salt, nonce, ciphertext, n } = readSealedKey(pem)
  let plain: Uint8Array
  try {
    plain = xsalsa20poly1305(await keyFrom(password, salt, n), nonce).decrypt(ciphertext)
  } catch (cause) {
    throw new SigningError('wrong_password', 'decrypt: encrypted: decryption failed', {
      cause,
      advice:
        'The password does not open this key; COSIGN_PASSWORD, where it is set, is the one that was tried.',
    })
  }
  try {
    return createPrivateKey({ key: asBuffer(plain), format: 'der', type: 'pkcs8' })
  } catch {
    // The cause may hold bytes of the key.
    throw new SigningError('bad_key', 'parsing private key: what was encrypted is no PKCS #8 private key')
  }
}

/** Of a sealed key, as they were read; nothing is opened. */
export type SealedParts = {
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
  readonly n: number
}

/** Throws `bad_key`. */
export function readSealedKey(pem: string): SealedParts {
  let sealed: JsonValue
  try {
    const { block } = parsePemBlock(pem)
    if (block.type !== label && block.type !== oldLabel) throw new CryptoError('bad_pem', 'of another type')
    sealed = parseStrictJson(block.der, { mostNames: 100 })
  } catch (cause) {
    if (!(cause instanceof CryptoError) && !(cause instanceof StrictJsonError)) throw cause
    throw notSealed(cause)
  }
  const n = memberAt(sealed, 'kdf', 'params', 'N')
  const isKnown =
    memberAt(sealed, 'kdf', 'name') === 'scrypt' &&
    memberAt(sealed, 'kdf', 'params', 'r') === cost.r &&
    memberAt(sealed, 'kdf', 'params', 'p') === cost.p &&
    memberAt(sealed, 'cipher', 'name') === 'nacl/secretbox' &&
    scryptCosts.has(n)
  if (!isKnown)
    throw new SigningError('bad_key', 'the encrypted private key was made with parameters that are not taken')
  const salt = bytesAt(memberAt(sealed, 'kdf', 'salt'))
  const nonce = bytesAt(memberAt(sealed, 'cipher', 'nonce'))
  if (salt.length !== saltBytes || nonce.length !== nonceBytes) throw notSealed()
  return { salt, nonce, ciphertext: bytesAt(memberAt(sealed, 'ciphertext')), n: Number(n) }
}

function bytesAt(value: unknown): Uint8Array {
  try {
    if (typeof value === 'string') return parseBase64(value)
  } catch {
    // Told below.
  }
  throw notSealed()
}

function notSealed(cause?: unknown): SigningError {
  return new SigningError('bad_key', 'this is no encrypted private key as cosign writes them', { cause })
}

/** Twice what scrypt needs by its own count, since Node's bound includes its book-keeping. */
function keyFrom(password: string, salt: Uint8Array, n: number): Promise<Buffer> {
  return scryptAsync(password, salt, 32, { ...cost, N: n, maxmem: 2 * 128 * n * cost.r })
}

const scryptAsync = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scrypt)
