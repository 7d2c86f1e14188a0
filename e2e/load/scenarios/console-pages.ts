/** Pages of the console over the log that is there, at the rate of many readers: how long each waits, and what it costs. */
import { type LogEntry, readLogEntriesAt } from '@sigstack/log-engine'
import { encodeRequest } from '../../support/http-socket.ts'
import { openLoop } from '../../support/load.ts'
import { createRandom } from '../../support/random.ts'
import { type Bench, email, measured } from '../bench-context.ts'
import { fillTo, openAppender } from './appends.ts'

const perSecond = 100
const connections = 32
/** Anywhere in the log; each is asked for once in a row, and none was read before it is. */
const entries = 1_500
const leastEntries = 20_000
/** Before a row: the code of its page is compiled by then, as in a console that has served for a while. */
const warmUpSeconds = 5
const asBrowsersDo = { Accept: 'text/html', 'Accept-Encoding': 'gzip' }

export async function benchConsolePages(bench: Bench): Promise<void> {
  const { report, seconds } = bench
  const appender = await openAppender(bench, 'hashedrekord')
  const size = await fillTo(bench, appender, leastEntries)
  const { console: pages = '' } = bench.stack().endpoints.services
  const base = new URL(pages)
  const random = createRandom(13)
  const indexes = Array.from({ length: entries }, () => random.below(size))
  const others = Array.from({ length: entries }, () => BigInt(random.below(size)))
  const digests = (await readLogEntriesAt(bench.pool, 'rekor-v1', others)).map(digestOf)
  report.header(`console       pages at ${perSecond}/s, as browsers ask for them; ${size} entries`)
  const rows = {
    'an entry': indexes.map((index) => `/entry/${index}`),
    'a search for a digest': digests.map((digest) => `/search?q=sha256:${digest}`),
    'a name of most entries': [`/search?q=${encodeURIComponent(email)}`],
    'the front page': ['/'],
  }
  for (const [name, paths] of Object.entries(rows)) {
    const requests = paths.map((each) => encodeRequest('GET', new URL(each, base), undefined, asBrowsersDo))
    let at = 0
    const next = () => requests[at++ % requests.length]
    const load = { url: base, status: 200, perSecond, connections, next }
    await openLoop({ ...load, seconds: warmUpSeconds })
    report.row(name, await measured(bench, () => openLoop({ ...load, seconds })), { kind: 'console', name })
  }
}

function digestOf(entry: LogEntry | undefined): string {
  const { spec } = JSON.parse(Buffer.from(entry?.leaf ?? []).toString()) as {
    spec: { data?: { hash: { value: string } }; payloadHash?: { value: string } }
  }
  return spec.data?.hash.value ?? spec.payloadHash?.value ?? ''
}
