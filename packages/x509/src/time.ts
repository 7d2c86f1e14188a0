/** Validity times (RFC 5280 section 4.1.2.5): whole seconds, UTC, UTCTime until 2049 and GeneralizedTime after. */
import { asBuffer, type DerElement, der, utf8 } from '@sigstack/crypto'
import { X509Error } from './errors.ts'

const utcTime = 0x17
const generalizedTime = 0x18

/** Milliseconds are cut off, never rounded up. */
export function encodeTime(time: Date): Uint8Array {
  const year = time.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999))
    throw new X509Error('bad_time', 'a certificate time must lie between 1950 and 9999')
  // 2026-01-02T03:04:05.678Z -> 20260102030405Z
  const digits = `${time.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  return year < 2050 ? der(utcTime, utf8(digits.slice(2))) : der(generalizedTime, utf8(digits))
}

/** Days of a month, counted from 1; February of a leap year apart. */
const daysOf = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const zero = 0x30

export function parseTime(element: DerElement | undefined): Date {
  const content = element?.content ?? new Uint8Array()
  const isShort = element?.tag === utcTime && content.length === 13
  if (!(isShort || (element?.tag === generalizedTime && content.length === 15)) || !isTimeText(content))
    throw new X509Error('bad_time', 'a certificate time is neither UTCTime nor GeneralizedTime in UTC')
  const two = (at: number): number => ((content[at] ?? 0) - zero) * 10 + (content[at + 1] ?? 0) - zero
  const short = two(0)
  const year = isShort ? short + (short < 50 ? 2000 : 1900) : short * 100 + two(2)
  const start = isShort ? 2 : 4
  const [month, day, hour] = [two(start), two(start + 2), two(start + 4)]
  const [minute, second] = [two(start + 6), two(start + 8)]
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 && isLeap ? 29 : (daysOf[month] ?? 0)
  // Date would roll 31 February over to March; a certificate that says so is refused.
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59)
    throw new X509Error(
      'bad_time',
      `the certificate time ${asBuffer(content).toString('latin1')} does not exist`,
    )
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // Date.UTC takes the years 0 to 99 for those of the last century.
  if (year < 100) time.setUTCFullYear(year)
  return time
}

/** Digits, and a Z at the end. */
function isTimeText(content: Uint8Array): boolean {
  for (let at = 0; at < content.length - 1; at++) {
    const digit = (content[at] ?? 0) - zero
    if (digit < 0 || digit > 9) return false
  }
  return content[content.length - 1] === 0x5a
}
