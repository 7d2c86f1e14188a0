import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { redisServerPath, startRedis } from '@sigstack/limits/testing'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startStackProcess } from '../../support/stack-process.ts'
import { createCertificateClient } from '../parts/certificates.ts'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { type Scenario, underLoad, untilTrue } from '../scenario.ts'

/** Of the one address that all clients have: fewer than they send. */
const perSecond = 3
const burst = 5

export const killRedis: Scenario = {
  name: 'kill-redis',
  title: 'kill -9 of the Redis that replicas share their limits through, and the OIDC proxy its documents',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    if (redisServerPath() === undefined) return { skipped: 'there is no redis-server on PATH' }
    let redis = await startRedis()
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const databaseUrl = database.connectionString
    const environment = { REDIS_URL: redis.url, LOG_LIMIT_PER_ADDRESS: `${perSecond}/s burst ${burst}` }
    const stack = await startStackProcess({
      dataDirectory: path.join(folder, 'stack'),
      environment: { REDIS_URL: redis.url },
    })
    const certificates = createCertificateClient(() => stack.endpoints)
    const replicas: Replica[] = []

    const untilIssued = () => untilTrue('a certificate', async () => (await certificates.ask()) === 'issued')

    try {
      for (let i = 0; i < 2; i++) replicas.push(await startReplica({ folder, databaseUrl, environment }))
      const urls = () => replicas.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        const began = performance.now()
        const before = load.answered()
        for (let done = 1; done <= times; done++) {
          await sleep(random.below(500))
          await redis.stop()
          await load.untilAnswered(10)
          await load.untilRefused(1)
          await untilIssued()
          redis = await startRedis(redis.port)
          await load.untilAnswered(10)
          await untilIssued()
          assertStanding(replicas)
          onProgress(`kill ${done} of ${times}: ${load.answered()} entries answered`)
        }
        const seconds = (performance.now() - began) / 1000
        const answered = load.answered() - before
        // Each replica counts for itself while Redis is away, and begins with a full bucket each time.
        const allowed = replicas.length * (perSecond * seconds + burst * (times + 1))
        if (answered > allowed)
          throw new Error(`${answered} entries in ${seconds} s, where ${Math.floor(allowed)} are allowed`)
        return { kills: times, 'allowed at the most': Math.floor(allowed) }
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      await stack.stop()
      await database.stop()
      await redis.stop()
    }
  },
}
