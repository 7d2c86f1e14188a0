/**
 * The shards of a Rekor log, opened from the database and followed there: a rollover by another process is seen with the next
 * append (the frozen shard refuses it, and the entry goes to the one that is open now), with the next miss of a reader, or with the
 * next poll. Writers see nothing of it.
 */

import { encodePublicKeyPem, type PublicKey, parsePublicKey, reasonOf, type Signer } from '@sigstack/crypto'
import {
  type BatchReport,
  type Log,
  LogError,
  type LogOptions,
  listShards,
  migrateLogs,
  openLog,
  orUnavailable,
  readNextKey,
  readSeriesNews,
  rememberPublicKey,
  type ShardRow,
  type SignedHeads,
  tell,
} from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { inStep } from '@sigstack/server/in-step'
import { RekorLogError } from '../errors.ts'
import { logFirstEntry } from './first-entry.ts'
import { watchNextKey } from './next-key-watch.ts'
import { rekorLogOptions } from './rekor-log-options.ts'
import { openShard, type Shard, type Shards } from './shard.ts'
import { openKeyNamed, openShardKey, type ShardKeys } from './shard-keys.ts'
import { firstIndexes } from './virtual-index.ts'

export type ShardSet = Shards & {
  /** Entries that wait for a batch. */
  queueDepth(): number
  /** Why this replica could not go on after a rollover to the key that is prepared, where it could not. */
  nextKeyTrouble(): string | undefined
  /** Told of the length of the whole log after entries were committed here, and when it was rolled over. */
  onAppended(listener: (length: bigint) => void): void
  /** Finishes begun work and refuses new. */
  close(): Promise<void>
}

export type ShardSetOptions = {
  readonly pool: Pool
  /** As the engine's. */
  readonly readers?: Pool
  readonly keys: ShardKeys
  /** Name of the series in the database. */
  readonly series: string
  /** For the origin of a log that does not exist yet. */
  readonly hostname: string
  /** What remembers the largest signed head of the log of that name and key. */
  readonly signedHeadsOf?: (name: string, publicKey: PublicKey) => SignedHeads | undefined
  /** Who else signs the heads of a shard, and how: in place of what the dialect says. */
  readonly headsOf?: (
    dialect: Pick<LogOptions, 'signCheckpoint'>,
  ) => Pick<LogOptions, 'signCheckpoint' | 'cosigning'>
  readonly queueLimit?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  readonly onBatch?: (batch: BatchReport) => void
  /** As the engine's. */
  readonly onRefused?: (reason: unknown) => void
  /** As the engine's. */
  readonly onClock?: (aheadMs: number) => void
  /** Told when the log was rolled over, and of keys that were prepared for it. */
  readonly onNews?: (news: string) => void
  /** Told of trouble; the next poll tries again. */
  readonly onError?: (error: unknown) => void
  /** How often other processes' rollovers are looked for; default 1,000 ms. */
  readonly pollMs?: number
}

/** Others of this process are shown the reading side alone. */
type OpenShard = Shard & { readonly writer: Log }

/** Opens every shard, making the first one when there is none. Throws what the engine and the keys say. */
export async function openShardSet(options: ShardSetOptions): Promise<ShardSet> {
  const { pool, keys, series, onNews = () => {}, onError = () => {} } = options
  const listeners: ((length: bigint) => void)[] = []
  let shards: readonly OpenShard[] = []
  let refreshing: Promise<boolean> | undefined
  let closed = false
  const nextKey = watchNextKey({
    open: (keyFile) => openKeyNamed(keys.folder, keyFile, keys.password),
    onNews,
    onError,
  })

  await migrateLogs(pool)
  if ((await listShards(pool, series)).length === 0) {
    await openLog({ ...dialectOf(series, keys.first), pool })
  }
  await openNew()
  const stopPolling = inStep(options.pollMs ?? 1_000, () => void refresh().catch(onError))

  function active(): OpenShard {
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
    const opened: OpenShard[] = []
    try {
      for (const row of rows.slice(shards.length)) opened.push(await open(row, firsts[row.shard] ?? 0n))
      const last = opened.at(-1)
      // Before any writer gets there: nobody's entry should be the first of a tree.
      if (last !== undefined) await logFirstEntry(last.writer, last.signer).catch(unlessClosedToWriters)
    } catch (error) {
      // The next try opens them anew.
      for (const { writer } of opened) await writer.close()
      throw error
    }
    const newest = opened.at(-1)
    if (shards.length > 0) onNews(`the log was rolled over: ${newest?.log.origin} takes the entries now`)
    shards = [...shards, ...opened]
    return true
  }

  function dialectOf(name: string, signer: Signer) {
    const signedHeads = options.signedHeadsOf?.(name, signer.publicKey)
    const dialect = rekorLogOptions(options.hostname, signer)
    return {
      ...dialect,
      ...options.headsOf?.(dialect),
      name,
      ...(signedHeads !== undefined && { signedHeads }),
    }
  }

  async function open(row: ShardRow, firstIndex: bigint): Promise<OpenShard> {
    const signer = await openShardKey(keys, row)
    if (row.publicKey === undefined) await rememberPublicKey(pool, row.name, signer.publicKey.spki)
    const log = await openLog({
      ...dialectOf(row.name, signer),
      pool,
      ...(options.readers !== undefined && { readers: options.readers }),
      ...(options.queueLimit !== undefined && { queueLimit: options.queueLimit }),
      ...(options.now !== undefined && { now: options.now }),
      ...(options.onClock !== undefined && { onClock: options.onClock }),
      ...(options.onBatch !== undefined && { onBatch: options.onBatch }),
      ...(options.onRefused !== undefined && { onRefused: options.onRefused }),
      onError,
    })
    log.onAppended((size) => tellAll(firstIndex + size))
    return { ...openShard(log, signer, firstIndex), writer: log }
  }

  function tellAll(length: bigint): void {
    for (const listener of listeners) tell(listener, length, onError)
  }

  function refresh(): Promise<boolean> {
    refreshing ??= lookForNews().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function lookForNews(): Promise<boolean> {
    if (closed) return false
    const news = await orUnavailable(readSeriesNews(pool, series))
    const isLonger = news.shards > shards.length
    const grown =
      isLonger &&
      (await orUnavailable(openNew()).catch((cause: unknown) => {
        if (cause instanceof LogError || cause instanceof RekorLogError) throw cause
        throw new RekorLogError(
          'unavailable',
          `the log was rolled over to a shard that cannot be opened here (${reasonOf(cause)}); try again`,
          { cause },
        )
      }))
    if (grown) tellAll(active().firstIndex)
    // A rollover takes it.
    await nextKey.look(grown ? await orUnavailable(readNextKey(pool, series)) : news.nextKey)
    return grown
  }

  return {
    list: () => shards,
    active,
    append: async (draft) => {
      for (;;) {
        const shard = active()
        try {
          return { shard, ...(await shard.writer.append(draft)) }
        } catch (error) {
          if (!(error instanceof LogError) || error.code !== 'frozen') throw error
          if (shard === active()) await refresh()
          if (shard === active()) {
            throw new RekorLogError('unavailable', 'the log is being rolled over; try again', {
              cause: error,
            })
          }
        }
      }
    },
    refresh,
    publicKeys: async () => {
      const [rows, next] = await orUnavailable(
        Promise.all([listShards(pool, series), readNextKey(pool, series)]),
      )
      // Also of a shard that cannot be opened here: others verify what it signs elsewhere.
      const known = rows.map(({ publicKey }, at) => publicKey ?? shards[at]?.signer.publicKey.spki)
      const all = [...known, next?.publicKey].filter((spki) => spki !== undefined)
      return [...new Set(all.map((spki) => encodePublicKeyPem(parsePublicKey(spki))))]
    },
    nextKeyTrouble: nextKey.trouble,
    queueDepth: () => shards.reduce((depth, { writer }) => depth + writer.queueDepth(), 0),
    onAppended: (listener) => {
      listeners.push(listener)
    },
    close: async () => {
      closed = true
      stopPolling()
      await refreshing?.catch(() => undefined)
      // The oldest first: what a frozen shard refuses goes to the next.
      for (const { writer } of shards) await writer.close()
    },
  }
}

/** A log that takes no entries takes no first one; it gets it when it is next started open. */
function unlessClosedToWriters(error: unknown): void {
  const closed = error instanceof LogError && ['read_only', 'maintenance', 'frozen'].includes(error.code)
  if (!closed) throw error
}
