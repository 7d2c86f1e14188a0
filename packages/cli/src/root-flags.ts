/** The flags that cosign has for every command, before its name or behind it. */
import { quoted } from '@sigstack/crypto'
import { CliError } from './errors.ts'

export type RootFlags = {
  /** Without them. */
  readonly words: readonly string[]
  /** For the whole command, as it was given: other commands have a flag of that name, and other units. */
  readonly timeout?: string
  /** Where the result goes in place of standard output. */
  readonly outputFile?: string
}

const names: Readonly<Record<string, 'timeout' | 'outputFile' | 'verbose'>> = {
  '-t': 'timeout',
  '--timeout': 'timeout',
  '--output-file': 'outputFile',
  '-d': 'verbose',
  '--verbose': 'verbose',
}

/** A value that is missing is the empty one. */
export function takeRootFlags(given: readonly string[]): RootFlags {
  const words: string[] = []
  const found: { timeout?: string; outputFile?: string } = {}
  for (let i = 0; i < given.length; i++) {
    const word = given[i] ?? ''
    if (word === '--') {
      words.push(...given.slice(i))
      break
    }
    const [name = '', ...rest] = word.split('=')
    const flag = Object.hasOwn(names, name) ? names[name] : undefined
    if (flag === undefined) words.push(word)
    else if (flag !== 'verbose') {
      found[flag] = word.includes('=') ? rest.join('=') : (given[++i] ?? '')
    }
  }
  return { words, ...found }
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const longestMs = 2 ** 31 - 1

/** As Go writes durations: `90s`, `1m30s`, `1.5h`. Throws `bad_usage`. */
export function durationMs(text: string): number {
  const parts = [...text.slice(0, 100).matchAll(/(\d{1,15}(?:\.\d{1,15})?)(ns|us|µs|ms|s|m|h)/g)]
  const whole = parts.map(([part]) => part).join('')
  if (whole === '' || whole !== text)
    throw new CliError('bad_usage', `invalid argument ${quoted(text, 60)} for --timeout: it is no duration`, {
      advice: 'It is written like 90s, 3m0s or 1h.',
    })
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0), 0)
  return Math.min(Math.ceil(ms), longestMs)
}
