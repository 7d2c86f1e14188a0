/**
 * `npm run bench -- audit --entries N`: fills a log, indexes it and audits it, each timed. With `--data FOLDER` the database stays, and the
 * next run only audits. `--search all|sample|none` as for `sigstack log audit`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createPool, startEmbeddedPostgres } from '@sigstack/postgres'
import { auditRekor, reindex } from '@sigstack/rekor-log'
import { hashedrekordBody, obtainCertificate } from '../support/requests.ts'
import { startStackProcess, trialToken } from '../support/stack-process.ts'
import { entriesLike, fillLog } from './synthetic-log.ts'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    entries: { type: 'string', default: '1000000' },
    search: { type: 'string', default: 'all' },
    data: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const entries = Number(values.entries)
const search = values.search
if (search !== 'all' && search !== 'sample' && search !== 'none')
  throw new Error(`--search ${search} is not known`)

const folder = values.data ?? (await mkdtemp(path.join(tmpdir(), 'sigstack-bench-audit-')))
const server = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
const pool = createPool({ connectionString: server.connectionString, maxConnections: 4 })
const report: Record<string, unknown> = { entries, search, node: process.version, cores: cpus().length }
try {
  say(
    `machine   ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, PostgreSQL ${server.version}`,
  )
  if (await isEmpty()) {
    const make = await entriesLike(await signedProposal())
    say(`entries   ${make(0).length} bytes of canonical body, one certificate for all`)
    await timed('fill', () => fillLog(pool, entries, make, tellProgress('filled')))
    await timed('index', () => reindex({ pool, onProgress: tellProgress('indexed') }))
    await pool.query('vacuum analyze')
  }
  const audit = await timed('audit', () => auditRekor({ pool, search, onProgress: tellProgress('audited') }))
  say(
    `found     ${audit.findingCount} faults in ${audit.entries} entries, ${audit.tiles} tiles, search keys of ${audit.searched} entries`,
  )
  const { rows } = await pool.query<{ bytes: bigint }>('select pg_database_size(current_database()) as bytes')
  say(`database  ${(Number(rows[0]?.bytes) / 1e9).toFixed(2)} GB`)
  Object.assign(report, { faults: audit.findingCount, databaseBytes: Number(rows[0]?.bytes) })
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  if (audit.findingCount > 0 || audit.entries !== BigInt(entries)) process.exitCode = 1
} finally {
  await pool.end()
  await server.stop()
  if (values.data === undefined) await rm(folder, { recursive: true, force: true })
}

async function isEmpty(): Promise<boolean> {
  const { rows } = await pool.query<{ log: string | null }>(`select to_regclass('log') as log`)
  return rows[0]?.log === null || (await pool.query('select from log')).rowCount === 0
}

/** A certificate as every signer gets it, from the stack whose log is filled then. */
async function signedProposal(): Promise<unknown> {
  const email = 'bench@example.org'
  const stack = await startStackProcess({
    dataDirectory: path.join(folder, 'stack'),
    environment: { DATABASE_URL: server.connectionString },
  })
  try {
    const { ca = '' } = stack.endpoints.services
    const issued = await obtainCertificate(ca, await trialToken(stack.endpoints, email), email)
    return JSON.parse(hashedrekordBody(issued))
  } finally {
    await stack.stop()
  }
}

async function timed<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const began = performance.now()
  const result = await work()
  const seconds = (performance.now() - began) / 1000
  process.stderr.write('\n')
  say(`${name.padEnd(9)} ${seconds.toFixed(1)} s, ${Math.round(entries / seconds)} entries/s`)
  report[`${name}Seconds`] = seconds
  return result
}

function tellProgress(verb: string): (done: bigint, total: bigint) => void {
  let next = 0n
  return (done, total) => {
    if (done < next) return
    next = done + 50_000n
    process.stderr.write(`\r${verb} ${done} of ${total} `)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
