/** Entries with their inclusion proofs, read through HTTP from the one process that serves them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeRequest } from '../../support/http-socket.ts'
import { closedLoop } from '../../support/load.ts'
import { type Bench, createAnswers, measured } from '../bench-context.ts'
import { fillTo, openAppender } from './appends.ts'

const clients = 64
/** What is read again and again; the log is filled to hold them. */
const popular = 4_000
/** Enough for the tree to have tiles on two levels. */
const leastEntries = 20_000

export async function benchReads(bench: Bench): Promise<void> {
  const { pool, report, seconds } = bench
  const appender = await openAppender(bench, 'hashedrekord')
  const size = await fillTo(bench, appender, leastEntries)
  const { origin } = appender.url
  const { faultOf, verify } = await createAnswers(origin)
  report.header(`proof reads   an entry with SET, proof and checkpoint by its index; ${size} entries`)
  const rows = [
    { name: `${popular} popular entries`, indexes: Array.from({ length: popular }, (_, i) => size - 1 - i) },
    {
      name: 'entries anywhere',
      indexes: Array.from({ length: 50_000 }, () => Math.floor(Math.random() * size)),
    },
  ]
  for (const { name, indexes } of rows) {
    const url = new URL('/api/v1/log/entries', origin)
    const requests = indexes.map((index) => encodeRequest('GET', new URL(`?logIndex=${index}`, url)))
    let at = 0
    const next = (): Buffer | undefined => requests[at++ % requests.length]
    // Once beforehand: the first reader of an entry pays for those after him.
    await closedLoop({ url, seconds: 2, status: 200, next, clients })
    const queriesBefore = await queries()
    const result = await measured(bench, () =>
      closedLoop({ url, seconds, status: 200, next, clients, faultOf }),
    )
    report.row(name, result, { kind: 'read', name })
    const asked = (await queries()) - queriesBefore
    report.say(
      `    ${asked} transactions of the database in row and pauses, some ten a second of them the idle stack's`,
    )
    report.keep({ kind: 'read queries', name, asked })
  }
  report.say(`verified    ${await verify()} of the answers: SET, proof, checkpoint`)

  async function queries(): Promise<number> {
    // Backends tell what they did after ten seconds of rest at the latest.
    await sleep(11_000)
    const { rows } = await pool.query<{ count: bigint }>(
      'select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()',
    )
    return Number(rows[0]?.count)
  }
}
