import { escaped } from '@sigstack/crypto'
import type { Finding } from '../doctor/finding.ts'

/** A paragraph for each area, a line for each finding, and below it what to do. */
export function describeFindings(findings: readonly Finding[]): string {
  const areas = [...new Set(findings.map(({ area }) => area))]
  return areas
    .map((area) => {
      const lines = findings
        .filter((each) => each.area === area)
        .flatMap(({ status, found, advice }) => [
          `  ${status.padEnd('skipped'.length)}  ${escaped(found, 1000)}`,
          ...(advice === undefined ? [] : [`${' '.repeat('  skipped  '.length)}${escaped(advice, 1000)}`]),
        ])
      return `${area}\n${lines.join('\n')}\n`
    })
    .join('\n')
}
