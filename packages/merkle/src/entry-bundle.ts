/** Entry bundles (C2SP tlog-tiles): up to 256 entries, each after its length in 16 bits. */

/** Of an entry. */
export const longestBundledEntry = 65_535

/** Throws a RangeError for an entry of more than 65,535 bytes. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

/** The first `count` entries; undefined when the bundle does not hold as many whole ones. */
export function entriesOfBundle(bundle: Buffer, count: number): readonly Buffer[] | undefined {
  const entries: Buffer[] = []
  for (let at = 0; entries.length < count; ) {
    if (at + 2 > bundle.length) return undefined
    const end = at + 2 + bundle.readUInt16BE(at)
    if (end > bundle.length) return undefined
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return entries
}
