/** Pages of the console over the log that is there, at the rate of many readers: how long each waits, and what it costs. */
import { encodeRequest } from '../../support/http-socket.ts'
import { openLoop } from '../../support/load.ts'
import { createRandom } from '../../support/random.ts'
import { type Bench, email, measured } from '../bench-context.ts'
import { fillTo, openAppender } from './appends.ts'

const perSecond = 100
const connections = 32
/** Anywhere in the log; each is asked for once in a row. */
const entries = 1_000
const leastEntries = 20_000
const asBrowsersDo = { Accept: 'text/html', 'Accept-Encoding': 'gzip' }

export async function benchConsolePages(bench: Bench): Promise<void> {
  const { report, seconds } = bench
  const appender = await openAppender(bench, 'hashedrekord')
  const size = await fillTo(bench, appender, leastEntries)
  const { console: pages = '' } = bench.stack().endpoints.services
  const base = new URL(pages)
  const random = createRandom(13)
  const indexes = Array.from({ length: entries }, () => random.below(size))
  const digests = await Promise.all(indexes.map((index) => digestOf(new URL(appender.url), index)))
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
    // What is loaded at the first page is loaded before.
    await openLoop({ ...load, seconds: 1 })
    report.row(name, await measured(bench, () => openLoop({ ...load, seconds })), { kind: 'console', name })
  }
}

async function digestOf(url: URL, index: number): Promise<string> {
  const answer = await fetch(new URL(`?logIndex=${index}`, url))
  const [entry] = Object.values((await answer.json()) as Record<string, { body: string }>)
  const { spec } = JSON.parse(Buffer.from(entry?.body ?? '', 'base64').toString()) as {
    spec: { data?: { hash: { value: string } }; payloadHash?: { value: string } }
  }
  return spec.data?.hash.value ?? spec.payloadHash?.value ?? ''
}
