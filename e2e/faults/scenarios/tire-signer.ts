import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Signer } from '@sigstack/crypto'
import type { RunningLog } from '@sigstack/log'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startLogHere } from '../parts/log-in-process.ts'
import { type Scenario, underLoad, untilReadiness } from '../scenario.ts'

type Mood = (sign: () => Promise<Uint8Array>) => Promise<Uint8Array>

const well: Mood = (sign) => sign()
const moods = {
  slow: async (sign) => {
    await sleep(500)
    return sign()
  },
  failing: () => Promise.reject(new Error('the key service answered 500')),
  hanging: () => new Promise(() => {}),
} as const satisfies Record<string, Mood>

export const tireSigner: Scenario = {
  name: 'tire-signer',
  title: 'the signer of checkpoints and SETs slow, failing and hanging on both replicas',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const databaseUrl = database.connectionString
    let mood: Mood = well
    const wrapSigner = (signer: Signer): Signer => ({
      ...signer,
      sign: (message) => mood(() => signer.sign(message)),
    })
    const logs: RunningLog[] = []
    try {
      for (let i = 0; i < 2; i++) logs.push(await startLogHere(folder, databaseUrl, { wrapSigner }))
      const urls = () => logs.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        const counts = { slow: 0, failing: 0, hanging: 0 }
        for (let done = 1; done <= times; done++) {
          const name = random.pick(['slow', 'failing', 'hanging'] as const)
          mood = moods[name]
          if (name === 'slow') await load.untilAnswered(5)
          else {
            await load.untilRefused(5)
            await untilReadiness(urls(), 503)
          }
          mood = well
          await load.untilAnswered(5)
          await untilReadiness(urls(), 200)
          counts[name]++
          onProgress(`${name}, ${done} of ${times}: ${load.answered()} entries answered`)
        }
        return counts
      })
    } finally {
      for (const log of logs) await log.stop()
      await database.stop()
    }
  },
}
