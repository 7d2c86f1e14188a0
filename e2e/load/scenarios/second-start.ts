/** The start that finds its keys and its log again, and what the idle stack holds in memory. The database of the bench stays up. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../bench-context.ts'
import { memoryOfTree } from '../memory.ts'

export async function benchStart(bench: Bench): Promise<void> {
  const { report, databasePid } = bench
  await bench.restart()
  await sleep(2_000)
  const { pid, readyMs } = bench.stack()
  const memory = await memoryOfTree(pid, databasePid)
  report.say(`\nsecond start  ${readyMs.toFixed(0)} ms to ready, without the database's own start`)
  report.say(
    `memory idle   ${memory.stack.toFixed(0)} MB the stack, ${memory.database.toFixed(0)} MB PostgreSQL (proportional set size)`,
  )
  report.keep({ kind: 'start', readyMs, memory })
}
