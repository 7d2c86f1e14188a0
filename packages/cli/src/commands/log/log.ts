import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { addAudit } from './audit.ts'
import { addBackup } from './backup.ts'
import { addFreeze } from './freeze.ts'
import { addMirror } from './mirror.ts'
import { addMode } from './mode.ts'
import { addProof } from './proof.ts'
import { addReindex } from './reindex.ts'
import { addRestore } from './restore.ts'
import { addRollover } from './rollover.ts'
import { addVerifyBackup } from './verify-backup.ts'
import { addVerifyProof } from './verify-proof.ts'

export function addLog(program: Command, io: Io): void {
  const log = program
    .command('log')
    .summary('look after a transparency log')
    .description(
      'Rolls a transparency log over, stops and starts writing, freezes it, audits it, indexes it, backs it up, mirrors it; writes and verifies proofs.',
    )
  addRollover(log, io)
  addMode(log, io)
  addFreeze(log, io)
  addAudit(log, io)
  addReindex(log, io)
  addBackup(log, io)
  addVerifyBackup(log, io)
  addRestore(log, io)
  addProof(log, io)
  addVerifyProof(log, io)
  addMirror(log, io)
}
