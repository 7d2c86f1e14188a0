/** How fast a monitor, in a process of its own and over a database of its own, reads the log that is there. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { freePorts } from '@sigstack/server/free-ports'
import { programOf } from '@sigstack/server/program'
import type { Bench } from '../bench-context.ts'
import { startProcessorTime } from '../processor-time.ts'
import { fillTo, openAppender } from './appends.ts'

const leastEntries = 40_000
const watches = 20
const main = new URL('../../../services/monitor/src/main.ts', import.meta.url)

export async function benchMonitor(bench: Bench): Promise<void> {
  const { report } = bench
  const size = await fillTo(bench, await openAppender(bench, 'hashedrekord'), leastEntries)
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-bench-monitor-'))
  const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
  const [port = 0] = await freePorts(1)
  const monitor = spawn(process.execPath, [...programOf(main)], {
    env: { ...process.env, MALLOC_ARENA_MAX: '2', LOG_LEVEL: 'error', ...(await settingsIn(folder)) },
    stdio: 'inherit',
  })
  const ended = once(monitor, 'exit')
  try {
    const first = await readUntil(1)
    const costs = await Promise.all(
      [[monitor.pid], [database.pid], [bench.stack().pid, bench.databasePid]].map((pids) =>
        startProcessorTime(pids.flatMap((pid) => pid ?? [])),
      ),
    )
    const began = performance.now()
    const last = await readUntil(Math.min(first + bench.seconds * 50_000, size - 1))
    const seconds = (performance.now() - began) / 1000
    const read = last - first
    const [own = 0, memory = 0, log = 0] = await Promise.all(
      costs.map(async (stop) => ((await stop()) / read).toFixed(0)),
    )
    report.say(
      `\nmonitor     ${(read / seconds).toFixed(0)} entries a second (${read} in ${seconds.toFixed(1)} s), ${watches} watches; µs of processor time an entry: ${own} the monitor, ${memory} its database, ${log} the log with its own`,
    )
    report.keep({ kind: 'monitor', read, seconds, own, memory, log })
  } finally {
    monitor.kill()
    await ended
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }

  /** How many it has read, when they are so many. */
  async function readUntil(entries: number): Promise<number> {
    for (;;) {
      if (monitor.exitCode !== null) throw new Error(`the monitor ended with status ${monitor.exitCode}`)
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined)
      const read = Number(
        /^monitor_entries_read_total\{.*\} (\d+)$/m.exec((await answer?.text()) ?? '')?.[1] ?? 0,
      )
      if (read >= entries) return read
      await sleep(50)
    }
  }

  async function settingsIn(where: string): Promise<NodeJS.ProcessEnv> {
    const { services, trust } = bench.stack().endpoints
    const logsFile = path.join(where, 'logs.json')
    const watchesFile = path.join(where, 'watches.json')
    const logs = [{ name: 'rekor', kind: 'rekor-v1', url: services['rekor'] }]
    await writeFile(logsFile, JSON.stringify({ logs }))
    await writeFile(watchesFile, JSON.stringify({ watches: Array.from({ length: watches }, watchOf) }))
    return {
      MONITOR_PORT: String(port),
      MONITOR_LOGS_FILE: logsFile,
      MONITOR_WATCHES_FILE: watchesFile,
      MONITOR_TRUSTED_ROOT_URL: trust.trustedRoot,
      DATABASE_URL: database.connectionString,
    }
  }
}

/** Of each kind of condition some; none is met. */
function watchOf(_: unknown, at: number) {
  const subjects = [
    { exact: `nobody-${at}@example.com` },
    { glob: `*@team-${at}.example.com` },
    { regex: `release-${at}-[a-z]+@example\\.com` },
  ]
  return { name: `watch ${at}`, subject: subjects[at % subjects.length] }
}
