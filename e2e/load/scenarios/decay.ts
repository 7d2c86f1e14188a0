/** Appends into an empty log and into a large one, search having caught up before each. */
import type { Bench } from '../bench-context.ts'
import { type AppendOptions, benchAppends, fill, openAppender } from './appends.ts'
import { percent } from './with-follower.ts'

export async function benchDecay(bench: Bench, entries: number, options: AppendOptions): Promise<void> {
  const small = await benchAppends(bench, 'hashedrekord', options)
  await fill(bench, await openAppender(bench, 'hashedrekord'), entries)
  const large = await benchAppends(bench, 'hashedrekord', options)
  for (const [clients, perSecond] of large) {
    const change = percent(perSecond / (small.get(clients) ?? Number.NaN) - 1)
    bench.report.say(`change      ${clients} clients: ${change} with ${entries} entries more`)
  }
}
