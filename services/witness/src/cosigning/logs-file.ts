/**
 * The logs that a witness knows, in the form in which witnesses exchange such lists: a line `logs/v0`, then for each log a line
 * `vkey KEY`, and below it what is said of it. Lines that are empty or begin with # do not count.
 */
import { CheckpointError, type NoteKey, parseNoteKey } from '@sigstack/checkpoint'
import { quoted } from '@sigstack/crypto'
import { WitnessError } from './errors.ts'

export type KnownLog = {
  /** First line of its checkpoints. */
  readonly origin: string
  /** Each may sign; those of one origin are of one log. */
  readonly keys: readonly NoteKey[]
}

export type KnownLogs = ReadonlyMap<string, KnownLog>

const header = 'logs/v0'
const longestFile = 8_388_608
const mostKeys = 10_000
const longestOrigin = 255

/**
 * Throws `bad_logs`, which names the line. The origin is the name of the key unless a line `origin` says another, as Rekor v1 has one
 * (`rekor.example - 123`). What else is said of a log (`qpd`, `contact`) is for others.
 */
export function parseLogs(text: string): KnownLogs {
  if (text.length > longestFile) throw bad(`the list is longer than ${longestFile} characters`)
  const keys: { key: NoteKey; origin: string; line: number }[] = []
  let begun = false
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const space = line.indexOf(' ')
    const word = space === -1 ? line : line.slice(0, space)
    const rest = space === -1 ? '' : line.slice(space + 1).trim()
    const last = keys.at(-1)
    if (!begun) {
      if (line !== header) throw bad(`line ${at + 1}: the list does not begin with ${header}`)
      begun = true
    } else if (word === 'vkey') {
      const key = keyOf(rest, at + 1)
      keys.push({ key, origin: key.name, line: at + 1 })
      if (keys.length > mostKeys) throw bad(`there are more than ${mostKeys} keys`)
    } else if (last === undefined) throw bad(`line ${at + 1}: ${quoted(word)} stands before the first vkey`)
    else if (word === 'origin') last.origin = rest
  }
  if (!begun) throw bad(`the list does not begin with ${header}`)
  return grouped(keys)
}

function grouped(keys: readonly { key: NoteKey; origin: string; line: number }[]): KnownLogs {
  const logs = new Map<string, { origin: string; keys: NoteKey[] }>()
  for (const { key, origin, line } of keys) {
    if (origin === '' || Buffer.byteLength(origin) > longestOrigin || /\p{Cc}/u.test(origin))
      throw bad(`line ${line}: ${quoted(origin)} is no origin of at most ${longestOrigin} bytes`)
    const log = logs.get(origin) ?? { origin, keys: [] }
    log.keys.push(key)
    logs.set(origin, log)
  }
  return logs
}

function keyOf(text: string, line: number): NoteKey {
  try {
    const key = parseNoteKey(text)
    if (key.kind !== 'cosignature') return key
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw bad(`line ${line}: ${cause.message}`, cause)
  }
  throw bad(`line ${line}: a cosignature key is none of a log`)
}

function bad(why: string, cause?: unknown): WitnessError {
  return new WitnessError('bad_logs', why, { cause })
}
