/** Appends through HTTP: hashedrekord and dsse, closed and open loop, and what an entry takes on the disk. */
import type { Pool } from '@sigstack/postgres'
import { bodyOf } from '../../support/http-socket.ts'
import { closedLoop, openLoop } from '../../support/load.ts'
import { dsseRequest, hashedrekordRequest, type Issued, obtainCertificate } from '../../support/requests.ts'
import { trialToken } from '../../support/stack-process.ts'
import { type Bench, createAnswers, email, measured } from '../bench-context.ts'
import { untilFollowed } from '../follower.ts'

export type AppendOptions = {
  readonly clients: readonly number[]
  /** Requests a second. */
  readonly rates: readonly number[]
}

/** Requests signed before the clock starts, each new to the log. */
export type Appender = {
  readonly url: URL
  make(): Buffer
  prepare(count: number): () => Buffer | undefined
}

export async function openAppender(
  { stack }: Pick<Bench, 'stack'>,
  kind: 'hashedrekord' | 'dsse',
): Promise<Appender> {
  const { endpoints } = stack()
  const { ca = '', rekor = '' } = endpoints.services
  const issued: Issued = await obtainCertificate(ca, await trialToken(endpoints, email), email)
  const url = new URL(`${rekor}/api/v1/log/entries`)
  const make = () => (kind === 'dsse' ? dsseRequest(url, issued) : hashedrekordRequest(url, issued))
  return {
    url,
    make,
    prepare: (count) => {
      const requests = Array.from({ length: count }, make)
      return () => requests.pop()
    },
  }
}

export async function benchAppends(
  bench: Bench,
  kind: 'hashedrekord' | 'dsse',
  { clients: allClients, rates }: AppendOptions,
): Promise<ReadonlyMap<number, number>> {
  const { pool, report, seconds } = bench
  const appender = await openAppender(bench, kind)
  const { url, prepare } = appender
  const { faultOf, verify } = await createAnswers(url.origin)
  const before = await stored(pool)
  report.header(
    `${kind.padEnd(12)}  ${appender.make().length} bytes a request, verified, duplicate check on; SET + proof + checkpoint in the answer; search follows; ${before.entries} entries at start`,
  )
  const perSecondOf = new Map<number, number>()
  for (const clients of allClients) {
    const next = prepare(Math.ceil(seconds * (clients === 1 ? 1500 : 8000)))
    const load = { url, seconds, status: 201, clients, next, faultOf }
    const result = await measured(bench, () => closedLoop(load))
    report.row(`closed loop, ${clients} clients`, result, { kind, clients })
    perSecondOf.set(clients, result.perSecond)
  }
  for (const perSecond of rates) {
    const next = prepare(seconds * perSecond)
    const load = { url, seconds, status: 201, perSecond, connections: 64, next, faultOf }
    report.row(`open loop, ${perSecond}/s`, await measured(bench, () => openLoop(load)), { kind, perSecond })
  }
  report.say(`verified    ${await verify()} of the answers: SET, proof, checkpoint`)
  const followedSeconds = await untilFollowed(pool)
  report.say(`search      showed every entry ${followedSeconds.toFixed(1)} s after the last row`)
  await sayStored(bench, kind, appender, before)
  return perSecondOf
}

/** Fills the log where it has fewer entries. How many it has then. */
export async function fillTo(bench: Bench, appender: Appender, least: number): Promise<number> {
  const missing = least - (await sizeOfLog(bench.pool))
  if (missing > 0) await fill(bench, appender, missing)
  return sizeOfLog(bench.pool)
}

/** Entries of the log of Rekor v1. */
async function sizeOfLog(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ size: bigint }>(
    `select sum(tree_size)::bigint as size from log where coalesce(series, name) = 'rekor-v1'`,
  )
  return Number(rows[0]?.size)
}

/** Fills the log through HTTP, and waits until search shows it all. */
export async function fill(bench: Bench, { url, prepare }: Appender, entries: number): Promise<void> {
  const began = performance.now()
  for (let sent = 0; sent < entries; ) {
    const count = Math.min(20_000, entries - sent)
    const load = { url, seconds: 3600, status: 201, clients: 128, next: prepare(count) }
    const { failed, firstFailure } = await closedLoop(load)
    if (failed > 0) throw new Error(`filling failed: ${firstFailure}`)
    sent += count
    const seconds = Math.round((performance.now() - began) / 1000)
    process.stderr.write(`\rfilling the log: ${sent} of ${entries}, ${seconds} s `)
  }
  process.stderr.write('\n')
  const seconds = await untilFollowed(bench.pool)
  bench.report.say(`\nfilled with ${entries} entries; search had caught up ${seconds.toFixed(0)} s later`)
}

type Stored = { readonly entries: number; readonly bytes: number }

async function sayStored(bench: Bench, kind: string, appender: Appender, before: Stored): Promise<void> {
  const after = await stored(bench.pool)
  const perEntry = (after.bytes - before.bytes) / (after.entries - before.entries)
  const body = await canonicalBodyBytes(appender)
  bench.report.say(
    `stored      ${perEntry.toFixed(0)} bytes an entry with tiles and indexes, ${(perEntry / body).toFixed(2)} × the canonical body of ${body}; ${after.entries} entries at the end`,
  )
  bench.report.keep({ kind: `stored ${kind}`, perEntry, body, entries: after.entries })
}

/** What the database holds, all tables and indexes of it; the CT log has a few entries beside. */
async function stored(db: Pool): Promise<Stored> {
  const { rows } = await db.query<{ entries: bigint; bytes: bigint }>(`
    select (select tree_size from log where name = 'rekor-v1') as entries,
           (select sum(pg_total_relation_size(oid))::bigint from pg_class
             where relkind = 'r' and relnamespace = current_schema()::regnamespace) as bytes`)
  const [row] = rows
  return { entries: Number(row?.entries), bytes: Number(row?.bytes) }
}

async function canonicalBodyBytes({ url, make }: Appender): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: bodyOf(make()) })
  const [entry] = Object.values((await answer.json()) as Record<string, { body: string }>)
  return Buffer.from(entry?.body ?? '', 'base64').length
}
