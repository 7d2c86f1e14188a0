import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningLog } from '@sigstack/log'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startLogHere } from '../parts/log-in-process.ts'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { type Scenario, underLoad } from '../scenario.ts'

const dayMs = 86_400_000

/** That times never go back along the log is part of what the checker holds every log to. */
export const turnClock: Scenario = {
  name: 'turn-clock',
  title: 'the clock of each replica set back by up to a day and on again, another one for each replica',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
    const databaseUrl = database.connectionString
    const offsets = [0, 0]
    const here: RunningLog[] = []
    let faked: Replica | undefined
    try {
      for (const i of offsets.keys()) {
        const now = () => Date.now() + (offsets[i] ?? 0)
        here.push(await startLogHere(folder, databaseUrl, { now }))
      }
      const environment = environmentOf(`-${1 + random.below(24)}h`)
      if (environment === undefined) onProgress('no faketime here: only clocks that are injected are turned')
      else faked = await startReplica({ folder, databaseUrl, environment })
      const urls = () => [...here, ...(faked === undefined ? [] : [faked])].map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        for (let done = 1; done <= times; done++) {
          offsets[random.below(2)] = random.chance(0.3) ? 0 : -random.below(dayMs)
          await sleep(random.below(200))
          await load.untilAnswered(10)
          onProgress(`turn ${done} of ${times}: ${load.answered()} entries answered`)
        }
        return { turns: times, 'processes under faketime': faked === undefined ? 0 : 1 }
      })
    } finally {
      await faked?.kill()
      for (const log of here) await log.stop()
      await database.stop()
    }
  },
}

/** What `faketime` puts around a program; the monotonic clock, by which Node's timers go, is left alone. */
function environmentOf(offset: string): NodeJS.ProcessEnv | undefined {
  const { status, stdout } = spawnSync('faketime', ['--exclude-monotonic', '-f', offset, 'env'], {
    encoding: 'utf8',
  })
  if (status !== 0) return undefined
  // Not what it shares between processes: it is gone when the wrapper ends.
  const lines = stdout
    .split('\n')
    .filter((line) => /^(LD_PRELOAD|FAKETIME|(FAKETIME_)?DONT_FAKE_MONOTONIC)=/.test(line))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}
