/** The data types of the SSH protocol (RFC 4251 section 5), as far as keys and signatures use them. */
import { asBuffer, concatBytes, utf8 } from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'

export type WireReader = {
  readonly uint32: () => number
  readonly bytes: (length: number) => Uint8Array
  /** A length and so many bytes. */
  readonly string: () => Uint8Array
  readonly text: () => string
  /** Positive and in its shortest form, else refused; without the leading zero. */
  readonly mpint: () => Uint8Array
  /** Whatever is left. */
  readonly rest: () => Uint8Array
  /** Refuses bytes that are left. */
  readonly end: () => void
}

/** Reads in order and copies nothing; throws `bad_public_key` or `bad_signature`, whichever `code` says. */
export function wireReader(wire: Uint8Array, code: 'bad_public_key' | 'bad_signature'): WireReader {
  const buffer = asBuffer(wire)
  let at = 0
  const refused = (reason: string) => new EntryError(code, `ssh: ${reason}`)
  const bytes = (length: number): Uint8Array => {
    if (length > buffer.length - at) throw refused('short read')
    at += length
    return buffer.subarray(at - length, at)
  }
  const uint32 = () => asBuffer(bytes(4)).readUInt32BE()
  const string = () => bytes(uint32())
  return {
    uint32,
    bytes,
    string,
    text: () => asBuffer(string()).toString('latin1'),
    mpint: () => {
      const value = string()
      const [first = 0, second = 0] = value
      if (first === 0) {
        if (value.length < 2 || second < 0x80) throw refused('integer is zero or not minimal')
        return value.subarray(1)
      }
      if (first >= 0x80) throw refused('integer is negative')
      return value
    },
    rest: () => bytes(buffer.length - at),
    end: () => {
      if (at !== buffer.length) throw refused('trailing bytes')
    },
  }
}

export function wireUint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function wireString(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? utf8(content) : content
  return concatBytes(wireUint32(bytes.length), bytes)
}

/** `value` is big-endian and unsigned. */
export function wireMpint(value: Uint8Array): Uint8Array {
  return wireString((value[0] ?? 0) < 0x80 ? value : concatBytes(Uint8Array.of(0), value))
}
