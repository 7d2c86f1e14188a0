/**
 * What stored entries tell, where readers ask for it again and again. It does not change, so it is told from memory the next time, whoever
 * asks. Bodies of tuf do not say which of their signatures are good, so that these are checked as often as the body is read: what was
 * dear has a place of its own, in which no number of others takes it away.
 */
import { sha256Hex } from '@sigstack/crypto'
import { costOf, type StoredEntry } from '@sigstack/rekor-entries'
import { LRUCache } from 'lru-cache'
import { readableEntry } from './readable-entry.ts'

/** In checks of P-256 signatures, which is what these are counted in. */
export type ToldEntry = { readonly entry: StoredEntry; readonly units: number }

const leastDearUnits = 1
const dear = createKept(8_192)
const cheap = createKept(4_096)

/** As `readableEntry`, with what it has cost now. */
export function tellEntry(leaf: Uint8Array): ToldEntry {
  const name = sha256Hex(leaf)
  const known = dear.get(name) ?? cheap.get(name)
  if (known !== undefined) return { entry: known, units: 0 }
  const { value: entry, units } = costOf(() => readableEntry(leaf))
  const kept = units >= leastDearUnits ? dear : cheap
  kept.set(name, entry)
  return { entry, units }
}

/** `mostWeight`: verifiers of all that is kept, and one more for each entry. Thousands are some MB. */
function createKept(mostWeight: number): LRUCache<string, StoredEntry> {
  return new LRUCache({
    maxSize: mostWeight,
    sizeCalculation: ({ verifiers }) => 1 + verifiers.length,
  })
}
