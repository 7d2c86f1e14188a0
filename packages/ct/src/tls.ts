/** The presentation language of TLS (RFC 8446 section 3) as far as RFC 6962 uses it: big-endian, no padding. */
import { asBuffer } from '@sigstack/crypto'
import { CtError } from './errors.ts'

export type TlsReader = {
  uint(bytes: 1 | 2 | 3): number
  uint64(): bigint
  fixed(length: number): Uint8Array
  /** A vector whose length is written in `lengthBytes` bytes. */
  vector(lengthBytes: 2 | 3): Uint8Array
  isAtEnd(): boolean
  /** Throws where bytes are left. */
  end(): void
}

/** Reads views of `bytes`; whatever is missing or left over is a CtError that names `what`. */
export function createTlsReader(bytes: Uint8Array, what: string): TlsReader {
  const buffer = asBuffer(bytes)
  let offset = 0
  const skip = (length: number): number => {
    if (length > buffer.length - offset) throw new CtError('bad_tls', `${what} ends too early`)
    const start = offset
    offset += length
    return start
  }
  const fixed = (length: number): Uint8Array => {
    const start = skip(length)
    return bytes.subarray(start, start + length)
  }
  const uint = (length: 1 | 2 | 3): number => buffer.readUIntBE(skip(length), length)
  return {
    uint,
    uint64: () => buffer.readBigUInt64BE(skip(8)),
    fixed,
    vector: (lengthBytes) => fixed(uint(lengthBytes)),
    isAtEnd: () => offset === buffer.length,
    end: () => {
      if (offset !== buffer.length) throw new CtError('bad_tls', `bytes follow ${what}`)
    },
  }
}

export function encodeUint(value: number, bytes: 1 | 2 | 3): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * bytes))
    throw new CtError('out_of_range', `${value} does not fit ${bytes} bytes`)
  const encoded = Buffer.alloc(bytes)
  encoded.writeUIntBE(value, 0, bytes)
  return encoded
}

export function encodeUint64(value: bigint): Uint8Array {
  if (value < 0n || value >= 1n << 64n) throw new CtError('out_of_range', `${value} does not fit 8 bytes`)
  const encoded = Buffer.alloc(8)
  encoded.writeBigUInt64BE(value)
  return encoded
}

export function encodeVector(content: Uint8Array, lengthBytes: 2 | 3): Uint8Array {
  const { length } = content
  if (length >= 2 ** (8 * lengthBytes))
    throw new CtError('out_of_range', `${length} does not fit ${lengthBytes} bytes`)
  const encoded = new Uint8Array(lengthBytes + length)
  for (let at = lengthBytes - 1, rest = length; at >= 0; at--, rest >>>= 8) encoded[at] = rest
  encoded.set(content, lengthBytes)
  return encoded
}

/** No Date is beyond it (ECMA-262, section 21.4.1.1): the year 275,760. */
const latestMs = 8_640_000_000_000_000

/** Milliseconds since 1970; a number, since all of them are exact. */
export function encodeTimestamp(timestampMs: number): Uint8Array {
  if (!Number.isInteger(timestampMs) || timestampMs < 0 || timestampMs > latestMs)
    throw new CtError('out_of_range', `${timestampMs} is no timestamp in milliseconds`)
  return encodeUint64(BigInt(timestampMs))
}

export function readTimestamp(reader: TlsReader): number {
  const value = reader.uint64()
  if (value > latestMs) throw new CtError('out_of_range', 'the timestamp is out of range')
  return Number(value)
}
