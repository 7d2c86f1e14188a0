/** Entry bundles: 16-bit lengths, written and read. */
import t from 'tap'
import { encodeEntryBundle, entriesOfBundle, longestBundledEntry } from '../src/index.ts'

const entries = ['', 'a', 'entry'].map((text) => Buffer.from(text))
const longest = Buffer.alloc(longestBundledEntry, 7)

t.test('each entry stands after its length', async (t) => {
  t.strictSame(encodeEntryBundle(entries), Buffer.from('\0\0\0\x01a\0\x05entry'))
  t.strictSame(encodeEntryBundle([longest]).subarray(0, 3), Buffer.of(0xff, 0xff, 7))
  t.strictSame(entriesOfBundle(encodeEntryBundle([...entries, longest]), 4), [...entries, longest])
  t.strictSame(entriesOfBundle(encodeEntryBundle(entries), 2), entries.slice(0, 2))
  t.throws(() => encodeEntryBundle([Buffer.alloc(longestBundledEntry + 1)]), RangeError)
})

t.test('a bundle that ends too early is none', async (t) => {
  const bundle = encodeEntryBundle(entries)
  t.equal(entriesOfBundle(bundle, 3)?.length, 3)
  for (let length = 0; length < bundle.length; length++)
    t.equal(entriesOfBundle(bundle.subarray(0, length), 3), undefined)
})
