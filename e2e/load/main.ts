/**
 * `npm run bench`: appends and issuances through HTTP against a stack started for it, on the same machine. Everything is durable as in
 * production; what the numbers depend on is printed with them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createPool, durability, type Pool, startEmbeddedPostgres } from '@sigstack/postgres'
import { type StackProcess, startStackProcess, trialToken } from '../support/stack-process.ts'
import { makeCaKeys } from './ca-keys.ts'
import { measureFsync } from './disk.ts'
import { bodyOf, encodeRequest } from './http-socket.ts'
import { closedLoop, type LoadResult, openLoop } from './load.ts'
import { memoryOfTree } from './memory.ts'
import { hashedrekordRequest, type Issued, obtainCertificate, signingRequest } from './requests.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'appends,certificates,start' },
    clients: { type: 'string', default: '1,16,64' },
    rates: { type: 'string', default: '500,1000' },
    'certificate-clients': { type: 'string', default: '1,16,64' },
    'certificate-rates': { type: 'string', default: '200,400' },
    'ca-curve': { type: 'string', default: 'P-256' },
    seconds: { type: 'string', default: '5' },
    prefill: { type: 'string', default: '0' },
    data: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const header =
  '                               answered   failed      per s     p50 ms    p95 ms    p99 ms    max ms'
const seconds = Number(values.seconds)
const numbers = (list: string): number[] => list.split(',').map(Number)
const only = values.only.split(',')
const email = 'bench@example.org'
const report: Record<string, unknown>[] = []

const folder = values.data ?? (await mkdtemp(path.join(tmpdir(), 'sigstack-bench-')))
// An own database, so that its size can be read from here.
const server = process.env.DATABASE_URL
  ? undefined
  : await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
const databaseUrl = process.env.DATABASE_URL ?? server?.connectionString ?? ''
const pool = createPool({ connectionString: databaseUrl, maxConnections: 2 })
const environment = { DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' }
const { 'ca-curve': caCurve } = values
if (caCurve !== 'P-256' && caCurve !== 'P-384')
  throw new Error(`--ca-curve ${caCurve} is neither P-256 nor P-384`)
if (caCurve !== 'P-256') {
  if (values.data !== undefined) throw new Error('--ca-curve needs a folder of its own; leave --data out')
  await makeCaKeys(path.join(folder, 'stack'), caCurve)
}
const start = () => startStackProcess({ dataDirectory: path.join(folder, 'stack'), environment })
let stack = await start()
try {
  await printConditions()
  if (only.includes('appends')) await benchAppends(stack)
  if (only.includes('certificates')) await benchCertificates(stack)
  if (only.includes('start')) await benchStart()
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
} finally {
  await stack.stop()
  await pool.end()
  await server?.stop()
  if (values.data === undefined) await rm(folder, { recursive: true, force: true })
}

async function printConditions(): Promise<void> {
  const fsync = await measureFsync(folder)
  const { version, fsync: fsyncSetting, synchronousCommit, fullPageWrites } = await durability(pool)
  say(
    `machine     ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB; generator, stack and database share it`,
  )
  say(`disk        4 KiB append + fdatasync: p50 ${fsync.p50.toFixed(2)} ms, p99 ${fsync.p99.toFixed(2)} ms`)
  say(
    `database    PostgreSQL ${version}, fsync=${fsyncSetting}, synchronous_commit=${synchronousCommit}, full_page_writes=${fullPageWrites}`,
  )
  say(`versions    Node ${process.version}, OpenSSL ${process.versions.openssl}`)
  report.push({ fsync, version, fsyncSetting, synchronousCommit, fullPageWrites, node: process.version })
}

async function benchAppends({ endpoints }: StackProcess): Promise<void> {
  const { ca = '', rekor = '' } = endpoints.services
  const url = new URL(`${rekor}/api/v1/log/entries`)
  const issued = await obtainCertificate(ca, await trialToken(endpoints, email), email)
  const prefill = Number(values.prefill)
  if (prefill > 0) await fill(url, issued, prefill)
  const before = await stored(pool)
  say(
    `\nhashedrekord  ${bodyBytes(url, issued)} bytes a request, signature verified, duplicate check on, SET + proof + checkpoint in the answer; ${before.entries} entries at start`,
  )
  say(header)
  for (const clients of numbers(values.clients)) {
    const load = {
      url,
      seconds,
      status: 201,
      next: prepared(url, issued, Math.ceil(seconds * (clients === 1 ? 1500 : 7000))),
    }
    row(`closed loop, ${clients} clients`, await closedLoop({ ...load, clients }), {
      kind: 'append',
      clients,
    })
  }
  for (const perSecond of numbers(values.rates)) {
    const load = { url, seconds, status: 201, next: prepared(url, issued, seconds * perSecond) }
    row(`open loop, ${perSecond}/s`, await openLoop({ ...load, perSecond, connections: 64 }), {
      kind: 'append',
      perSecond,
    })
  }
  const after = await stored(pool)
  const perEntry = (after.bytes - before.bytes) / (after.entries - before.entries)
  const body = await canonicalBodyBytes(url, issued)
  say(
    `stored      ${perEntry.toFixed(0)} bytes an entry with tiles and indexes, ${(perEntry / body).toFixed(2)} × the canonical body of ${body}; ${after.entries} entries at the end`,
  )
  report.push({ kind: 'stored', perEntry, body, entries: after.entries })
}

async function benchCertificates({ endpoints }: StackProcess): Promise<void> {
  const url = new URL(`${endpoints.services.ca}/api/v2/signingCert`)
  const tokens = await Promise.all(Array.from({ length: 16 }, () => trialToken(endpoints, email)))
  const requests = Array.from({ length: 512 }, (_, i) =>
    encodeRequest('POST', url, signingRequest(tokens[i % tokens.length] as string, email).body),
  )
  let at = 0
  const next = (): Buffer | undefined => requests[at++ % requests.length]
  say(
    `\ncertificates  RS256 token, proof of possession, CA of ${caCurve}, SCT logged durably by the CT log of the same stack`,
  )
  say(header)
  for (const clients of numbers(values['certificate-clients'])) {
    const result = await closedLoop({ url, seconds, status: 200, next, clients })
    row(`closed loop, ${clients} clients`, result, { kind: 'certificate', caCurve, clients })
  }
  for (const perSecond of numbers(values['certificate-rates'])) {
    const result = await openLoop({ url, seconds, status: 200, next, perSecond, connections: 64 })
    row(`open loop, ${perSecond}/s`, result, { kind: 'certificate', caCurve, perSecond })
  }
}

/** The start that finds its keys and its log again, and what the idle stack holds in memory. The database of the bench stays up. */
async function benchStart(): Promise<void> {
  await stack.stop()
  stack = await start()
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const memory = await memoryOfTree(stack.pid, server?.pid)
  say(`\nsecond start  ${stack.readyMs.toFixed(0)} ms to ready, without the database's own start`)
  say(
    `memory idle   ${memory.stack.toFixed(0)} MB the stack, ${memory.database.toFixed(0)} MB PostgreSQL (proportional set size)`,
  )
  report.push({ kind: 'start', readyMs: stack.readyMs, memory })
}

async function fill(url: URL, issued: Issued, entries: number): Promise<void> {
  let sent = 0
  for (const started = performance.now(); sent < entries; ) {
    const count = Math.min(20_000, entries - sent)
    const result = await closedLoop({
      url,
      seconds: 3600,
      status: 201,
      clients: 128,
      next: prepared(url, issued, count),
    })
    if (result.failed > 0) throw new Error(`filling failed: ${result.firstFailure}`)
    sent += count
    process.stderr.write(
      `\rfilling the log: ${sent} of ${entries}, ${Math.round((performance.now() - started) / 1000)} s `,
    )
  }
  process.stderr.write('\n')
}

/** `count` requests made now, so that signing them costs nothing while the clock runs. */
function prepared(url: URL, issued: Issued, count: number): () => Buffer | undefined {
  const requests = Array.from({ length: count }, () => hashedrekordRequest(url, issued))
  return () => requests.pop()
}

function bodyBytes(url: URL, issued: Issued): number {
  return hashedrekordRequest(url, issued).length
}

/** What the database holds, all tables and indexes of it; the CT log has a few entries beside. */
async function stored(db: Pool): Promise<{ entries: number; bytes: number }> {
  const { rows } = await db.query<{ entries: bigint; bytes: bigint }>(`
    select (select tree_size from log where name = 'rekor-v1') as entries,
           (select sum(pg_total_relation_size(oid))::bigint from pg_class
             where relkind = 'r' and relnamespace = current_schema()::regnamespace) as bytes`)
  const [row] = rows
  return { entries: Number(row?.entries), bytes: Number(row?.bytes) }
}

async function canonicalBodyBytes(url: URL, issued: Issued): Promise<number> {
  const body = bodyOf(hashedrekordRequest(url, issued))
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const [entry] = Object.values((await answer.json()) as Record<string, { body: string }>)
  return Buffer.from(entry?.body ?? '', 'base64').length
}

function row(name: string, result: LoadResult, more: Record<string, unknown>): void {
  const cells = [
    result.answered,
    result.failed,
    result.perSecond.toFixed(0),
    ...[result.p50, result.p95, result.p99, result.max].map((ms) => ms.toFixed(1)),
  ]
  say(`  ${name.padEnd(27)}${cells.map((cell) => String(cell).padStart(10)).join('')}`)
  if (result.firstFailure !== undefined) say(`    first failure: ${result.firstFailure}`)
  report.push({ ...more, ...result })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
