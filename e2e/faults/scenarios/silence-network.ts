import path from 'node:path'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startCuttingProxy } from '../parts/cutting-proxy.ts'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { type Scenario, underLoad, untilReadiness } from '../scenario.ts'

export const silenceNetwork: Scenario = {
  name: 'silence-network',
  title:
    'the network to PostgreSQL swallowing every packet, with no connection ended, until writers are told',
  run: async (options) => {
    const { folder, times, onProgress } = options
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const proxy = await startCuttingProxy(database.connectionString)
    const replicas: Replica[] = []
    try {
      for (let i = 0; i < 2; i++)
        replicas.push(await startReplica({ folder, databaseUrl: proxy.connectionString }))
      const urls = () => replicas.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl: database.connectionString }, async (load) => {
        for (let done = 1; done <= times; done++) {
          proxy.silence(true)
          await load.untilRefused(5)
          await untilReadiness(urls(), 503)
          proxy.silence(false)
          await load.untilAnswered(10)
          assertStanding(replicas)
          onProgress(`silence ${done} of ${times}: ${load.answered()} entries answered`)
        }
        return { silences: times }
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      proxy.close()
      await database.stop()
    }
  },
}
