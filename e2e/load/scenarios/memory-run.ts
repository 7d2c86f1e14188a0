/** Memory through a long run at full load: what is bounded stays so. */
import { setTimeout as sleep } from 'node:timers/promises'
import { closedLoop } from '../../support/load.ts'
import { type Bench, createAnswers, measured } from '../bench-context.ts'
import { followerBacklog } from '../follower.ts'
import { memoryOfTree } from '../memory.ts'
import { openAppender } from './appends.ts'

const clients = 64
const sampleMs = 5_000

export async function benchMemory(bench: Bench, minutes: number): Promise<void> {
  const { pool, report, databasePid } = bench
  // Signed while the clock runs: so many do not fit into memory.
  const { url, make } = await openAppender(bench, 'hashedrekord')
  const { faultOf, verify } = await createAnswers(url.origin)
  report.header(`memory        hashedrekord, ${clients} clients at full load for ${minutes} minutes`)
  let running = true
  let most = { stack: 0, database: 0 }
  const sampling = (async () => {
    const began = performance.now()
    for (let minute = 0; running; await sleep(sampleMs)) {
      const { stack, database } = await memoryOfTree(bench.stack().pid, databasePid)
      most = { stack: Math.max(most.stack, stack), database: Math.max(most.database, database) }
      const elapsed = Math.floor((performance.now() - began) / 60_000)
      if (elapsed === minute) continue
      minute = elapsed
      const behind = await followerBacklog(pool)
      report.say(
        `    minute ${String(minute).padStart(3)}: stack ${stack.toFixed(0)} MB, PostgreSQL ${database.toFixed(0)} MB, search ${behind} entries behind`,
      )
    }
  })()
  const load = { url, seconds: minutes * 60, status: 201, clients, next: make, faultOf }
  const result = await measured(bench, () => closedLoop(load))
  running = false
  await sampling
  report.row(`${minutes} minutes`, result, { kind: 'memory', minutes, most })
  report.say(`verified    ${await verify()} of the answers: SET, proof, checkpoint`)
  report.say(
    `memory      at most ${most.stack.toFixed(0)} MB the stack, ${most.database.toFixed(0)} MB PostgreSQL (proportional set size)`,
  )
}
