/** Entry bundles of C2SP tlog-tiles: entry after entry, each after its length in 16 bits. */
import { asBuffer, concatBytes } from '@sigstack/crypto'

export function joinEntries(entries: readonly Uint8Array[]): Buffer {
  const lengths = entries.map(({ length }) => Uint8Array.of(length >> 8, length & 0xff))
  return asBuffer(concatBytes(...entries.flatMap((entry, at) => [lengths[at] ?? new Uint8Array(), entry])))
}

/** The first `count` entries of a bundle that has as many. */
export function prefixOfBundle(bundle: Buffer, count: number): Buffer {
  let end = 0
  for (let entry = 0; entry < count; entry++) end += 2 + bundle.readUInt16BE(end)
  return bundle.subarray(0, end)
}
