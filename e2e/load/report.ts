/** What a bench prints for people, and keeps for `--json`. */
import { loadavg } from 'node:os'
import type { LoadResult } from '../support/load.ts'
import type { Cost } from './processor-time.ts'

export type Report = {
  say(line: string): void
  /** Above rows. */
  header(title: string): void
  row(
    name: string,
    result: LoadResult & { readonly cost: Cost },
    more: Readonly<Record<string, unknown>>,
  ): void
  keep(fact: Readonly<Record<string, unknown>>): void
  printJson(): void
}

const columns = ['answered', 'failed', 'per s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', 'stack', 'db', 'load']

export function createReport(): Report {
  const facts: Readonly<Record<string, unknown>>[] = []
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const cells = (all: readonly (string | number)[]): string =>
    all.map((cell) => String(cell).padStart(9)).join('')
  return {
    say,
    header: (title) => {
      say(`\n${title}; load average ${(loadavg()[0] ?? Number.NaN).toFixed(1)}`)
      say(`${' '.repeat(29)}${cells(columns)}   µs of processor time an answer`)
    },
    row: (name, result, more) => {
      const { answered, failed, perSecond, p50, p95, p99, max, cost, firstFailure } = result
      const times = [p50, p95, p99, max].map((ms) => ms.toFixed(1))
      const costs = [cost.stack, cost.database, cost.generator].map((us) => us.toFixed(0))
      say(`  ${name.padEnd(27)}${cells([answered, failed, perSecond.toFixed(0), ...times, ...costs])}`)
      if (firstFailure !== undefined) say(`    first failure: ${firstFailure}`)
      facts.push({ ...more, ...result })
    },
    keep: (fact) => {
      facts.push(fact)
    },
    printJson: () => say(JSON.stringify(facts)),
  }
}
