/** Appends with the search follower at work and without, in turns, so that both have the same machine. */

import { closedLoop } from '../../support/load.ts'
import { median } from '../../support/median.ts'
import { type Bench, measured } from '../bench-context.ts'
import { followerBacklog, holdFollower, untilFollowed } from '../follower.ts'
import { openAppender } from './appends.ts'

const clients = 64
const rounds = 5

export async function benchFollower(bench: Bench): Promise<void> {
  const { pool, report, seconds } = bench
  const { url, prepare } = await openAppender(bench, 'hashedrekord')
  report.header(
    `follower      hashedrekord, ${clients} clients, with the search follower and without, in turns`,
  )
  const perSecond = { with: [] as number[], without: [] as number[] }
  for (let round = 1; round <= rounds; round++) {
    for (const which of ['without', 'with'] as const) {
      const next = prepare(seconds * 8000)
      const release = which === 'without' ? await holdFollower(pool) : undefined
      const load = { url, seconds, status: 201, clients, next }
      const result = await measured(bench, () => closedLoop(load))
      const backlog = await followerBacklog(pool)
      await release?.()
      report.row(`${which} follower`, result, { kind: 'follower', which, round, backlog })
      perSecond[which].push(result.perSecond)
      if (which === 'with') report.say(`    ${backlog} entries behind at the end`)
      await untilFollowed(pool)
    }
  }
  const [withIt, withoutIt] = [median(perSecond.with), median(perSecond.without)]
  report.say(
    `median      ${withIt.toFixed(0)}/s with, ${withoutIt.toFixed(0)}/s without: ${percent(withIt / withoutIt - 1)}`,
  )
}

export function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`
}
