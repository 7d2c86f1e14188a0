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

export function parseTime(element: DerElement | undefined): Date {
  const text = element === undefined ? '' : asBuffer(element.content).toString('latin1')
  let digits = ''
  if (element?.tag === utcTime && /^\d{12}Z$/.test(text)) digits = `${text < '5' ? '20' : '19'}${text}`
  else if (element?.tag === generalizedTime && /^\d{14}Z$/.test(text)) digits = text
  else throw new X509Error('bad_time', 'a certificate time is neither UTCTime nor GeneralizedTime in UTC')
  const at = (from: number, length: number): number => Number(digits.slice(from, from + length))
  const time = new Date(0)
  time.setUTCFullYear(at(0, 4), at(4, 2) - 1, at(6, 2))
  time.setUTCHours(at(8, 2), at(10, 2), at(12, 2))
  // Date rolls 31 February over to March; a certificate that says so is refused.
  if (
    time.getUTCDate() !== at(6, 2) ||
    time.getUTCMonth() !== at(4, 2) - 1 ||
    time.getUTCSeconds() !== at(12, 2) ||
    time.getUTCHours() !== at(8, 2) ||
    time.getUTCMinutes() !== at(10, 2)
  )
    throw new X509Error('bad_time', `the certificate time ${digits} does not exist`)
  return time
}
