/**
 * The frame of OpenPGP packets (RFC 9580 section 4), read before the library sees them: how many there are, of what type, and
 * whether their numbers are of a size that may be computed with.
 */
import { asBuffer } from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'

export type PgpPacket = { readonly type: number; readonly body: Uint8Array }

export const packetType = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
} as const

/** Refuses partial and indeterminate lengths, which keys and signatures do not have. */
export function readPackets(
  bytes: Uint8Array,
  limit: number,
  code: 'bad_public_key' | 'bad_signature',
): readonly PgpPacket[] {
  const buffer = asBuffer(bytes)
  const packets: PgpPacket[] = []
  let at = 0
  const refused = (reason: string) => new EntryError(code, `openpgp: invalid data: ${reason}`)
  const unsigned = (length: number): number => {
    if (length > buffer.length - at) throw refused('unexpected end')
    at += length
    return buffer.readUIntBE(at - length, length)
  }
  const newLength = (): number => {
    const first = unsigned(1)
    if (first < 192) return first
    if (first < 224) return ((first - 192) << 8) + unsigned(1) + 192
    if (first === 255) return unsigned(4)
    throw refused('partial packet length')
  }
  const oldLength = (lengthType: number): number => {
    if (lengthType === 3) throw refused('indeterminate packet length')
    return unsigned(1 << lengthType)
  }
  while (at < buffer.length) {
    if (packets.length === limit) throw refused(`more than ${limit} packets`)
    const header = unsigned(1)
    if (header < 0x80) throw refused('tag byte does not have MSB set')
    const isNew = (header & 0x40) !== 0
    const type = isNew ? header & 0x3f : (header & 0x3f) >> 2
    const length = isNew ? newLength() : oldLength(header & 3)
    if (length > buffer.length - at) throw refused('unexpected end')
    packets.push({ type, body: buffer.subarray(at, at + length) })
    at += length
  }
  return packets
}

const rsaAlgorithms: ReadonlySet<number> = new Set([1, 2, 3])
const rsaModulusLimitBits = 8192
const rsaExponentLimitBits = 32

/** A large RSA exponent makes one verification take minutes. */
export function assertComputable({ type, body }: PgpPacket): void {
  const keyTypes: readonly number[] = [
    packetType.publicKey,
    packetType.publicSubkey,
    packetType.secretKey,
    packetType.secretSubkey,
  ]
  if (!keyTypes.includes(type)) return
  const buffer = asBuffer(body)
  const isV6 = buffer[0] === 6
  if (!rsaAlgorithms.has(buffer[5] ?? 0)) return
  // Version, time, algorithm; in version 6 the length of what follows; then each integer with its length in bits.
  const modulusAt = isV6 ? 10 : 6
  const modulusBits =
    buffer.length < modulusAt + 2 ? Number.POSITIVE_INFINITY : buffer.readUInt16BE(modulusAt)
  const exponentAt = modulusAt + 2 + Math.ceil(modulusBits / 8)
  const exponentBits =
    buffer.length < exponentAt + 2 ? Number.POSITIVE_INFINITY : buffer.readUInt16BE(exponentAt)
  if (modulusBits > rsaModulusLimitBits || exponentBits > rsaExponentLimitBits)
    throw new EntryError('bad_public_key', 'openpgp: unsupported feature: RSA key of this size')
}
