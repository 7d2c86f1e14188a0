import { X509Error } from './errors.ts'

/** Content octets of a positive INTEGER from 20 random bytes: top bit cleared, minimal, never zero. */
export function serialNumberFrom(random20: Uint8Array): Uint8Array {
  if (random20.length !== 20)
    throw new X509Error('bad_serial_number', 'a serial number is made of 20 random bytes')
  const bytes = Uint8Array.from(random20)
  bytes[0] = (bytes[0] ?? 0) & 0x7f
  let start = 0
  while (start < 19 && bytes[start] === 0 && (bytes[start + 1] ?? 0) < 0x80) start++
  const serialNumber = bytes.subarray(start)
  return serialNumber.length === 1 && serialNumber[0] === 0 ? Uint8Array.of(1) : serialNumber
}

/** Refuses what is no minimal, positive INTEGER of at most 20 octets (RFC 5280 section 4.1.2.2). */
export function assertSerialNumber(serialNumber: Uint8Array): void {
  const [first, second] = serialNumber
  const minimal = first !== 0 || (second !== undefined && second >= 0x80)
  if (first === undefined || first >= 0x80 || serialNumber.length > 20 || !minimal)
    throw new X509Error(
      'bad_serial_number',
      'a serial number is a minimal positive INTEGER of at most 20 octets',
    )
}
