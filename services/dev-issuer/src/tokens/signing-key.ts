/** The one RSA key of the issuer: read from a file, or made there on the first start and kept. */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errorCode } from '@sigstack/crypto'
import { createFile, makeFolder } from '@sigstack/server'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'

export type SigningKey = {
  readonly privateKey: KeyObject
  /** With `kid`, `alg` and `use`, and with the private members: never shown. */
  readonly privateJwk: JWK
  /** RFC 7638 thumbprint, so that the same key has the same id after every start. */
  readonly keyId: string
}

/** Throws when the file is not a PEM private key for RS256, RSA of 2048 bits or more. */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const pem = await readFile(path, 'utf8')
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch (cause) {
    throw new Error(`${path} is not an unencrypted PEM private key`, { cause })
  }
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (privateKey.asymmetricKeyType !== 'rsa' || bits < 2048) {
    throw new Error(`${path} must hold an RSA key of at least 2048 bits, for RS256`)
  }
  const bare = await exportJWK(privateKey)
  const keyId = await calculateJwkThumbprint(bare)
  return { privateKey, keyId, privateJwk: { ...bare, kid: keyId, alg: 'RS256', use: 'sig' } }
}

/** Two processes may start on one folder at once: the first to put its key there wins, both use that key. */
export async function openSigningKey(folder: string): Promise<SigningKey> {
  const path = join(folder, 'dev-issuer-key.pem')
  try {
    return await readSigningKey(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  await makeFolder(folder, { mode: 0o700 })
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  // One that another process has put there meanwhile is left alone.
  await createFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return readSigningKey(path)
}
