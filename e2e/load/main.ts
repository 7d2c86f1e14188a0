/**
 * `npm run bench`: appends, reads and issuances through HTTP against a stack started for it, on the same machine. Everything is durable
 * as in production; what the numbers depend on is printed with them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createPool, durability, startEmbeddedPostgres } from '@sigstack/postgres'
import { startStackProcess } from '../support/stack-process.ts'
import type { Bench } from './bench-context.ts'
import { makeCaKeys } from './ca-keys.ts'
import { measureFsync } from './disk.ts'
import { benchPairs, type OtherStack, pairNames } from './paired.ts'
import { benchPeers, peerNames } from './peers/peers.ts'
import { sayProfile } from './profile.ts'
import { createReport } from './report.ts'
import { benchAppends } from './scenarios/appends.ts'
import { benchBundleReaders } from './scenarios/bundle-readers.ts'
import { benchCertificates } from './scenarios/certificates.ts'
import { benchConsolePages } from './scenarios/console-pages.ts'
import { benchDecay } from './scenarios/decay.ts'
import { benchHostileReaders } from './scenarios/hostile-readers.ts'
import { benchMemory } from './scenarios/memory-run.ts'
import { benchMonitor } from './scenarios/monitor.ts'
import { benchReads } from './scenarios/reads.ts'
import { benchRekorV2 } from './scenarios/rekor-v2.ts'
import { benchStart } from './scenarios/second-start.ts'
import { benchStamps } from './scenarios/stamps.ts'
import { benchTool } from './scenarios/tool.ts'
import { benchFollower } from './scenarios/with-follower.ts'
import { benchTails } from './scenarios/with-tails.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'appends,dsse,reads,certificates,stamps,start,peers' },
    clients: { type: 'string', default: '1,16,64' },
    rates: { type: 'string', default: '500,1000' },
    'certificate-clients': { type: 'string', default: '1,16,64' },
    'certificate-rates': { type: 'string', default: '200,400' },
    'ca-curve': { type: 'string', default: 'P-256' },
    seconds: { type: 'string', default: '5' },
    /** How long the memory is watched. */
    minutes: { type: 'string', default: '10' },
    /** Between the two measurements of `decay`, and under the key that is searched for in `readers`. */
    entries: { type: 'string', default: '1000000' },
    data: { type: 'string' },
    /** Another checkout to run beside this one, in turns. */
    against: { type: 'string' },
    /** A log filled by `audit --data`, to run beside an empty one, in turns. */
    filled: { type: 'string' },
    /** Default 15, beside peers 3. */
    rounds: { type: 'string' },
    peers: { type: 'string', default: peerNames.join(',') },
    /** Builds the peers that are not there. */
    install: { type: 'boolean', default: false },
    /** A built program of the tool, for `tool`; its sources where it is left out. */
    tool: { type: 'string' },
    profile: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const numbers = (list: string): number[] => list.split(',').map(Number)
const appendOptions = { clients: numbers(values.clients), rates: numbers(values.rates) }
const rounds = Number(values.rounds ?? 15)
const { against, filled } = values
const other: OtherStack | undefined =
  against !== undefined
    ? { kind: 'checkout', path: against }
    : filled !== undefined
      ? { kind: 'filled', path: filled }
      : undefined
const { 'ca-curve': caCurve } = values
if (caCurve !== 'P-256' && caCurve !== 'P-384')
  throw new Error(`--ca-curve ${caCurve} is neither P-256 nor P-384`)

const scenarios: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  appends: (bench) => benchAppends(bench, 'hashedrekord', appendOptions),
  dsse: (bench) => benchAppends(bench, 'dsse', appendOptions),
  v2: (bench) => benchRekorV2(bench, appendOptions),
  reads: benchReads,
  'bundle-readers': benchBundleReaders,
  readers: (bench) => benchHostileReaders(bench, Number(values.entries)),
  follower: benchFollower,
  console: benchConsolePages,
  tails: (bench) => benchTails(bench, rounds),
  monitor: benchMonitor,
  decay: (bench) => benchDecay(bench, Number(values.entries), appendOptions),
  memory: (bench) => benchMemory(bench, Number(values.minutes)),
  certificates: (bench) =>
    benchCertificates(bench, {
      caCurve,
      clients: numbers(values['certificate-clients']),
      rates: numbers(values['certificate-rates']),
    }),
  stamps: (bench) => benchStamps(bench, appendOptions),
  start: benchStart,
  peers: (bench) =>
    benchPeers(bench, {
      ...appendOptions,
      certificateClients: numbers(values['certificate-clients']),
      certificateRates: numbers(values['certificate-rates']),
      only: values.peers.split(','),
      rounds: Number(values.rounds ?? 3),
      installs: values.install,
    }),
  tool: (bench) => benchTool(bench, { program: values.tool, rounds }),
}
const chosen = values.only.split(',').flatMap((name) => {
  const scenario = scenarios[name]
  if (scenario !== undefined) return [scenario]
  if (other !== undefined && pairNames.includes(name)) return []
  throw new Error(`--only ${name}: there are ${Object.keys(scenarios).join(', ')}`)
})

const folder = values.data ?? (await mkdtemp(path.join(tmpdir(), 'sigstack-bench-')))
if (other !== undefined) {
  const only = values.only.split(',')
  const clients = Number(values.clients.split(',').at(-1))
  await benchPairs({ other, folder, rounds, clients, only, say: console.log })
  await rm(folder, { recursive: true, force: true })
  process.exit()
}
// An own database, so that its size can be read from here.
const server = process.env.DATABASE_URL
  ? undefined
  : await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
const databaseUrl = process.env.DATABASE_URL ?? server?.connectionString ?? ''
const pool = createPool({ connectionString: databaseUrl, maxConnections: 3 })
const profileFolder = path.join(folder, 'profile')
const environment = {
  DATABASE_URL: databaseUrl,
  LOG_LEVEL: 'error',
  // All of them come from this machine.
  CONSOLE_TAILS_EACH: '100',
  ...(values.profile && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileFolder}` }),
}
if (caCurve !== 'P-256') {
  if (values.data !== undefined) throw new Error('--ca-curve needs a folder of its own; leave --data out')
  await makeCaKeys(path.join(folder, 'stack'), caCurve)
}
const start = () => startStackProcess({ dataDirectory: path.join(folder, 'stack'), environment })
const report = createReport()
let stack = await start()
const bench: Bench = {
  pool,
  report,
  seconds: Number(values.seconds),
  databasePid: server?.pid,
  stack: () => stack,
  restart: async () => {
    await stack.stop()
    stack = await start()
  },
}
try {
  await sayConditions()
  for (const run of chosen) await run(bench)
  if (values.profile) {
    // Node writes it when the process ends.
    await bench.restart()
    await sayProfile(profileFolder, report)
  }
  if (values.json) report.printJson()
} finally {
  await stack.stop()
  await pool.end()
  await server?.stop()
  if (values.data === undefined) await rm(folder, { recursive: true, force: true })
}

async function sayConditions(): Promise<void> {
  const fsync = await measureFsync(folder)
  const { version, fsync: fsyncSetting, synchronousCommit, fullPageWrites } = await durability(pool)
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const load = loadavg().map((average) => average.toFixed(1))
  report.say(`machine     ${machine}; generator, stack and database share it`)
  report.say(`load        ${load.join(', ')} before the first row (averages of 1, 5 and 15 minutes)`)
  report.say(
    `disk        4 KiB append + fdatasync: p50 ${fsync.p50.toFixed(2)} ms, p99 ${fsync.p99.toFixed(2)} ms`,
  )
  report.say(
    `database    PostgreSQL ${version}, fsync=${fsyncSetting}, synchronous_commit=${synchronousCommit}, full_page_writes=${fullPageWrites}`,
  )
  report.say(`versions    Node ${process.version}, OpenSSL ${process.versions.openssl}`)
  report.keep({
    fsync,
    load,
    version,
    fsyncSetting,
    synchronousCommit,
    fullPageWrites,
    node: process.version,
  })
}
