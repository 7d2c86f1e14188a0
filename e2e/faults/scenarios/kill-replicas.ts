import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { keepEmbeddedPostgres } from '@sigstack/postgres'
import { killBackend, killPostmaster } from '../parts/postgres-processes.ts'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { type Scenario, underLoad } from '../scenario.ts'

export const killReplicas: Scenario = {
  name: 'kill-replicas',
  title: 'kill -9 of one of two log replicas, of their PostgreSQL and of single PostgreSQL backends',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const dataDirectory = path.join(folder, 'database')
    const database = await keepEmbeddedPostgres({ dataDirectory })
    const databaseUrl = database.connectionString
    const replicas: Replica[] = []
    const kill = {
      replica: async () => {
        const victim = random.pick(replicas)
        await victim.kill()
        await sleep(random.below(300))
        await startAgain(victim)
        return true
      },
      postgres: () => killPostmaster(dataDirectory),
      backend: () => killBackend(dataDirectory, random),
    }
    try {
      // One after the other: the first makes the key that both share.
      for (let i = 0; i < 2; i++) replicas.push(await startReplica({ folder, databaseUrl }))
      const urls = () => replicas.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        const killed = { replica: 0, postgres: 0, backend: 0 }
        for (let done = 0; done < times; ) {
          await sleep(100 + random.below(600))
          const victim =
            done === 0 ? 'replica' : random.pick(['replica', 'replica', 'postgres', 'backend'] as const)
          if (!(await kill[victim]())) continue
          done++
          killed[victim]++
          // Now and then the next blow falls before anyone has recovered from this one.
          if (random.chance(0.7)) await load.untilAnswered(1)
          assertStanding(replicas)
          onProgress(`kill ${done} of ${times} (${victim}): ${load.answered()} entries answered`)
        }
        return killed
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      await database.stop()
    }
  },
}

/** A replica that starts while its database recovers ends with one sentence, and an operator's supervisor starts it again. */
async function startAgain(replica: Replica): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await replica.restart()
    } catch (error) {
      if (attempt === 20) throw error
      await sleep(100)
    }
  }
}
