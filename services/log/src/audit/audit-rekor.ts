/** The audit of a Rekor log: every shard's tree, the search index, and what was given away (docs/operations/log-operations.md). */
import { keyFingerprint, type PublicKey, parsePublicKey } from '@sigstack/crypto'
import { auditLog, createFindings, type Finding, type Findings, readLogEntries } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import { migrate, type Pool } from '@sigstack/postgres'
import { migrations, readPosition } from '../search/store.ts'
import { lengthOf, readStoredEntries, type StoredShard, storedShards } from '../shards/stored-log.ts'
import { createSearchCheck, type SearchCheck } from './check-search.ts'
import { type Evidence, type KnownShard, readEvidence } from './evidence.ts'

export type RekorAuditOptions = {
  readonly pool: Pool
  /** Keys of shards, for evidence; without one the key that the database keeps is used, if it keeps one. */
  readonly publicKeys?: readonly PublicKey[]
  /** A file of kept answers, one in each line. */
  readonly answersFile?: string
  /** Kept checkpoints, as notes. */
  readonly checkpoints?: readonly string[]
  readonly search: 'all' | 'sample' | 'none'
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

export type RekorAudit = {
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

/** Throws `not_found` without a log, and what cannot be read of the files. What is wrong is in the findings. */
export async function auditRekor(options: RekorAuditOptions): Promise<RekorAudit> {
  const { pool } = options
  const findings = createFindings()
  const rows = await storedShards(pool)
  const total = lengthOf(rows)
  const evidence = await readEvidence(
    options,
    rows.flatMap((row) => knownShard(row, options.publicKeys ?? [])),
    findings,
  )

  await migrate(pool, migrations)
  const logId = rows[0]?.logId ?? Buffer.alloc(32)
  const indexed = await readPosition(pool, logId)
  const search =
    options.search === 'none'
      ? undefined
      : createSearchCheck({
          pool,
          logId,
          // What is logged from now on is not audited.
          position: indexed < total ? indexed : total,
          extent: options.search,
          readEntries: (start, end) => readStoredEntries(pool, rows, start, end),
          findings,
        })

  try {
    const shards = await auditShards(rows, evidence, search, options, findings)
    await search?.finish()
    await comparePlaces(pool, rows, evidence, findings)
    return {
      ...shards,
      indexed,
      searched: search?.checked() ?? 0n,
      answers: evidence.answers,
      checkpoints: evidence.checkpoints,
      findings: findings.list,
      findingCount: findings.count(),
    }
  } finally {
    await search?.stop()
  }
}

async function auditShards(
  rows: readonly StoredShard[],
  evidence: Evidence,
  search: SearchCheck | undefined,
  { pool, onProgress = () => {} }: RekorAuditOptions,
  findings: Findings,
): Promise<Pick<RekorAudit, 'shards' | 'entries' | 'tiles'>> {
  const total = lengthOf(rows)
  const shards: RekorAudit['shards'][number][] = []
  let entries = 0n
  let tiles = 0n
  for (const row of rows) {
    const { firstIndex, treeId } = row
    const heads = evidence.heads.get(treeId)
    const audited = await auditLog({
      pool,
      name: row.name,
      findings,
      rootsAt: [...(heads?.keys() ?? [])],
      onProgress: (done) => onProgress(firstIndex + done, total),
      ...(search !== undefined && {
        onEntries: (page) =>
          search.entries(page.map((entry) => ({ ...entry, leafIndex: firstIndex + entry.leafIndex }))),
      }),
    })
    compareHeads(row.origin, heads, audited, findings)
    shards.push({
      origin: row.origin,
      size: audited.size,
      rootHash: audited.rootHash,
      isFrozen: row.finalSize !== undefined,
    })
    entries += audited.entries
    tiles += audited.tiles
  }
  return { shards, entries, tiles }
}

/** A shard whose key is not known has nothing that evidence could be checked with. */
function knownShard(row: StoredShard, given: readonly PublicKey[]): readonly KnownShard[] {
  const { treeId, firstIndex, logId } = row
  const isOurs = (key: PublicKey) => logId.equals(keyFingerprint(key))
  const publicKey =
    given.find(isOurs) ?? (row.publicKey === undefined ? undefined : parsePublicKey(row.publicKey))
  return publicKey === undefined ? [] : [{ treeId, firstIndex, publicKey, logIdHex: logId.toString('hex') }]
}

/** A signed root must be that of the tree which the entries make, at its size. */
function compareHeads(
  origin: string,
  heads: ReadonlyMap<bigint, Hash> | undefined,
  { roots, size }: { readonly roots: ReadonlyMap<bigint, Hash>; readonly size: bigint },
  findings: Findings,
): void {
  for (const [at, signed] of heads ?? []) {
    const computed = roots.get(at)
    if (computed === undefined) {
      findings.add(
        'evidence',
        `a checkpoint of ${origin} with ${at} entries was given away, and the log has ${size}: it was put back to an older state`,
      )
    } else if (Buffer.compare(computed, signed) !== 0) {
      findings.add(
        'evidence',
        `a checkpoint of ${origin} with ${at} entries was given away, and the entries make another tree of that size: the log was forked or damaged`,
      )
    }
  }
}

async function comparePlaces(
  pool: Pool,
  rows: readonly StoredShard[],
  { places }: Evidence,
  findings: Findings,
): Promise<void> {
  for (const { treeId, leafIndex, leafHash, integratedTime } of places) {
    const row = rows.find((candidate) => candidate.treeId === treeId)
    const [entry] = row ? await readLogEntries(pool, row.name, leafIndex, leafIndex + 1n) : []
    const where = `the entry that was answered as number ${leafIndex} of ${row?.origin ?? treeId}`
    if (entry === undefined) {
      findings.add('evidence', `${where} is not in the log`)
    } else if (Buffer.compare(entry.leafHash, leafHash) !== 0) {
      findings.add('evidence', `${where} is another one in the log`)
    } else if (Math.floor(entry.sequencedAtMs / 1000) !== integratedTime) {
      findings.add('evidence', `${where} has another time in the log`)
    }
  }
}
