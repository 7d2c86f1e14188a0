/** The walk over the shards of a log that every audit of one makes: the tree of each, and the heads of it that were given away. */
import { auditLog, type Finding, type Findings, type LogEntry, type ShardRow } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { lengthOf } from '../../shards/stored-log.ts'
import { compareHeads } from './compare-heads.ts'

export type LogAudit = {
  readonly shards: readonly {
    readonly origin: string
    readonly size: bigint
    readonly rootHash: Hash
    readonly isFrozen: boolean
  }[]
  readonly entries: bigint
  readonly tiles: bigint
  /** Entries below this index can be found by search. */
  readonly indexed: bigint
  /** Entries whose search rows were compared. */
  readonly searched: bigint
  readonly answers: number
  readonly checkpoints: number
  /** The first hundred. */
  readonly findings: readonly Finding[]
  readonly findingCount: number
}

export type AuditShardsOptions<Row> = {
  readonly pool: Pool
  readonly findings: Findings
  /** Roots that somebody was given of a shard, by size. */
  readonly headsOf: (row: Row) => ReadonlyMap<bigint, Hash> | undefined
  /** Called with every page of entries, in order. */
  readonly onEntries?: (row: Row, page: readonly LogEntry[]) => Promise<void>
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

/** `firstIndex` is where entries are numbered over all shards. What is wrong is in the findings. */
export async function auditShards<Row extends ShardRow & { readonly firstIndex?: bigint }>(
  rows: readonly Row[],
  { pool, findings, headsOf, onEntries, onProgress }: AuditShardsOptions<Row>,
): Promise<Pick<LogAudit, 'shards' | 'entries' | 'tiles'>> {
  const total = lengthOf(rows)
  const shards: LogAudit['shards'][number][] = []
  let entries = 0n
  let tiles = 0n
  for (const row of rows) {
    const { name, origin, firstIndex, finalSize } = row
    const before = firstIndex ?? entries
    const heads = headsOf(row)
    const audited = await auditLog({
      pool,
      name,
      findings: { ...findings, add: (kind, message) => findings.add(kind, `${origin}: ${message}`) },
      ...(firstIndex !== undefined && { firstIndex }),
      rootsAt: [...(heads?.keys() ?? [])],
      onProgress: (done) => onProgress?.(before + done, total),
      ...(onEntries !== undefined && { onEntries: (page) => onEntries(row, page) }),
    })
    compareHeads(origin, heads, audited, findings)
    const { size, rootHash } = audited
    shards.push({ origin, size, rootHash, isFrozen: finalSize !== undefined })
    entries += audited.entries
    tiles += audited.tiles
  }
  return { shards, entries, tiles }
}
