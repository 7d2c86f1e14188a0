/** Hours at which entries are expected, by the clock of a place. */
import { isObject, quoted } from '@sigstack/crypto'
import { MonitorError } from '../errors.ts'

export type WorkingHours = {
  /** Of the IANA database, such as `Europe/Berlin`. */
  readonly timeZone: string
  /** 1 is Monday, 7 is Sunday. */
  readonly days: readonly number[]
  /** `HH:MM`; `to` is later than `from`, at the most `24:00`, and the first minute outside. */
  readonly from: string
  readonly to: string
}

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const clock = /^(?:[01]\d|2[0-3]):[0-5]\d$/

/** Throws `malformed`. */
export function parseHours(value: unknown): WorkingHours {
  if (!isObject(value)) throw bad('hours must be an object with timeZone, days, from and to')
  const { timeZone, days: wanted, from, to, ...others } = value
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw bad(`hours has no member ${quoted(unknown, 50)}; it has timeZone, days, from and to`)
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone))
    throw bad('hours.timeZone must be one of the IANA database, such as Europe/Berlin')
  const isDay = (day: unknown) => Number.isInteger(day) && Number(day) >= 1 && Number(day) <= 7
  if (!Array.isArray(wanted) || wanted.length === 0 || wanted.length > 7 || !wanted.every(isDay))
    throw bad('hours.days must list 1 to 7 days, from 1 (Monday) to 7 (Sunday)')
  if (typeof from !== 'string' || !clock.test(from)) throw bad('hours.from must be a time, such as 08:00')
  if (typeof to !== 'string' || !isEnd(to) || to <= from)
    throw bad('hours.to must be a time behind hours.from, such as 18:00, and 24:00 at the latest')
  return { timeZone, days: wanted, from, to }
}

export function isWithin(hours: WorkingHours, time: Date): boolean {
  const parts = formatOf(hours.timeZone).formatToParts(time)
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? ''
  const now = `${part('hour')}:${part('minute')}`
  return hours.days.includes(days.indexOf(part('weekday')) + 1) && now >= hours.from && now < hours.to
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  formats.set(timeZone, made)
  return made
}

function isTimeZone(name: string): boolean {
  try {
    return name.length <= 100 && Intl.DateTimeFormat('en-GB', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

function isEnd(text: string): boolean {
  return clock.test(text) || text === '24:00'
}

function bad(why: string): MonitorError {
  return new MonitorError('malformed', why)
}
