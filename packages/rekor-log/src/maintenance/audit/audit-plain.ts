/** Audits a log that is called by its origin, of CT or Rekor v2: its tree, its search index if it has one, and checkpoints of it that were kept. */

import {
  BackupError,
  createFindings,
  type Findings,
  listShards,
  migrateLogs,
  type ShardRow,
} from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { isSearchedLog } from '../../search/store.ts'
import { shardsOfLog } from '../../shards/stored-log.ts'
import { type CheckpointSource, type FoundNote, notesIn, verifyNote } from '../../signing/signed-heads.ts'
import { auditShards, type LogAudit } from './audit-shards.ts'
import { numbered, openSearchCheck, type SearchExtent } from './check-search.ts'

export type PlainAuditOptions = {
  readonly pool: Pool
  /** Of this log among all in the database, such as `ct`. */
  readonly log: string
  /** Of a log that has an index; default all of it. */
  readonly search?: SearchExtent
  /** That were kept. */
  readonly checkpoints?: readonly CheckpointSource[]
  readonly onProgress?: (done: bigint, total: bigint) => void
}

/** Throws `not_found` without such a log, and `bad_checkpoint` for what is no checkpoint of it. What is wrong is in the findings. */
export async function auditPlainLog(options: PlainAuditOptions): Promise<LogAudit> {
  const { pool, log, search: extent = 'all', checkpoints = [], onProgress } = options
  await migrateLogs(pool)
  const numberedRows = await shardsOfLog(pool, log)
  const firstIndexes = new Map(numberedRows.map(({ name, firstIndex }) => [name, firstIndex]))
  // Findings name entries by their index in the shard, as readers of such a log do.
  const rows = await listShards(pool, log)
  const findings = createFindings()
  const notes = checkpoints.flatMap(notesIn)
  const heads = await signedHeadsOf(rows, notes, findings)
  const { indexed, check } = isSearchedLog(log)
    ? await openSearchCheck(pool, numberedRows, { name: log, extent, findings })
    : { indexed: 0n, check: undefined }
  try {
    const shards = await auditShards(rows, {
      pool,
      findings,
      headsOf: ({ origin }) => heads.get(origin),
      ...(check !== undefined && {
        onEntries: ({ name }, page) => check.entries(numbered(firstIndexes.get(name) ?? 0n, page)),
      }),
      ...(onProgress !== undefined && { onProgress }),
    })
    await check?.finish()
    return {
      ...shards,
      indexed,
      searched: check?.checked() ?? 0n,
      answers: 0,
      checkpoints: notes.length,
      findings: findings.list,
      findingCount: findings.count(),
    }
  } finally {
    await check?.stop()
  }
}

/** By origin and size. What does not verify is a finding; one of another log says nothing about this one, and throws. */
async function signedHeadsOf(
  rows: readonly ShardRow[],
  notes: readonly FoundNote[],
  findings: Findings,
): Promise<ReadonlyMap<string, ReadonlyMap<bigint, Hash>>> {
  const heads = new Map<string, Map<bigint, Hash>>()
  for (const note of notes) {
    const row = rows.find(({ origin }) => origin === note.origin)
    if (row?.publicKey === undefined)
      throw new BackupError(
        'bad_checkpoint',
        `the checkpoint from ${note.where} is of another log, ${note.origin}`,
      )
    const { logId, origin, publicKey } = row
    try {
      const { size, rootHash } = (await verifyNote(note, { origin, logId, publicKey })).treeHead
      const known = heads.get(origin) ?? new Map<bigint, Hash>()
      heads.set(origin, known.set(size, rootHash))
    } catch (error) {
      if (!(error instanceof BackupError)) throw error
      findings.add('evidence', error.message)
    }
  }
  return heads
}
