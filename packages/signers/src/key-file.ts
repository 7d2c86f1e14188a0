/** Keys in encrypted PKCS#8 PEM files (RFC 5958), as OpenSSL and `node:crypto` write them. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { MlDsaSigner, PemBlock, Signer } from '@sigstack/crypto'
import {
  CryptoError,
  createMlDsaSigner,
  createSigner,
  derTag,
  generateSigningKey,
  parsePemBlock,
  readDerChildren,
  readOnlyDer,
} from '@sigstack/crypto'
import { encryptPrivateKey } from './encrypt-key.ts'
import { SignerError } from './errors.ts'
import { takeOpened } from './keys-ahead.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'

/** Opens the key in `path`. Without a password only an unencrypted PKCS#8 key is accepted, with one only an encrypted key. */
export async function openKeyFile(path: string, password: string | undefined): Promise<Signer> {
  const pem = await readSecretFile(path)
  return signerOf(path, await parseKey(path, pem, password))
}

/** The same for ML-DSA-44, which signs notes and nothing else. */
export async function openMlDsaKeyFile(path: string, password: string | undefined): Promise<MlDsaSigner> {
  const key = await parseKey(path, await readSecretFile(path), password)
  return usable(path, () => createMlDsaSigner(key))
}

/**
 * Makes a P-256 key, writes it encrypted with `password` (AES-256-CBC) to a new file of mode 0600, and reads it back.
 * Never overwrites: `already_exists`.
 */
export async function createKeyFile(path: string, password: string): Promise<Signer> {
  await writeKeyFile(path, password, generateSigningKey())
  // What was written is what will be read after a restart, so use that and not the key in memory.
  return openKeyFile(path, password)
}

/** Writes a new file as {@link createKeyFile}, and reads nothing. */
export async function writeKeyFile(path: string, password: string, key: KeyObject): Promise<void> {
  if (password === '') throw new SignerError('password_missing', `a new key in ${path} needs a password`)
  await writeSecretFile(path, await encryptPrivateKey(key, password))
}

async function parseKey(path: string, pem: string, password: string | undefined): Promise<KeyObject> {
  const block = pemBlockOf(path, pem)
  if (block.type === 'PRIVATE KEY') {
    if (password !== undefined)
      throw new SignerError(
        'not_encrypted',
        `the key in ${path} is not encrypted although a password is configured`,
      )
    return privateKeyOf(pem, undefined, () => notAKey(path))
  }
  if (block.type !== 'ENCRYPTED PRIVATE KEY' || !isEncryptedShape(block.der)) throw notAKey(path)
  if (password === undefined)
    throw new SignerError('password_missing', `the key in ${path} is encrypted and no password is configured`)
  const ahead = await takeOpened(pem, password)
  if (ahead !== undefined) return ahead
  return privateKeyOf(pem, password, (cause) => {
    return new SignerError('wrong_password', `the password does not open the key in ${path}`, { cause })
  })
}

function pemBlockOf(path: string, pem: string): PemBlock {
  try {
    return parsePemBlock(pem).block
  } catch (cause) {
    throw notAKey(path, cause)
  }
}

function privateKeyOf(
  pem: string,
  passphrase: string | undefined,
  complaint: (cause: unknown) => SignerError,
): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase !== undefined && { passphrase }) })
  } catch (cause) {
    throw complaint(cause)
  }
}

/**
 * EncryptedPrivateKeyInfo is SEQUENCE { AlgorithmIdentifier, OCTET STRING }. Once the shape is right, a failure to
 * decrypt means the password: one wrong password in 256 gets past the padding and fails only as broken ASN.1.
 */
function isEncryptedShape(bytes: Uint8Array): boolean {
  try {
    const [algorithm, data, surplus] = readDerChildren(readOnlyDer(bytes, derTag.sequence).content)
    return algorithm?.tag === derTag.sequence && data?.tag === derTag.octetString && surplus === undefined
  } catch {
    return false
  }
}

function signerOf(path: string, key: KeyObject): Signer {
  return usable(path, () => createSigner(key))
}

function usable<S>(path: string, create: () => S): S {
  try {
    return create()
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new SignerError('not_a_key', `the key in ${path} cannot be used for signing: ${cause.message}`, {
      cause,
    })
  }
}

function notAKey(path: string, cause?: unknown): SignerError {
  return new SignerError('not_a_key', `${path} is not a PKCS#8 private key in PEM`, { cause })
}
