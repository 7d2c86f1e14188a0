import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, startEmbeddedPostgres } from '@sigstack/postgres'
import { commitRollover, prepareRollover } from '@sigstack/rekor-log'
import { replicaPassword as password, type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { type Scenario, underLoad } from '../scenario.ts'

export const rollOver: Scenario = {
  name: 'roll-over',
  title: 'the log rolled over to a new shard with a new key while a replica is killed',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const databaseUrl = database.connectionString
    const pool = createPool({ connectionString: databaseUrl, maxConnections: 2 })
    const replicas: Replica[] = []
    try {
      for (let i = 0; i < 2; i++) replicas.push(await startReplica({ folder, databaseUrl }))
      const urls = () => replicas.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        for (let done = 1; done <= times; done++) {
          await sleep(random.below(300))
          const { publicKeyPem } = await prepareRollover(pool, { keysFolder: folder, password })
          await load.trust([publicKeyPem])
          const victim = random.pick(replicas)
          const [before, after] = [random.below(40), random.below(40)]
          await Promise.all([
            sleep(before).then(() => victim.kill()),
            sleep(after).then(() => commitRollover(pool, { key: 'prepared', keysFolder: folder, password })),
          ])
          await victim.restart()
          await load.untilAnswered(10)
          assertStanding(replicas)
          onProgress(`rollover ${done} of ${times}: ${load.answered()} entries answered`)
        }
        return { rollovers: times }
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      await pool.end()
      await database.stop()
    }
  },
}
