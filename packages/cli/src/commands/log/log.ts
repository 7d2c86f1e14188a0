import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { addAudit } from './audit.ts'
import { addMode } from './mode.ts'
import { addRollover } from './rollover.ts'

export function addLog(program: Command, io: Io): void {
  const log = program
    .command('log')
    .description('Keeping a transparency log: roll it over, stop and start writing, audit it.')
  addRollover(log, io)
  addMode(log, io)
  addAudit(log, io)
}
