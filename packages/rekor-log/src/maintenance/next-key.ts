/** The key of what comes next, a shard or a log of its own: made, or taken from where it is kept, before anything is signed with it. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { encodePublicKeyPem, equalBytes, keyFingerprint, type PublicKey, type Signer } from '@sigstack/crypto'
import type { ShardRow } from '@sigstack/log-engine'
import { createKeyFile, openSigner, SignerError, writeSecretFile } from '@sigstack/signers'
import { RekorLogError } from '../errors.ts'
import { type Fitness, fitForLog, isUriName, openKeyNamed } from '../shards/shard-keys.ts'

export type PreparedKey = {
  /** Name of the file in the folder of keys; every replica needs it there. */
  readonly keyFile: string
  readonly publicKey: PublicKey
  readonly publicKeyPem: string
  /** Whether it is a key file of ours, and not the URI of a key kept elsewhere. */
  readonly needsPassword: boolean
}

export type NewKey = Fitness & {
  readonly keysFolder: string
  /** Of the key file. */
  readonly password: string
  /** A key that is there already. */
  readonly keyUri?: string
  /** The folder need not hold a key of this log yet: all it has had are kept elsewhere. */
  readonly isNewFolder?: boolean
}

/** Throws where the prepared key is not in this folder, does not open, or is another one. */
export async function openPreparedKey(
  { keyFile, publicKey }: PreparedKey,
  { keysFolder, password, ...fitness }: Pick<NewKey, 'keysFolder' | 'password'> & Fitness,
): Promise<void> {
  const found = await openKeyNamed(keysFolder, keyFile, password, fitness)
  if (equalBytes(found.publicKey.spki, publicKey.spki)) return
  throw new RekorLogError(
    'foreign_key',
    `the key in ${path.join(keysFolder, keyFile)} is not the one that was prepared`,
  )
}

/** The folder holds a key of this log, and the password opens it. */
export async function assertKeysOfLog(
  shards: readonly Pick<ShardRow, 'logId' | 'origin'>[],
  { keysFolder, password, keyUri, ...fitness }: NewKey,
): Promise<void> {
  // Beside a key that is kept elsewhere the password opens nothing.
  const isWanted = (name: string) => isUriName(name) || (keyUri === undefined && name.endsWith('.pem'))
  const names = await readdir(keysFolder).catch((cause: unknown) => {
    throw new SignerError('unreadable', `the folder of keys ${keysFolder} cannot be read`, { cause })
  })
  let refusal: unknown
  for (const name of names.filter((each) => isWanted(each) && !each.startsWith('.'))) {
    try {
      const { publicKey } = await openKeyNamed(keysFolder, name, password, fitness)
      const fingerprint = keyFingerprint(publicKey)
      if (shards.some(({ logId }) => equalBytes(logId, fingerprint))) return
    } catch (error) {
      if (!(error instanceof SignerError)) throw error
      if (error.code === 'wrong_password') refusal ??= error
    }
  }
  if (keyUri !== undefined) return
  throw (
    refusal ??
    new RekorLogError(
      'foreign_key',
      `the folder of keys ${keysFolder} holds no key of ${shards.at(-1)?.origin ?? 'this log'}`,
    )
  )
}

/** A key that an earlier try left there is taken. */
export async function makeNextKey(
  { keysFolder, password, keyUri, ...fitness }: NewKey,
  keyFile: string,
): Promise<Signer> {
  const location = path.join(keysFolder, keyFile)
  const elsewhere = keyUri === undefined ? undefined : fitForLog(await openSigner(keyUri), fitness)
  try {
    if (elsewhere === undefined) return await createKeyFile(location, password)
    await writeSecretFile(location, `${keyUri}\n`)
    return elsewhere
  } catch (error) {
    if (!(error instanceof SignerError) || error.code !== 'already_exists') throw error
    const found = await openKeyNamed(keysFolder, keyFile, password, fitness)
    if (elsewhere !== undefined && !equalBytes(found.publicKey.spki, elsewhere.publicKey.spki)) throw error
    return found
  }
}

export function preparedKey(keyFile: string, publicKey: PublicKey): PreparedKey {
  return {
    keyFile,
    publicKey,
    publicKeyPem: encodePublicKeyPem(publicKey),
    needsPassword: !isUriName(keyFile),
  }
}
