/** Appends with live tails of the console open and without, in turns; and how long an entry takes to come on a tail. */
import { closedLoop } from '../../support/load.ts'
import { median } from '../../support/median.ts'
import { type Bench, measured } from '../bench-context.ts'
import { openTail, openTails } from '../tails.ts'
import { openAppender } from './appends.ts'
import { percent } from './with-follower.ts'

const tails = 50
const clients = 64
/** Of a turn: so short that what else the machine does falls on both. */
const turnSeconds = 2
/** More than are answered in a turn. */
const mostAppends = 16_000
/** Each is awaited before the next. */
const awaited = 60

export async function benchTails(bench: Bench, rounds: number): Promise<void> {
  const { report } = bench
  const { url, prepare, make } = await openAppender(bench, 'hashedrekord')
  const events = `${bench.stack().endpoints.services['console']}/log/events?log=rekor-v1`
  report.header(
    `tails         hashedrekord, ${clients} clients, with ${tails} tails and without, in turns of ${turnSeconds} s`,
  )
  const append = () => {
    const next = prepare(mostAppends)
    return measured(bench, () => closedLoop({ url, seconds: turnSeconds, status: 201, clients, next }))
  }
  const turns = {
    without: append,
    with: async () => {
      const open = await openTails({ url: events, count: tails })
      const result = await append()
      const bytes = await open.end()
      report.say(`    ${(bytes / turnSeconds / 1e6).toFixed(1)} MB a second went to the tails`)
      return result
    },
  }
  await append()
  const rates: number[] = []
  const times: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const results = { with: Number.NaN, without: Number.NaN }
    const costs = { ...results }
    // Neither is always the one that follows the other's clean-up.
    for (const which of round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
      const result = await turns[which]()
      report.row(`${which} tails`, result, { kind: 'tails', which, round })
      results[which] = result.perSecond
      costs[which] = result.cost.stack + result.cost.database
    }
    rates.push(results.with / results.without)
    times.push(costs.with / costs.without)
  }
  report.say(
    `median      appends ${percent(median(rates) - 1)} with them, processor time of one ${percent(median(times) - 1)}; ${rounds} rounds`,
  )
  await sayDelays(bench, url, make, events)
}

async function sayDelays({ report }: Bench, url: URL, make: () => Buffer, events: string): Promise<void> {
  const tail = await openTail(events)
  let newest = -1
  let told = (): void => {}
  let rest = ''
  tail.setEncoding('utf8').on('data', (part: string) => {
    rest += part
    for (const [, id] of rest.matchAll(/^id: (\d+)\n/gm)) newest = Math.max(newest, Number(id))
    rest = rest.slice(rest.lastIndexOf('\n') + 1)
    told()
  })
  const delays: number[] = []
  // The first look of a tail is what it begins behind.
  let index = -1
  for (let at = -1; at < awaited; at++) {
    const next = oneOf(make)
    await closedLoop({
      url,
      seconds: 60,
      status: 201,
      clients: 1,
      next,
      faultOf: (body) => {
        index = Number(/"logIndex":(\d+)/.exec(body.toString())?.[1])
        return undefined
      },
    })
    const began = performance.now()
    while (newest < index)
      await new Promise<void>((resolve) => {
        told = resolve
      })
    if (at >= 0) delays.push(performance.now() - began)
  }
  tail.destroy()
  const sorted = delays.toSorted((a, b) => a - b)
  const [half, most] = [median(sorted), sorted.at(-1) ?? Number.NaN]
  report.say(
    `tail        an entry came ${half.toFixed(0)} ms after its answer, at most ${most.toFixed(0)} ms; ${awaited} one after another`,
  )
  report.keep({ kind: 'tail delay', half, most, awaited })
}

function oneOf(make: () => Buffer): () => Buffer | undefined {
  let left = 1
  return () => (left-- > 0 ? make() : undefined)
}
