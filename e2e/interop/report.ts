/** The matrix for a terminal and for the page of documentation. */
import type { Matrix, Named, Outcome } from './matrix.ts'

export type Report = {
  readonly date: Date
  readonly matrix: Matrix
  readonly missing: readonly { readonly name: string; readonly reason: string }[]
  /** What it ran on: names and versions. */
  readonly platform: string
}

type Table = { readonly head: readonly string[]; readonly lines: readonly (readonly string[])[] }

/** Everything that was tried and went wrong, a line each. */
export function failuresIn(matrix: Matrix): readonly string[] {
  return linesOf(matrix, (outcome) => (outcome.result === 'failed' ? outcome.reason : undefined))
}

/** Everything that went wrong and passed when it was tried once more, a line each. */
export function unsteadyIn(matrix: Matrix): readonly string[] {
  return linesOf(matrix, (outcome) => (outcome.result === 'passed' ? outcome.failedFirst : undefined))
}

function linesOf(
  { signers, verifiers, cells, refusals, checks }: Matrix,
  reasonOf: (outcome: Outcome) => string | undefined,
): readonly string[] {
  const lines: string[] = []
  const note = (what: string, outcome: Outcome | undefined): void => {
    const reason = outcome && reasonOf(outcome)
    if (reason !== undefined) lines.push(`${what}: ${reason}`)
  }
  for (const { name, signed } of signers) note(`${name} signs`, signed)
  for (const [row, line] of cells.entries()) {
    for (const [column, outcome] of line.entries()) {
      note(`${verifiers[column]?.name} verifies what ${signers[row]?.name} signed`, outcome)
    }
  }
  for (const { name, cells: line } of refusals) {
    for (const [column, outcome] of line.entries())
      note(`${verifiers[column]?.name} refuses ${name}`, outcome)
  }
  for (const { name, outcome } of checks) note(name, outcome)
  return lines
}

/** Clients that do not understand each other, a line each. */
export function differencesIn({ signers, verifiers, cells }: Matrix): readonly string[] {
  return cells.flatMap((line, row) =>
    line.flatMap((outcome, column) =>
      outcome.result === 'differs'
        ? [`${signers[row]?.name} and ${verifiers[column]?.name}: ${outcome.reason}`]
        : [],
    ),
  )
}

export function countPassed({ signers, cells, refusals, checks }: Matrix): number {
  return [
    ...signers.map(({ signed }) => signed),
    ...cells.flat(),
    ...refusals.flatMap((refusal) => refusal.cells),
    ...checks.map(({ outcome }) => outcome),
  ].filter(({ result }) => result === 'passed').length
}

/** Columns are letters here, explained below: names would not fit on a line. */
export function toText(report: Report): string {
  const { matrix, missing } = report
  const letters = matrix.verifiers.map((_, index) => String.fromCharCode(65 + index))
  return [
    layOut(tableOf(matrix, letters)),
    '',
    ...matrix.verifiers.map((verifier, index) => `${letters[index]}  ${withVersion(verifier)}`),
    ...(matrix.checks.length > 0 ? [''] : []),
    ...matrix.checks.map(({ name, outcome }) => `${wordFor(outcome, 'ok', 'FAILED').padEnd(6)}  ${name}`),
    ...(missing.length > 0 ? [''] : []),
    ...missing.map(({ name, reason }) => `MISSING  ${name}: ${reason}`),
    ...differencesIn(matrix).map((line) => `DIFFERS  ${line}`),
    ...unsteadyIn(matrix).map((line) => `UNSTEADY ${line}`),
    ...failuresIn(matrix).map((line) => `FAILED   ${line}`),
    '',
    `${countPassed(matrix)} passed, ${failuresIn(matrix).length} failed, ${missing.length} clients missing`,
    '',
  ].join('\n')
}

export function toMarkdown(report: Report): string {
  const { matrix, missing, date, platform } = report
  const { head, lines } = tableOf(matrix, matrix.verifiers.map(withVersion))
  const failures = failuresIn(matrix)
  const list = (title: string, items: readonly string[]): readonly string[] =>
    items.length === 0 ? [] : [title, '', ...items.map((item) => `- ${item}`), '']
  return [
    `Run of ${date.toISOString().slice(0, 10)} on ${platform}: ${countPassed(matrix)} passed, ${failures.length} failed.`,
    '',
    row(head),
    row(head.map(() => '---')),
    ...lines.map(row),
    '',
    ...list(
      'Beside signing and verifying:',
      matrix.checks.map(({ name, outcome }) => `${name}: ${wordFor(outcome, 'ok', 'FAILED')}`),
    ),
    ...list(
      'Missing on the machine of this run:',
      missing.map(({ name, reason }) => `${name}: ${reason}`),
    ),
    ...list('Where two clients differ, on any stack:', differencesIn(matrix)),
    ...list('What passed only when it was tried once more:', unsteadyIn(matrix)),
    ...list('What failed:', failures),
  ].join('\n')
}

function tableOf({ signers, cells, refusals }: Matrix, verifiers: readonly string[]): Table {
  return {
    head: ['signed by', 'signs', ...verifiers],
    lines: [
      ...signers.map((signer, index) => [
        withVersion(signer),
        wordFor(signer.signed, 'ok', 'FAILED'),
        ...(cells[index] ?? []).map((outcome) => wordFor(outcome, 'ok', 'FAILED')),
      ]),
      ...refusals.map(({ name, cells: line }) => [
        name,
        '·',
        ...line.map((outcome) => wordFor(outcome, 'refuses', 'FAILED')),
      ]),
    ],
  }
}

function wordFor({ result }: Outcome, passed: string, failed: string): string {
  if (result === 'not applicable') return '·'
  if (result === 'differs') return 'differs'
  return result === 'passed' ? passed : failed
}

function withVersion({ name, version }: Named): string {
  return name.replace(/^\S+/, (client) => `${client} ${version.replace(/^v/, '')}`)
}

function layOut({ head, lines }: Table): string {
  const all = [head, ...lines]
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)))
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
