/** The rooms about the log, the trust and the services. */
import t from 'tap'
import { createGrowthSource } from '../src/log/growth.ts'
import { pastOfV1 } from '../src/log/past.ts'
import { parseMetrics, quantileOf, sumOf } from '../src/sources/metrics.ts'
import { createRekor, type Rekor } from '../src/sources/rekor.ts'
import { openConsole, openLog, signedEntry } from './workshop.ts'

const entries = Array.from({ length: 3 }, (_, at) => ({
  body: { apiVersion: '0.0.1', kind: 'rekord', spec: { at } },
}))

const text = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(url, { headers })).text()

t.test('the log tells its size, its trees, and who signed its head', async (t) => {
  const log = await openLog(t, entries)
  const { url } = await openConsole(t, log)
  const page = await text(`${url}/log`)
  t.match(page, 'The Rekor log holds <strong>3</strong> entries in one tree')
  t.match(page, /<span class="state verified">.*?<td>log\.example<\/td>.*?<td>the log<\/td>/s)
  t.match(await text(`${url}/log/tail`), `/entry/${log.uuids[2]}`)
  t.match(page, 'Rekor: entries an hour as a table')
})

t.test('how the log grew is asked once for all who look at the same time', async (t) => {
  const ofV2 = { log: 'rekor-v2', origin: 'v2.example', logIndex: 1_000, integratedTime: 1, kind: 'dsse' }
  const beside = [{ ...ofV2, subjects: [], issuers: [], keyHashes: [] }]
  const log = await openLog(t, entries, { beside })
  const asked: unknown[] = []
  const rekor = createRekor(log.url)
  const counting: Rekor = {
    ...rekor,
    search: (query, logs) => {
      asked.push(query)
      return rekor.search(query, logs)
    },
  }
  const growth = createGrowthSource(pastOfV1(counting), () => Date.parse('2026-03-04T10:00:00Z'))
  await growth.current()
  const once = asked.length
  const looks = await Promise.all([growth.current(), growth.current()])
  t.ok(once > 0)
  t.equal(asked.length, once)
  t.equal(looks[0]?.value?.days.length, 30)
  t.equal(looks[0]?.value?.hours.at(-1)?.entries, 1n, 'an index of another log is none of this one')
})

t.test('a head that a known key has not signed is told so', async (t) => {
  const log = await openLog(t, entries)
  const other = await openLog(t, entries)
  const { url } = await openConsole(t, { url: log.url, trustedRoot: other.trustedRoot })
  t.match(await text(`${url}/log`), /<span class="state unchecked">.*?<td>not known here<\/td>/s)
})

t.test('the trust says what ends first, and what runs that is not published', async (t) => {
  const { root } = await signedEntry('alice!example.org')
  const log = await openLog(t, entries, { roots: [root] })
  const { url } = await openConsole(t, log)
  const page = await text(`${url}/trust`)
  t.match(page, '2 keys and chains are published')
  t.match(page, /<td>Rekor<\/td><td><span class="state verified">/)
  t.equal(await text(`${url}/trust/trusted_root.json`), log.trustedRoot)

  const other = await openLog(t, entries)
  const elsewhere = await openConsole(t, { url: log.url, trustedRoot: other.trustedRoot })
  t.match(await text(`${elsewhere.url}/trust`), /<td>Rekor<\/td><td><span class="state failed">/)

  const none = await openConsole(t, { url: log.url, trustedRoot: '{}' })
  t.match(await text(`${none.url}/trust`), 'There is no trusted root here')
})

t.test('a service that does not answer is told, details to operators alone', async (t) => {
  const log = await openLog(t, entries)
  const gone = { CONSOLE_CT_URL: 'http://127.0.0.1:9' }
  const open = await openConsole(t, log, gone)
  const page = await text(`${open.url}/health`)
  t.match(page, 'not well: <strong>')
  t.match(page, 'http://127.0.0.1:9')
  const access = { CONSOLE_ACCESS: 'header', CONSOLE_OPERATORS: 'olga', CONSOLE_TRUSTED_PROXIES: '127.0.0.1' }
  const { url } = await openConsole(t, log, { ...gone, ...access })
  t.notMatch(await text(`${url}/health`, { 'x-forwarded-user': 'rita' }), 'http://127.0.0.1:9')
  t.match(await text(`${url}/health`, { 'x-forwarded-user': 'olga' }), 'http://127.0.0.1:9')
  t.match(await text(`${open.url}/issuers`), 'told of no certificate authority')
})

t.test('figures are read as Prometheus writes them', async (t) => {
  const metrics = parseMetrics(`# HELP a_total A
a_total{code="200",route="/x"} 7
a_total{code="500",route="/x"} 1
d_seconds_bucket{route="/x",le="0.1"} 5
d_seconds_bucket{route="/y",le="0.1"} 4
d_seconds_bucket{route="/x",le="1"} 5
d_seconds_bucket{route="/y",le="1"} 5
d_seconds_bucket{route="/x",le="+Inf"} 5
d_seconds_bucket{route="/y",le="+Inf"} 5
nonsense
`)
  t.equal(sumOf(metrics, 'a_total'), 8)
  t.equal(
    sumOf(metrics, 'a_total', ({ code }) => code === '500'),
    1,
  )
  t.equal(quantileOf(metrics, 'd_seconds', 0.9), 0.1)
  t.equal(quantileOf(metrics, 'd_seconds', 0.99), 1)
  t.equal(quantileOf(metrics, 'missing', 0.5), undefined)
})
