/**
 * The shards of a Rekor log, opened from the database and followed there: a rollover by another process is seen with the next
 * append (the frozen shard refuses it, and the entry goes to the one that is open now), with the next miss of a reader, or with the
 * next poll. Writers see nothing of it.
 */
import { encodePublicKeyPem, keyFingerprint, parsePublicKey } from '@sigstack/crypto'
import {
  type BatchReport,
  type Log,
  LogError,
  listShards,
  migrateLogs,
  openLog,
  orUnavailable,
  readNextKey,
  rememberPublicKey,
  type ShardRow,
} from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { openShard, type Shard, type Shards } from '../faces/rekor-v1/index.ts'
import { firstIndexes } from '../faces/rekor-v1/shards.ts'
import { logFirstEntry } from '../first-entry.ts'
import { rekorLogOptions } from './rekor-log-options.ts'
import { openKeyNamed, openShardKey, type ShardKeys } from './shard-keys.ts'

export type ShardSet = Shards & {
  /** Entries that wait for a batch. */
  queueDepth(): number
  /** Told of the length of the whole log after entries were committed here, and when it was rolled over. */
  onAppended(listener: (length: bigint) => void): void
  /** Finishes begun work and refuses new. */
  close(): Promise<void>
}

export type ShardSetOptions = {
  readonly pool: Pool
  readonly keys: ShardKeys
  /** Name of the series in the database. */
  readonly series: string
  /** For the origin of a log that does not exist yet. */
  readonly hostname: string
  readonly queueLimit?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  readonly onBatch?: (batch: BatchReport) => void
  /** Told when the log was rolled over, and of keys that were prepared for it. */
  readonly onNews?: (news: string) => void
  /** Told of trouble; the next poll tries again. */
  readonly onError?: (error: unknown) => void
  /** How often other processes' rollovers are looked for; default 1,000 ms. */
  readonly pollMs?: number
}

/** Opens every shard, making the first one when there is none. Throws what the engine and the keys say. */
export async function openShardSet(options: ShardSetOptions): Promise<ShardSet> {
  const { pool, keys, series, onNews = () => {}, onError = () => {} } = options
  const listeners: ((length: bigint) => void)[] = []
  let shards: readonly Shard[] = []
  let refreshing: Promise<boolean> | undefined
  let announcedKey: string | undefined
  let closed = false

  await migrateLogs(pool)
  if ((await listShards(pool, series)).length === 0) {
    await openLog({ ...rekorLogOptions(options.hostname, keys.first), pool, name: series })
  }
  await openNew()
  const poll = setInterval(() => void refresh().catch(onError), options.pollMs ?? 1_000)
  poll.unref()

  function active(): Shard {
    const last = shards.at(-1)
    if (last === undefined) throw new Error('a log has at least one shard')
    return last
  }

  /** True when there were shards that are not in the list yet. */
  async function openNew(): Promise<boolean> {
    const rows = await listShards(pool, series)
    if (rows.length === shards.length) return false
    const lengths = rows.slice(0, -1).map(({ finalSize }) => finalSize ?? 0n)
    const firsts = firstIndexes(lengths)
    const opened: Shard[] = []
    for (const row of rows.slice(shards.length)) opened.push(await open(row, firsts[row.shard] ?? 0n))
    const newest = opened.at(-1)
    // Before any writer gets there: nobody's entry should be the first of a tree.
    if (newest !== undefined) await logFirstEntry(newest.log, newest.signer).catch(unlessClosedToWriters)
    if (shards.length > 0) onNews(`the log was rolled over: ${newest?.log.origin} takes the entries now`)
    shards = [...shards, ...opened]
    return true
  }

  async function open(row: ShardRow, firstIndex: bigint): Promise<Shard> {
    const signer = await openShardKey(keys, row)
    const log: Log = await openLog({
      ...rekorLogOptions(options.hostname, signer),
      pool,
      name: row.name,
      ...(options.queueLimit !== undefined && { queueLimit: options.queueLimit }),
      ...(options.now !== undefined && { now: options.now }),
      ...(options.onBatch !== undefined && { onBatch: options.onBatch }),
    })
    if (row.publicKey === undefined) await rememberPublicKey(pool, row.name, signer.publicKey.spki)
    log.onAppended((size) => {
      for (const listener of listeners) listener(firstIndex + size)
    })
    return openShard(log, signer, firstIndex)
  }

  function refresh(): Promise<boolean> {
    refreshing ??= lookForNews().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function lookForNews(): Promise<boolean> {
    if (closed) return false
    try {
      const grown = await orUnavailable(openNew())
      if (grown) for (const listener of listeners) listener(active().firstIndex)
      await orUnavailable(announceNextKey())
      return grown
    } catch (cause) {
      if (cause instanceof LogError) throw cause
      throw new LogError(
        'unavailable',
        `the log was rolled over to a shard that cannot be opened here (${cause instanceof Error ? cause.message : String(cause)}); try again`,
        { cause },
      )
    }
  }

  /** Says in time whether this replica could go on after a rollover to the prepared key. */
  async function announceNextKey(): Promise<void> {
    const next = await readNextKey(pool, series)
    if (next === undefined || next.keyFile === announcedKey) return
    const signer = await openKeyNamed(keys.folder, next.keyFile, keys.password)
    const expected = keyFingerprint(parsePublicKey(next.publicKey))
    if (Buffer.compare(keyFingerprint(signer.publicKey), expected) !== 0) {
      throw new Error(
        `the key file ${next.keyFile} does not hold the key that was prepared for the next shard`,
      )
    }
    announcedKey = next.keyFile
    onNews(`the key of the next shard is at hand: ${next.keyFile}`)
  }

  return {
    list: () => shards,
    active,
    append: async (draft) => {
      for (;;) {
        const shard = active()
        try {
          return { shard, ...(await shard.log.append(draft)) }
        } catch (error) {
          if (!(error instanceof LogError) || error.code !== 'frozen') throw error
          if (shard === active()) await refresh()
          if (shard === active()) {
            throw new LogError('unavailable', 'the log is being rolled over; try again', { cause: error })
          }
        }
      }
    },
    refresh,
    publicKeys: async () => {
      await refresh()
      const next = await orUnavailable(readNextKey(pool, series))
      const prepared = next === undefined ? [] : [encodePublicKeyPem(parsePublicKey(next.publicKey))]
      return [...new Set([...shards.map(({ publicKeyPem }) => publicKeyPem), ...prepared])]
    },
    queueDepth: () => shards.reduce((depth, { log }) => depth + log.queueDepth(), 0),
    onAppended: (listener) => {
      listeners.push(listener)
    },
    close: async () => {
      closed = true
      clearInterval(poll)
      await refreshing?.catch(() => undefined)
      // The oldest first: what a frozen shard refuses goes to the next.
      for (const { log } of shards) await log.close()
    },
  }
}

/** A log that takes no entries takes no first one; it gets it when it is next started open. */
function unlessClosedToWriters(error: unknown): void {
  const closed = error instanceof LogError && ['read_only', 'maintenance', 'frozen'].includes(error.code)
  if (!closed) throw error
}
