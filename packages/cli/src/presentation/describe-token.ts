import { escaped, quoted } from '@sigstack/crypto'

export type Shown = {
  readonly header: Readonly<Record<string, unknown>> | undefined
  readonly claims: Readonly<Record<string, unknown>> | undefined
  /** What the proof of possession would cover. */
  readonly proofOver: string | undefined
}

const longestValue = 1000
const times = new Set(['iat', 'nbf', 'exp', 'auth_time'])

/** Claims are somebody else's text: each is one line. */
export function describeToken({ header, claims, proofOver }: Shown, now: Date): string {
  const proof =
    proofOver === undefined
      ? 'Nobody can sign with it: it names no address that is verified, and no subject.'
      : `Whoever signs with it proves to be ${quoted(proofOver)}.`
  const lines = ['Header', ...rows(header, now), '', 'Claims', ...rows(claims, now), '', proof]
  return `${lines.map((line) => escaped(line, longestValue + 200)).join('\n')}\n`
}

function rows(members: Shown['header'], now: Date): readonly string[] {
  if (members === undefined) return ['  (not readable)']
  const entries = Object.entries(members)
  const width = Math.min(Math.max(0, ...entries.map(([name]) => name.length)), 40)
  return entries.map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `  ${name.padEnd(width)}  ${text.slice(0, longestValue)}${whenOf(name, value, now)}`
  })
}

function whenOf(name: string, value: unknown, now: Date): string {
  const at = times.has(name) && typeof value === 'number' ? new Date(value * 1000) : undefined
  if (at === undefined || Number.isNaN(at.getTime())) return ''
  const told = at.toISOString().replace('.000Z', 'Z')
  return ` (${told}${name === 'exp' && at <= now ? ', expired' : ''})`
}
