import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { type Cut, startCuttingProxy } from '../parts/cutting-proxy.ts'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { type Scenario, underLoad } from '../scenario.ts'

const ways: readonly Cut[] = ['before', 'during', 'after']

export const cutCommit: Scenario = {
  name: 'cut-commit',
  title:
    'the connection to PostgreSQL cut at the COMMIT of an append, before, during and after it, by a TCP proxy',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const proxy = await startCuttingProxy(database.connectionString)
    const replicas: Replica[] = []
    try {
      for (let i = 0; i < 2; i++)
        replicas.push(await startReplica({ folder, databaseUrl: proxy.connectionString }))
      const urls = () => replicas.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl: database.connectionString }, async (load) => {
        const cuts = { before: 0, during: 0, after: 0 }
        for (let done = 0; done < times; ) {
          // Several in a row meet the same batch again when it is tried again.
          for (let row = 1 + random.below(8); row > 0 && done < times; row--, done++) {
            const way = random.pick(ways)
            await proxy.cut(way)
            cuts[way]++
          }
          await load.untilAnswered(1)
          assertStanding(replicas)
          onProgress(`cut ${done} of ${times}: ${load.answered()} entries answered`)
          await sleep(random.below(200))
        }
        return cuts
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      proxy.close()
      await database.stop()
    }
  },
}
