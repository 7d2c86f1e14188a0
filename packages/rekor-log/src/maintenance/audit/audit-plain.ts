/** Audits a log that is no Rekor log, as a CT log: its tree, and checkpoints of it that were kept. It has no search and no answers by ID. */

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
import { RekorLogError } from '../../errors.ts'
import { type CheckpointSource, type FoundNote, notesIn, verifyNote } from '../../signing/signed-heads.ts'
import { auditShards, type LogAudit } from './audit-shards.ts'

export type PlainAuditOptions = {
  readonly pool: Pool
  /** Of this log among all in the database, such as `ct`. */
  readonly log: string
  /** That were kept. */
  readonly checkpoints?: readonly CheckpointSource[]
  readonly onProgress?: (done: bigint, total: bigint) => void
}

/** Throws `not_found` without such a log, and `bad_checkpoint` for what is no checkpoint of it. What is wrong is in the findings. */
export async function auditPlainLog(options: PlainAuditOptions): Promise<LogAudit> {
  const { pool, log, checkpoints = [], onProgress } = options
  await migrateLogs(pool)
  const rows = await listShards(pool, log)
  if (rows.length === 0) throw new RekorLogError('not_found', `this database holds no log ${log}`)
  const findings = createFindings()
  const notes = checkpoints.flatMap(notesIn)
  const heads = await signedHeadsOf(rows, notes, findings)
  const shards = await auditShards(rows, {
    pool,
    findings,
    headsOf: ({ origin }) => heads.get(origin),
    ...(onProgress !== undefined && { onProgress }),
  })
  return {
    ...shards,
    indexed: 0n,
    searched: 0n,
    answers: 0,
    checkpoints: notes.length,
    findings: findings.list,
    findingCount: findings.count(),
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
