import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startStackProcess } from '../../support/stack-process.ts'
import { createCertificateClient } from '../parts/certificates.ts'
import { untilGone } from '../parts/postgres-processes.ts'
import { type Scenario, underLoad, untilReadiness, untilTrue } from '../scenario.ts'

const signals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const

/** The database is one that the stack was given, so that it stays away until we bring it back; the stack is never started again. */
export const restartDatabase: Scenario = {
  name: 'restart-database',
  title:
    'PostgreSQL stopped, in its fast and its immediate way, and started again, under Rekor log, CT log and CA',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const dataDirectory = path.join(folder, 'database')
    let database = await startEmbeddedPostgres({ dataDirectory })
    const databaseUrl = database.connectionString
    const stack = await startStackProcess({
      dataDirectory: path.join(folder, 'stack'),
      environment: { DATABASE_URL: databaseUrl },
    })
    const { rekor = '', ct = '', ca = '' } = stack.endpoints.services
    const certificates = createCertificateClient(() => stack.endpoints)

    async function assertAway(): Promise<void> {
      await untilReadiness([rekor, ct, ca], 503)
      if ((await certificates.ask()) !== 'refused')
        throw new Error('the CA issued a certificate that is in no CT log')
    }

    async function untilBack(): Promise<void> {
      await untilReadiness([rekor, ct, ca], 200)
      await untilTrue('a certificate', async () => (await certificates.ask()) === 'issued')
    }

    try {
      const report = await underLoad(options, { urls: () => [rekor], databaseUrl }, async (load) => {
        const stops = { fast: 0, immediate: 0 }
        for (let done = 1; done <= times; done++) {
          await untilBack()
          await sleep(random.below(300))
          const way = random.pick(['fast', 'immediate'] as const)
          process.kill(database.pid, signals[way])
          await untilGone(database.pid)
          await load.untilRefused(5)
          await assertAway()
          database = await startEmbeddedPostgres({ dataDirectory })
          await load.untilAnswered(10)
          stops[way]++
          onProgress(`stop ${done} of ${times} (${way}): ${load.answered()} entries answered`)
        }
        await untilBack()
        await certificates.confront()
        return { ...stops, 'certificates in the CT log': certificates.issued() }
      })
      const status = await stack.stop()
      if (status !== 0) throw new Error(`the stack ended with status ${status}: see stack.log`)
      return report
    } finally {
      await stack.stop()
      await database.stop()
    }
  },
}
