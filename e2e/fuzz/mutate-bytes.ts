/** Changes to bytes of no known structure. */
import { concatBytes } from '@sigstack/crypto'
import type { Random } from '../support/random.ts'

const telling = [0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xff, 0x30, 0x31, 0x02, 0x03, 0x04, 0xa0, 0xa3]
const longest = 256 * 1024

export function mutateBytes(input: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const bytes = Uint8Array.from(input)
  const at = random.below(bytes.length + 1)
  const length = random.below(Math.min(64, bytes.length - at) + 1)
  const before = bytes.subarray(0, at)
  switch (random.below(9)) {
    case 0:
      if (bytes.length > 0)
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << random.below(8))
      return bytes
    case 1:
      if (bytes.length > 0) bytes[at % bytes.length] = random.pick(telling)
      return bytes
    case 2:
      return concatBytes(before, bytes.subarray(at + length))
    case 3:
      return bytes.subarray(0, at)
    case 4:
      return concatBytes(before, noise(random, random.below(16)), bytes.subarray(at))
    case 5:
      return concatBytes(before, bytes.subarray(at, at + length), bytes.subarray(at)).subarray(0, longest)
    case 6: {
      const other = random.pick(others)
      const from = random.below(other.length + 1)
      return concatBytes(before, other.subarray(from, from + random.below(256)), bytes.subarray(at))
    }
    case 7:
      return concatBytes(
        before,
        new Uint8Array(random.below(2000)).fill(random.pick(telling)),
        bytes.subarray(at),
      )
    default:
      return concatBytes(bytes, noise(random, 1 + random.below(4)))
  }
}

function noise(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => (random.chance(0.5) ? random.pick(telling) : random.below(256)))
}
