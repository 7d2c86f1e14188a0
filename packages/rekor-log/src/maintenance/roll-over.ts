/**
 * Rolling a Rekor log over to its next shard, while writers write (docs/operations/log-operations.md). With a new key it takes two
 * steps, because a key has to be published before anything is signed with it.
 */

import { parsePublicKey } from '@sigstack/crypto'
import { forgetNextKey, migrateLogs, prepareNextKey, readNextKey, rollOver } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { newRekorOrigin } from '../shards/rekor-log-options.ts'
import { rekorSeries, storedShards } from '../shards/stored-log.ts'
import {
  assertKeysOfLog,
  makeNextKey,
  type NewKey,
  openPreparedKey,
  type PreparedKey,
  preparedKey,
} from './next-key.ts'

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
  const { publicKey } = await makeNextKey(options, keyFile)
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

/**
 * Freezes the active shard and opens the next one; of several who do that at once one does, and the others are told so.
 * `prepared`: with the key of {@link prepareRollover}, which must be opened by the password here first, since a shard whose key
 * nobody has takes no entries.
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
  await rollOver(pool, rekorSeries, {
    newOrigin: newRekorOrigin(last.hostname),
    key: key.key,
    active: last.name,
  })
  const [frozen, active] = (await storedShards(pool)).slice(-2)
  if (frozen?.finalSize === undefined || active === undefined)
    throw new Error('the rollover left no two shards')
  return {
    frozen: { origin: frozen.origin, size: frozen.finalSize },
    active: { origin: active.origin, firstIndex: active.firstIndex },
  }
}
