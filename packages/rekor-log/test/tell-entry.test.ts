import t from 'tap'
import { tellEntry } from '../src/entries/tell-entry.ts'

const leafOf = (at: number) =>
  Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind: 'unknown', spec: { at } }))

t.test('what an entry tells is read once, and told from memory for the same bytes alone', async (t) => {
  const { entry } = tellEntry(leafOf(1))
  t.match(entry, { kind: 'unknown', apiVersion: '0.0.1', verifiers: [] })
  t.equal(tellEntry(leafOf(1)).entry, entry)
  t.not(tellEntry(leafOf(2)).entry, entry)
})

t.test('so many are kept, and the one that was told least recently goes first', async (t) => {
  const [first, second] = [tellEntry(leafOf(1)).entry, tellEntry(leafOf(2)).entry]
  for (let at = 3; at <= 4_096; at++) tellEntry(leafOf(at))
  t.equal(tellEntry(leafOf(1)).entry, first)
  tellEntry(leafOf(4_097))
  t.equal(tellEntry(leafOf(1)).entry, first)
  t.not(tellEntry(leafOf(2)).entry, second)
})
