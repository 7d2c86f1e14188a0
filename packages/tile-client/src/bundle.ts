/** Entry bundles (C2SP tlog-tiles): entry after entry, each after its length in 16 bits. */

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
