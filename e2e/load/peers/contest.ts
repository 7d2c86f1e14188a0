/**
 * Servers of several makers, all up at once and loaded in turns: what the machine does meanwhile falls on all of them. The first side
 * is ours; ratios are medians of those within a round.
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../../support/median.ts'
import { startProcessorTime } from '../processor-time.ts'
import type { Report } from '../report.ts'

/** Latencies in milliseconds. */
export type Turn = {
  readonly answered: number
  readonly failed: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly firstFailure: string | undefined
}

export type Side = {
  readonly name: string
  /** Of the servers; their children count too. */
  readonly pids: readonly number[]
}

export type Load<S extends Side> = {
  readonly name: string
  run(side: S): Promise<Turn>
}

/** `microseconds` of processor time an answer. */
export type Figures = { readonly [figure in (typeof figures)[number]]: number }

export type Row = Figures & {
  readonly side: string
  readonly failed: number
  readonly firstFailure: string | undefined
  /** Ours to this one. */
  readonly ratios: Figures
}

const figures = ['perSecond', 'p50', 'p99', 'microseconds'] as const
type Measured = Turn & Figures

export async function holdContest<S extends Side>(options: {
  readonly title: string
  readonly sides: readonly [S, ...S[]]
  readonly loads: readonly Load<S>[]
  readonly rounds: number
  readonly report: Report
}): Promise<void> {
  const { title, sides, loads, rounds, report } = options
  report.say(`\n${title}`)
  for (const load of loads) {
    // The first turn of each warms it up.
    for (const side of sides) await load.run(side)
    const turns = new Map<S, Measured[]>(sides.map((side) => [side, []]))
    for (const round of Array(rounds).keys())
      for (const side of inOrderOf(round, sides)) turns.get(side)?.push(await measure(load, side))
    const average = (loadavg()[0] ?? Number.NaN).toFixed(1)
    report.say(`  ${load.name}, ${rounds} rounds in turns, medians; load average ${average}`)
    const ours = turns.get(sides[0]) ?? []
    for (const side of sides) {
      const row = rowOf(side.name, turns.get(side) ?? [], ours)
      report.say(`    ${textOf(row, side === sides[0])}`)
      if (row.firstFailure !== undefined) report.say(`      first failure: ${row.firstFailure}`)
      report.keep({ kind: 'peer', title, load: load.name, rounds, loadAverage: average, ...row })
    }
  }
}

/** Nobody always follows the same one. */
export function inOrderOf<S>(round: number, sides: readonly S[]): readonly S[] {
  const first = round % sides.length
  return [...sides.slice(first), ...sides.slice(0, first)]
}

export function rowOf(side: string, turns: readonly Measured[], ours: readonly Measured[]): Row {
  const each = (of: (figure: (typeof figures)[number]) => number) =>
    Object.fromEntries(figures.map((figure) => [figure, of(figure)])) as Figures
  return {
    side,
    failed: turns.reduce((sum, { failed }) => sum + failed, 0),
    firstFailure: turns.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure,
    ...each((figure) => median(turns.map((turn) => turn[figure]))),
    ratios: each((figure) =>
      median(turns.map((turn, round) => (ours[round]?.[figure] ?? Number.NaN) / turn[figure])),
    ),
  }
}

/** What one side leaves behind, a flush or a clean-up, is not the next one's. */
const restMs = 200

async function measure<S extends Side>(load: Load<S>, side: S): Promise<Measured> {
  const spent = await startProcessorTime(side.pids)
  const turn = await load.run(side)
  await sleep(restMs)
  return { ...turn, microseconds: (await spent()) / turn.answered }
}

function textOf({ side, failed, ratios, ...row }: Row, isFirst: boolean): string {
  const told = `${side.padEnd(32)} ${rounded(row.perSecond)}/s  p50 ${rounded(row.p50)} ms  p99 ${rounded(row.p99)} ms  ${rounded(row.microseconds)} µs`
  const beside = isFirst
    ? ''
    : `   ours to it: ${share(ratios.perSecond)} a second, p50 ${share(ratios.p50)}, p99 ${share(ratios.p99)}, µs ${share(ratios.microseconds)}`
  return `${told}${failed === 0 ? '' : `  ${failed} failed`}${beside}`
}

function rounded(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0).padStart(7)
}

function share(ratio: number): string {
  return ratio.toFixed(ratio < 10 ? 2 : 0)
}
