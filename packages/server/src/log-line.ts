/**
 * The last step of a log record: one line of bounded length, whatever texts from outside are in it. What is too long is
 * cut and still JSON, tokens are struck out wherever they stand, and what would move a terminal is shown escaped.
 */
import { escaped, withoutTokens } from '@sigstack/crypto'

/** Longer records are cut: collectors drop or tear lines from 16 kB on. */
const MOST_BYTES = 8_192

export function boundedLine(line: string): string {
  if (line.length < MOST_BYTES) {
    const record = cleaned(line.trimEnd())
    if (isShort(record)) return `${record}\n`
  }
  return `${shortened(line)}\n`
}

/** The time, level, name and message, then what else the record says; below it, moved in, where an error came from. */
export function lineForPeople(line: string): string {
  const { level, time, name, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>
  const clock = String(time).slice(11, 19)
  const head = `${clock} ${String(level).padEnd(5)} ${String(name)}: ${typeof msg === 'string' ? msg : ''}`
  const details = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const stack = (err as { stack?: unknown } | undefined)?.stack
  const lines = typeof stack === 'string' ? stack.split('\n').map((place) => `  ${place}`) : []
  return [[head, ...details].join(' '), ...lines].map((text) => `${escaped(text, MOST_BYTES)}\n`).join('')
}

/** JSON keeps misleading characters in texts alone, where the escape means the same. */
function cleaned(json: string): string {
  return escaped(withoutTokens(json), Number.POSITIVE_INFINITY)
}

function isShort(record: string): boolean {
  return Buffer.byteLength(record) < MOST_BYTES
}

/** Cuts texts, drops members and levels until the record fits. What is left of a token that was cut is no secret. */
function shortened(line: string): string {
  const whole = JSON.parse(line) as Record<string, unknown>
  const first = FIRST_MEMBERS.filter((name) => Object.hasOwn(whole, name))
  const others = Object.entries(whole).filter(([name]) => !first.includes(name))
  let cut = ''
  for (let most = 4_096, depth = 7; depth >= 0; most /= 2, depth -= 1) {
    const head = first.map((name) => [name, cutDown(whole[name], most, depth)])
    const rest = cutMembers(others, most, depth)
    cut = cleaned(JSON.stringify(Object.fromEntries([...head, ...rest])))
    if (isShort(cut)) break
  }
  return cut
}

const FIRST_MEMBERS = ['level', 'time', 'name', 'reqId', 'msg']

/** Texts of at most `most` characters; lists and objects of a sixteenth as many members, `depth` levels deep. */
function cutDown(value: unknown, most: number, depth: number): unknown {
  if (typeof value === 'string') return cutText(value, most)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '…'
  if (!Array.isArray(value)) return Object.fromEntries(cutMembers(Object.entries(value), most, depth - 1))
  const kept = value.slice(0, mostMembers(most)).map((item) => cutDown(item, most, depth - 1))
  return value.length > kept.length ? [...kept, '…'] : kept
}

type Member = readonly [name: string, value: unknown]

function cutMembers(members: readonly Member[], most: number, depth: number): Member[] {
  const kept = members
    .slice(0, mostMembers(most))
    .map(([name, value]): Member => [cutText(name, most), cutDown(value, most, depth)])
  return members.length > kept.length ? [...kept, ['…', '…']] : kept
}

function mostMembers(mostCharacters: number): number {
  return Math.max(mostCharacters / 16, 8)
}

function cutText(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
