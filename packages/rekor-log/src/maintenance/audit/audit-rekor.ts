/** The audit of a Rekor log: every shard's tree, the search index, and what was given away (docs/operations/log-operations.md). */
import { keyFingerprint, type PublicKey, parsePublicKey } from '@sigstack/crypto'
import { createFindings, type Findings, readLogEntries } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { type StoredShard, storedShards } from '../../shards/stored-log.ts'
import type { CheckpointSource } from '../../signing/signed-heads.ts'
import { auditShards, type LogAudit } from './audit-shards.ts'
import { numbered, openSearchCheck, type SearchExtent } from './check-search.ts'
import { type Evidence, type KnownShard, readEvidence } from './evidence.ts'

export type RekorAuditOptions = {
  readonly pool: Pool
  /** Keys of shards, for evidence; without one the key that the database keeps is used, if it keeps one. */
  readonly publicKeys?: readonly PublicKey[]
  /** A file of kept answers, one in each line. */
  readonly answersFile?: string
  /** Kept checkpoints: notes, or answers of `/api/v1/log`. */
  readonly checkpoints?: readonly CheckpointSource[]
  readonly search: SearchExtent
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

/** Throws `not_found` without a log, and what cannot be read of the files. What is wrong is in the findings. */
export async function auditRekor(options: RekorAuditOptions): Promise<LogAudit> {
  const { pool, onProgress } = options
  const findings = createFindings()
  const rows = await storedShards(pool)
  const evidence = await readEvidence(
    options,
    {
      hostname: rows[0]?.hostname ?? '',
      shards: rows.flatMap((row) => knownShard(row, options.publicKeys ?? [])),
    },
    findings,
  )

  const { indexed, check: search } = await openSearchCheck(pool, rows, {
    name: 'rekor-v1',
    extent: options.search,
    findings,
  })
  try {
    const shards = await auditShards(rows, {
      pool,
      findings,
      headsOf: ({ treeId }) => evidence.heads.get(treeId),
      ...(search !== undefined && {
        onEntries: ({ firstIndex }, page) => search.entries(numbered(firstIndex, page)),
      }),
      ...(onProgress !== undefined && { onProgress }),
    })
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

/** A shard whose key is not known has nothing that evidence could be checked with. */
function knownShard(row: StoredShard, given: readonly PublicKey[]): readonly KnownShard[] {
  const { treeId, firstIndex, logId } = row
  const isOurs = (key: PublicKey) => logId.equals(keyFingerprint(key))
  const publicKey =
    given.find(isOurs) ?? (row.publicKey === undefined ? undefined : parsePublicKey(row.publicKey))
  return publicKey === undefined ? [] : [{ treeId, firstIndex, publicKey, logIdHex: logId.toString('hex') }]
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
