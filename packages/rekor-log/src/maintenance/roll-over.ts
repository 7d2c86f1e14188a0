/**
 * Rolling a Rekor log over to its next shard, while writers write (docs/operations/log-operations.md). With a new key it takes two
 * steps, because a key has to be published before anything is signed with it.
 */

import { readdir } from 'node:fs/promises'
import path from 'node:path'
import {
  encodePublicKeyPem,
  equalBytes,
  keyFingerprint,
  type PublicKey,
  parsePublicKey,
  type Signer,
} from '@sigstack/crypto'
import { forgetNextKey, migrateLogs, prepareNextKey, readNextKey, rollOver } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { createKeyFile, openSigner, SignerError, writeSecretFile } from '@sigstack/signers'
import { RekorLogError } from '../errors.ts'
import { newRekorOrigin } from '../shards/rekor-log-options.ts'
import { fitForLog, isUriName, openKeyNamed } from '../shards/shard-keys.ts'
import { rekorSeries, type StoredShard, storedShards } from '../shards/stored-log.ts'

export type PreparedKey = {
  /** Name of the file in the folder of keys; every replica needs it there. */
  readonly keyFile: string
  readonly publicKey: PublicKey
  readonly publicKeyPem: string
  /** Whether it is a key file of ours, and not the URI of a key kept elsewhere. */
  readonly needsPassword: boolean
}

type NewKey = {
  readonly keysFolder: string
  /** Of the key file. */
  readonly password: string
  /** A key that is there already. */
  readonly keyUri?: string
  /** The folder need not hold a key of this log yet: all it has had are kept elsewhere. */
  readonly isNewFolder?: boolean
}

export type RolledOver = {
  readonly frozen: { readonly origin: string; readonly size: bigint }
  readonly active: { readonly origin: string; readonly firstIndex: bigint }
}

/**
 * Makes the key of the next shard, encrypted, in the folder of keys (or notes there the URI of one kept elsewhere), and tells the log of it, whose `/api/v1/log/publicKeys` lists it
 * from then on. A key that is prepared already stays. Refuses a folder or a password that are not the log's: its replicas could not
 * open what would lie there.
 */
export async function prepareRollover(pool: Pool, options: NewKey): Promise<PreparedKey> {
  const shards = await storedShards(pool)
  const known = await readNextKey(pool, rekorSeries)
  if (known !== undefined) {
    const prepared = preparedKey(known.keyFile, parsePublicKey(known.publicKey))
    await openPreparedKey(prepared, options)
    return prepared
  }
  if (options.isNewFolder !== true) await assertKeysOfLog(shards, options)
  const keyFile = `${rekorSeries}.${shards.length}.key.${options.keyUri === undefined ? 'pem' : 'uri'}`
  const { publicKey } = await makeKey(options, keyFile)
  await prepareNextKey(pool, rekorSeries, { publicKey: publicKey.spki, keyFile })
  return preparedKey(keyFile, publicKey)
}

/** The key that waits for the next shard, if any. */
export async function preparedRollover(pool: Pool): Promise<PreparedKey | undefined> {
  await migrateLogs(pool)
  const known = await readNextKey(pool, rekorSeries)
  return known && preparedKey(known.keyFile, parsePublicKey(known.publicKey))
}

/** Takes the prepared key back; its file stays, and is taken again by the next {@link prepareRollover}. */
export async function cancelRollover(pool: Pool): Promise<PreparedKey | undefined> {
  await migrateLogs(pool)
  const known = await forgetNextKey(pool, rekorSeries)
  return known && preparedKey(known.keyFile, parsePublicKey(known.publicKey))
}

/** Throws where the prepared key is not in this folder, does not open, or is another one. */
export async function openPreparedKey(
  { keyFile, publicKey }: PreparedKey,
  { keysFolder, password }: Pick<NewKey, 'keysFolder' | 'password'>,
): Promise<void> {
  const found = await openKeyNamed(keysFolder, keyFile, password)
  if (equalBytes(found.publicKey.spki, publicKey.spki)) return
  throw new RekorLogError(
    'foreign_key',
    `the key in ${path.join(keysFolder, keyFile)} is not the one that was prepared for the next shard`,
  )
}

/**
 * Freezes the active shard and opens the next one. `prepared`: with the key of {@link prepareRollover}, which must be opened by the
 * password here first, since a shard whose key nobody has takes no entries.
 */
export async function commitRollover(
  pool: Pool,
  key:
    | { readonly key: 'same' }
    | { readonly key: 'prepared'; readonly keysFolder: string; readonly password: string },
): Promise<RolledOver> {
  const before = await storedShards(pool)
  if (key.key === 'prepared') {
    const next = await readNextKey(pool, rekorSeries)
    if (next !== undefined) {
      await openPreparedKey(preparedKey(next.keyFile, parsePublicKey(next.publicKey)), key)
    }
  }
  const [last] = before.slice(-1)
  if (last === undefined) throw new Error('a log has at least one shard')
  await rollOver(pool, rekorSeries, { newOrigin: newRekorOrigin(last.hostname), key: key.key })
  const [frozen, active] = (await storedShards(pool)).slice(-2)
  if (frozen?.finalSize === undefined || active === undefined)
    throw new Error('the rollover left no two shards')
  return {
    frozen: { origin: frozen.origin, size: frozen.finalSize },
    active: { origin: active.origin, firstIndex: active.firstIndex },
  }
}

/** The folder holds a key of this log, and the password opens it. */
async function assertKeysOfLog(
  shards: readonly StoredShard[],
  { keysFolder, password, keyUri }: NewKey,
): Promise<void> {
  // Beside a key that is kept elsewhere the password opens nothing.
  const isWanted = (name: string) => isUriName(name) || (keyUri === undefined && name.endsWith('.pem'))
  const names = await readdir(keysFolder).catch((cause: unknown) => {
    throw new SignerError('unreadable', `the folder of keys ${keysFolder} cannot be read`, { cause })
  })
  let refusal: unknown
  for (const name of names.filter((each) => isWanted(each) && !each.startsWith('.'))) {
    try {
      const { publicKey } = await openKeyNamed(keysFolder, name, password)
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

async function makeKey({ keysFolder, password, keyUri }: NewKey, keyFile: string): Promise<Signer> {
  const location = path.join(keysFolder, keyFile)
  const elsewhere = keyUri === undefined ? undefined : fitForLog(await openSigner(keyUri))
  try {
    if (elsewhere === undefined) return await createKeyFile(location, password)
    await writeSecretFile(location, `${keyUri}\n`)
    return elsewhere
  } catch (error) {
    if (!(error instanceof SignerError) || error.code !== 'already_exists') throw error
    // Of an earlier try that got no further.
    const found = await openKeyNamed(keysFolder, keyFile, password)
    if (elsewhere !== undefined && !equalBytes(found.publicKey.spki, elsewhere.publicKey.spki)) throw error
    return found
  }
}

function preparedKey(keyFile: string, publicKey: PublicKey): PreparedKey {
  return {
    keyFile,
    publicKey,
    publicKeyPem: encodePublicKeyPem(publicKey),
    needsPassword: !isUriName(keyFile),
  }
}
