/** The outcome of one dialect's comparison, for a terminal and as JSON. */
import type { Workshop } from '../support/workshop.ts'
import type { Difference } from './facts.ts'
import { judge, type KnownDifference } from './known-difference.ts'

export type ComparisonOptions = {
  readonly workshop: Workshop
  /** An empty one, for what the servers keep. */
  readonly folder: string
  /** Of each server's turn in a measurement. */
  readonly seconds: number
  /** Ends the run between two requests. */
  readonly signal: AbortSignal
  readonly onProgress: (message: string) => void
}

export type Comparison = {
  readonly dialect: string
  /** Name and version of upstream's server. */
  readonly upstream: string
  readonly requests: number
  readonly facts: number
  readonly differences: readonly Difference[]
  readonly known: readonly KnownDifference[]
  /** Sentences about what else was measured. */
  readonly measured: readonly string[]
}

/** What could not be compared, and why. */
export type Skipped = { readonly dialect: string; readonly skipped: string }

export type Outcome = Comparison | Skipped

export function hasOpenDifferences(outcome: Outcome): boolean {
  return 'differences' in outcome && judge(outcome.differences, outcome.known).open.length > 0
}

export function toJson(outcome: Outcome): unknown {
  if ('skipped' in outcome) return outcome
  const { differences, known, ...more } = outcome
  return { ...more, ...judge(differences, known) }
}

export function toText(outcome: Outcome): string {
  if ('skipped' in outcome) return `${outcome.dialect}: not compared: ${outcome.skipped}\n`
  const { dialect, upstream, requests, facts, differences, known, measured } = outcome
  const { open, seen, unseen } = judge(differences, known)
  return [
    `${dialect}: ${requests} requests to ours and to ${upstream}, ${facts} facts compared`,
    ...seen.map(({ name, differences: own }) => `  known, in ${countCases(own)}: ${name}`),
    ...unseen.map((name) => `  known, but not seen in this run: ${name}`),
    ...open.flatMap(({ case: of, fact, ours, upstream: theirs }) => [
      `  OPEN ${of}: ${fact}`,
      `    ours     ${shown(ours)}`,
      `    upstream ${shown(theirs)}`,
    ]),
    ...measured.map((sentence) => `  ${sentence}`),
    open.length === 0
      ? '  no open difference'
      : `  ${open.length} open: mend them, or list them with their reason in docs/dialects and known-differences.ts`,
    '',
  ].join('\n')
}

function countCases(differences: readonly Difference[]): number {
  return new Set(differences.map((difference) => difference.case)).size
}

const longest = 600

function shown(value: string | undefined): string {
  if (value === undefined) return '(not there)'
  const text = JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length})` : text
}
