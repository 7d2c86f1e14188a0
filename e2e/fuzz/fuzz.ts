/** Runs changed inputs through the targets, one after the other, until each had some and the time is up. */

import { seedOf } from '../support/random.ts'
import { makeInput } from './make-input.ts'
import type { Target } from './target.ts'

export type Finding = {
  readonly target: string
  /** Makes the input again: `npm run fuzz -- --again TARGET:SEED`. */
  readonly seed: number
  readonly fault: string
}

export type FuzzOptions = {
  readonly targets: readonly Target[]
  readonly run: number
  readonly durationMs: number
  /** Told before each input, so that a watcher knows which one hangs. */
  readonly onInput?: (target: number, seed: number) => void
  readonly onFinding?: (finding: Finding) => void
}

export type FuzzReport = {
  readonly findings: readonly Finding[]
  readonly inputs: Readonly<Record<string, number>>
  /** Inputs that were taken as good, by target: a target that takes none is attacked at its door only. */
  readonly accepted: Readonly<Record<string, number>>
  readonly slowestMs: Readonly<Record<string, number>>
}

/** One input may take this long, of processor time: the clock on the wall would find fault with a busy machine. */
export const longestMs = 4_000
/** So many of a target in a row, for the caches of the machine. */
const batch = 50
const mostFindings = 50

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { targets, run, durationMs, onInput, onFinding } = options
  const findings: Finding[] = []
  const inputs: Record<string, number> = {}
  const accepted: Record<string, number> = {}
  const slowestMs: Record<string, number> = {}
  const end = performance.now() + durationMs
  // On a slow machine too every target has its first batch.
  const goesOn = (round: number) => round < targets.length || performance.now() < end
  for (let round = 0; goesOn(round) && findings.length < mostFindings; round++) {
    const index = round % targets.length
    const target = targets[index]
    if (target === undefined) break
    const first = Math.floor(round / targets.length) * batch
    for (let iteration = first; iteration < first + batch && goesOn(round); iteration++) {
      const seed = seedOf(run, index, iteration)
      onInput?.(index, seed)
      const outcome = await tryInput(target, seed)
      inputs[target.name] = (inputs[target.name] ?? 0) + 1
      if (outcome.accepted) accepted[target.name] = (accepted[target.name] ?? 0) + 1
      slowestMs[target.name] = Math.max(slowestMs[target.name] ?? 0, outcome.tookMs)
      if (outcome.fault === undefined) continue
      const finding = { target: target.name, seed, fault: outcome.fault }
      findings.push(finding)
      onFinding?.(finding)
    }
  }
  return { findings, inputs, accepted, slowestMs }
}

export type Outcome = {
  readonly accepted: boolean
  /** Of all threads, since the collector of garbage has its own. */
  readonly tookMs: number
  readonly fault: string | undefined
}

export async function tryInput(target: Target, seed: number): Promise<Outcome> {
  const input = makeInput(target, seed)
  const begun = process.cpuUsage()
  let accepted = true
  let fault: string | undefined
  try {
    await target.run(input)
  } catch (error) {
    accepted = false
    const name = error instanceof Error ? error.name : typeof error
    if (!target.refusals.includes(name))
      fault = error instanceof Error ? (error.stack ?? error.message).slice(0, 1000) : String(error)
  }
  const { user, system } = process.cpuUsage(begun)
  const tookMs = (user + system) / 1000
  if (fault === undefined && tookMs > longestMs)
    fault = `took ${Math.round(tookMs)} ms for ${input.length} bytes`
  return { accepted, tookMs, fault }
}
