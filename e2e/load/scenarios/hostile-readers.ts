/** What writers notice of readers who ask for the dearest things without a pause: in turns with them and without. */
import { tileWidth } from '@sigstack/merkle'
import { encodeRequest } from '../../support/http-socket.ts'
import { closedLoop, openLoop } from '../../support/load.ts'
import { median } from '../../support/median.ts'
import { dsseRequest, obtainCertificate } from '../../support/requests.ts'
import { trialToken } from '../../support/stack-process.ts'
import { type Bench, email, measured } from '../bench-context.ts'
import { fill, openAppender } from './appends.ts'

const rounds = 5
const readers = 20
const perSecond = 300
/** Entries near the most that is logged: a full bundle of them has some 15 MB. */
const largeEntries = 600
const signaturesOfLarge = 30

/** @param entries That one search key finds, at least. */
export async function benchHostileReaders(bench: Bench, entries: number): Promise<void> {
  const { report, seconds } = bench
  const appender = await openAppender(bench, 'hashedrekord')
  const { url, prepare } = appender
  await fillLarge(bench, url)
  await fill(bench, appender, entries)
  report.header(
    `readers       hashedrekord at ${perSecond}/s, alone and beside ${readers} readers: a search key of ${entries} entries, bundles of large entries, packed and plain`,
  )
  const requests = [
    encodeRequest('POST', new URL('/api/v1/index/retrieve', url), JSON.stringify({ email })),
    ...[0, 1].flatMap((index) => {
      const tile = new URL(`/tile/entries/00${index}`, url)
      return [encodeRequest('GET', tile, '', { 'Accept-Encoding': 'gzip' }), encodeRequest('GET', tile)]
    }),
  ]
  const p99 = { alone: [] as number[], beside: [] as number[] }
  for (let round = 1; round <= rounds; round++) {
    for (const which of ['alone', 'beside'] as const) {
      const next = prepare(seconds * perSecond)
      let at = round
      let reading = which === 'beside'
      const read = closedLoop({
        url,
        seconds: 3600,
        status: 200,
        clients: readers,
        next: () => (reading ? requests[at++ % requests.length] : undefined),
      })
      const load = { url, seconds, status: 201, perSecond, connections: 64, next }
      const result = await measured(bench, () => openLoop(load))
      reading = false
      const { answered, failed, firstFailure } = await read
      report.row(which, result, { kind: 'readers', which, round })
      if (which === 'beside') report.say(`    ${answered} reads, ${failed} refused: ${firstFailure ?? '-'}`)
      p99[which].push(result.p99)
    }
  }
  const ratios = p99.beside.map((ms, i) => ms / (p99.alone[i] ?? Number.NaN))
  report.say(`p99         ${median(ratios).toFixed(2)} times with them, the median of ${rounds} rounds`)
}

/** So that they fill whole tiles, the first ones of the log. */
async function fillLarge(bench: Bench, url: URL): Promise<void> {
  const { endpoints } = bench.stack()
  const issued = await obtainCertificate(
    endpoints.services.ca ?? '',
    await trialToken(endpoints, email),
    email,
  )
  let missing = largeEntries
  const next = () => (missing-- > 0 ? dsseRequest(url, issued, { signatures: signaturesOfLarge }) : undefined)
  const { failed, firstFailure } = await closedLoop({ url, seconds: 600, status: 201, clients: 4, next })
  if (failed > 0) throw new Error(`filling failed: ${firstFailure}`)
  const bundle = await fetch(new URL(`/tile/entries/000`, url))
  const bytes = (await bundle.arrayBuffer()).byteLength
  bench.report.say(
    `\na bundle of ${tileWidth} large entries has ${(bytes / 1e6).toFixed(1)} MB (${bundle.status})`,
  )
}
