/** What writers notice of readers who take full entry bundles as fast as they come: in turns with them and without. */
import { tileWidth } from '@sigstack/merkle'
import { encodeRequest } from '../../support/http-socket.ts'
import { openLoop } from '../../support/load.ts'
import { median } from '../../support/median.ts'
import { type Bench, measured } from '../bench-context.ts'
import { startReading } from '../read-loop.ts'
import { fill, openAppender } from './appends.ts'

const rounds = 5
const clients = 4
const perSecond = 500
const bundles = 8
const forms = { gzipped: { 'Accept-Encoding': 'gzip' }, plain: {} } as const

export async function benchBundleReaders(bench: Bench): Promise<void> {
  const { report, seconds } = bench
  const appender = await openAppender(bench, 'hashedrekord')
  const { url, prepare } = appender
  await fill(bench, appender, bundles * tileWidth)
  for (const [form, headers] of Object.entries(forms)) {
    report.header(
      `bundles       hashedrekord at ${perSecond}/s, alone and beside ${clients} readers of full bundles, ${form}`,
    )
    const requests = Array.from({ length: bundles }, (_, index) =>
      encodeRequest('GET', new URL(`/tile/entries/00${index}`, url), undefined, headers),
    )
    const times = { p50: [] as number[], p99: [] as number[] }
    for (let round = 1; round <= rounds; round++) {
      const append = () => {
        const load = {
          url,
          seconds,
          status: 201,
          perSecond,
          connections: 64,
          next: prepare(seconds * perSecond),
        }
        return measured(bench, () => openLoop(load))
      }
      const alone = await append()
      report.row('alone', alone, { kind: 'bundle readers', form, which: 'alone', round })
      const stop = startReading({ url: url.href, clients, requests })
      const beside = await append()
      const read = await stop()
      report.row('beside', beside, { kind: 'bundle readers', form, which: 'beside', round, read })
      report.say(`    ${read.perSecond.toFixed(0)} bundles a second, ${read.failed} refused`)
      for (const time of ['p50', 'p99'] as const) times[time].push(beside[time] / alone[time])
    }
    const [p50, p99] = [median(times.p50), median(times.p99)]
    report.say(
      `${form.padEnd(12)}p50 ${p50.toFixed(2)} and p99 ${p99.toFixed(2)} times with them, medians of ${rounds} rounds`,
    )
  }
}
