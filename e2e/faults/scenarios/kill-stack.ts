import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startStackProcess } from '../../support/stack-process.ts'
import { createCertificateClient } from '../parts/certificates.ts'
import { killBackend, killPostmaster } from '../parts/postgres-processes.ts'
import { type Scenario, underLoad, untilTrue } from '../scenario.ts'

/** The stack is started again by us; its database is started again by the stack, or lives on and is adopted by the next start. */
export const killStack: Scenario = {
  name: 'kill-stack',
  title: 'kill -9 of the stack, of its PostgreSQL and of single PostgreSQL backends',
  run: async (options) => {
    const { random, times, onProgress } = options
    const dataDirectory = path.join(options.folder, 'stack')
    const postgres = path.join(dataDirectory, 'postgres')
    let stack = await startStackProcess({ dataDirectory })
    // The writers know one address, as clients do.
    const environment = { SIGSTACK_REKOR_PORT: new URL(stack.endpoints.services.rekor ?? '').port }
    const certificates = createCertificateClient(() => stack.endpoints)
    const urls = () => [stack.endpoints.services.rekor ?? '']
    const kill = {
      stack: async () => {
        await stack.kill()
        stack = await startStackProcess({ dataDirectory, environment })
        return true
      },
      postgres: () => killPostmaster(postgres),
      backend: () => killBackend(postgres, random),
    }
    try {
      const { connectionString: databaseUrl } = await startEmbeddedPostgres({
        dataDirectory: postgres,
        shared: true,
      })
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        const killed = { stack: 0, postgres: 0, backend: 0 }
        for (let done = 0; done < times; ) {
          await sleep(100 + random.below(600))
          const victim = done === 0 ? 'stack' : random.pick(['stack', 'postgres', 'backend'] as const)
          if (!(await kill[victim]())) continue
          done++
          killed[victim]++
          await certificates.ask()
          await load.untilAnswered(1)
          onProgress(`kill ${done} of ${times} (${victim}): ${load.answered()} entries answered`)
        }
        await untilTrue('a certificate', async () => (await certificates.ask()) === 'issued')
        await certificates.confront()
        return { ...killed, 'certificates in the CT log': certificates.issued() }
      })
    } finally {
      await stack.stop()
    }
  },
}
