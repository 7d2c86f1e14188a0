import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { type Scenario, underLoad } from '../scenario.ts'

/** Frozen in the middle of its turn to write, a replica would keep all others from writing for as long as it sleeps. */
export const freezeReplica: Scenario = {
  name: 'freeze-replica',
  title: 'one of two replicas frozen (SIGSTOP) until the other has gone on without it, and thawed',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const databaseUrl = database.connectionString
    const replicas: Replica[] = []
    let awake: readonly Replica[] = replicas
    try {
      for (let i = 0; i < 2; i++) replicas.push(await startReplica({ folder, databaseUrl }))
      const urls = () => awake.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        for (let done = 1; done <= times; done++) {
          const victim = random.pick(replicas)
          await sleep(random.below(500))
          victim.signal('SIGSTOP')
          awake = replicas.filter((replica) => replica !== victim)
          await load.untilAnswered(5)
          victim.signal('SIGCONT')
          awake = replicas
          await load.untilAnswered(5)
          assertStanding(replicas)
          onProgress(`freeze ${done} of ${times}: ${load.answered()} entries answered`)
        }
        return { frozen: times }
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      await database.stop()
    }
  },
}
