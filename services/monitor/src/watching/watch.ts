/** A watch: whose entries are looked for, and which of them are worth an alarm. */
import { isObject, quoted } from '@sigstack/crypto'
import { type Reason, reasons } from '@sigstack/monitor-api'
import { MonitorError } from '../errors.ts'
import { type Condition, parseCondition } from './condition.ts'
import { mostSteps } from './expression-size.ts'
import { parseHours, type WorkingHours } from './working-hours.ts'

/** All that is set must hold. At least one of subject, issuer, repository and key is. */
export type WatchDefinition = {
  readonly name: string
  /** Names of logs; left out for all. */
  readonly logs?: readonly string[]
  /** One of the names in the certificate. */
  readonly subject?: Condition
  /** Who issued the identity token. */
  readonly issuer?: Condition
  /** URI of the source repository, or its former GitHub name. */
  readonly repository?: Condition
  /** SHA-256 of the SubjectPublicKeyInfo, or another name that Rekor has for the key; lower-case hex. */
  readonly key?: string
  readonly alarmOn: readonly Reason[]
  /** For `outside-hours`. */
  readonly hours?: WorkingHours
  readonly isPaused: boolean
}

export type Watch = WatchDefinition & {
  readonly id: bigint
  readonly source: 'api' | 'file'
  readonly createdAt: Date
  readonly createdBy: string
}

const members = ['name', 'logs', 'subject', 'issuer', 'repository', 'key', 'alarmOn', 'hours', 'paused']
const longestName = 100

/** Throws `malformed` with a sentence about the first member that is wrong. */
export function parseWatch(value: unknown): WatchDefinition {
  if (!isObject(value)) throw bad('a watch must be an object with a name and whom it looks for')
  const unknown = Object.keys(value).find((name) => !members.includes(name))
  if (unknown !== undefined)
    throw bad(`a watch has no member ${quoted(unknown, 50)}; it may have ${members.join(', ')}`)
  const { name, logs, key, alarmOn, hours, paused = false } = value
  if (!isPlainName(name)) throw bad(`name must be a text of 1 to ${longestName} printable characters`)
  if (typeof paused !== 'boolean') throw bad('paused must be true or false')
  const conditions = Object.fromEntries(
    (['subject', 'issuer', 'repository'] as const).flatMap((member) =>
      value[member] === undefined ? [] : [[member, parseCondition(value[member], member)]],
    ),
  ) as Pick<WatchDefinition, 'subject' | 'issuer' | 'repository'>
  if (key === undefined && Object.keys(conditions).length === 0)
    throw bad('a watch needs one of subject, issuer, repository and key: whose entries it looks for')
  if (key !== undefined && (typeof key !== 'string' || !/^[0-9a-f]{40,128}$/.test(key)))
    throw bad('key must be 40 to 128 lower-case hexadecimal digits: the SHA-256 of the public key')
  const wanted = parseReasons(alarmOn)
  const isOfHours = wanted.includes('outside-hours')
  if (isOfHours && hours === undefined)
    throw bad('alarmOn has outside-hours, so hours is needed: timeZone, days, from and to')
  if (!isOfHours && hours !== undefined)
    throw bad('hours is for outside-hours alone: add that to alarmOn, or leave hours out')
  return {
    name,
    ...(logs !== undefined && { logs: parseLogNames(logs) }),
    ...conditions,
    ...(key !== undefined && { key }),
    alarmOn: wanted,
    ...(hours !== undefined && { hours: parseHours(hours) }),
    isPaused: paused,
  }
}

/** As {@link parseWatch} reads it. */
export function encodeWatch({ isPaused, ...definition }: WatchDefinition) {
  return { ...definition, paused: isPaused }
}

/** What {@link encodeWatch} has made. Later rules may refuse it, and it must be listed still, to be removed. */
export function decodeWatch(stored: unknown): WatchDefinition {
  const { paused, ...definition } = stored as Omit<WatchDefinition, 'isPaused'> & { readonly paused: boolean }
  return { ...definition, isPaused: paused }
}

/** Of its expressions together, at most; none where it is paused. */
export function stepsOf({ subject, issuer, repository, isPaused }: WatchDefinition): number {
  if (isPaused) return 0
  return [subject, issuer, repository].reduce(
    (sum, condition) =>
      sum + (condition !== undefined && 'regex' in condition ? mostSteps(condition.regex) : 0),
    0,
  )
}

function parseReasons(value: unknown): readonly Reason[] {
  if (value === undefined) return ['identity-seen']
  const known = Array.isArray(value) ? reasons.filter((reason) => value.includes(reason)) : []
  if (!Array.isArray(value) || known.length === 0 || known.length !== value.length)
    throw bad(`alarmOn must list at least one of ${reasons.join(', ')}, each once`)
  return known
}

function parseLogNames(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 100 || !value.every(isPlainName))
    throw bad('logs must list 1 to 100 names of logs; leave it out for all')
  return value
}

function isPlainName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestName && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(value)
}

function bad(why: string): MonitorError {
  return new MonitorError('malformed', why)
}
