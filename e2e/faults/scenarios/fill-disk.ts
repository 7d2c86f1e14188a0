import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, keepEmbeddedPostgres } from '@sigstack/postgres'
import { type Replica, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { mountSmallFilesystem, type SmallFilesystem } from '../parts/small-filesystem.ts'
import { type Scenario, underLoad, untilReadiness } from '../scenario.ts'

export const fillDisk: Scenario = {
  name: 'fill-disk',
  title: 'the disk of PostgreSQL full, so that neither its tables nor its journal can grow, and freed again',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    let disk: SmallFilesystem
    try {
      disk = await mountSmallFilesystem(path.join(folder, 'disk'), 320)
    } catch (error) {
      return { skipped: `no filesystem can be mounted here: ${(error as Error).message.trim()}` }
    }
    const replicas: Replica[] = []
    const cleanups: (() => Promise<void>)[] = [disk.unmount]
    try {
      let ended = 0
      const database = await keepEmbeddedPostgres({
        dataDirectory: path.join(disk.folder, 'database'),
        onTrouble: () => ended++,
      })
      cleanups.push(database.stop)
      const databaseUrl = database.connectionString
      const pool = createPool({ connectionString: databaseUrl, maxConnections: 1 })
      cleanups.push(() => pool.end())
      for (let i = 0; i < 2; i++) replicas.push(await startReplica({ folder, databaseUrl }))
      const urls = () => replicas.map(({ url }) => url)
      return await underLoad(options, { urls, databaseUrl }, async (load) => {
        for (let done = 1; done <= times; done++) {
          await disk.fill(random.below(256 * 1024))
          // A full table is an error for its writers; a full journal ends PostgreSQL, which then cannot even start.
          if (random.chance(0.5)) await pool.query('select pg_switch_wal()').catch(() => {})
          await load.untilRefused(10)
          await untilReadiness(urls(), 503)
          await sleep(random.below(2_000))
          await disk.free()
          await load.untilAnswered(10)
          await untilReadiness(urls(), 200)
          assertStanding(replicas)
          onProgress(`full ${done} of ${times}: ${load.answered()} entries answered`)
        }
        return { full: times, 'starts that failed and ends of the database': ended }
      })
    } finally {
      for (const replica of replicas) await replica.kill()
      for (const cleanup of cleanups.reverse()) await cleanup()
    }
  },
}
