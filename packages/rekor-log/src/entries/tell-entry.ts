/**
 * What stored entries tell, where readers ask for it again and again. Bodies of tuf do not say which of their signatures are good, so that
 * these are checked as often as the body is read; what was dear is therefore told from memory the next time, whoever asks.
 */
import { sha256Hex } from '@sigstack/crypto'
import { costOf, type StoredEntry } from '@sigstack/rekor-entries'
import { readableEntry } from './readable-entry.ts'

/** In checks of P-256 signatures, which is what these are counted in. */
export type ToldEntry = { readonly entry: StoredEntry; readonly units: number }

const leastUnits = 1
/** Verifiers of all that is kept, and one more for each entry: some MB. */
const mostWeight = 8_192
// The one that was told least recently first.
const kept = new Map<string, { readonly entry: StoredEntry; readonly weight: number }>()
let keptWeight = 0

/** As `readableEntry`, with what it has cost now. */
export function tellEntry(leaf: Uint8Array): ToldEntry {
  const name = sha256Hex(leaf)
  const known = kept.get(name)
  if (known !== undefined) {
    kept.delete(name)
    kept.set(name, known)
    return { entry: known.entry, units: 0 }
  }
  const { value: entry, units } = costOf(() => readableEntry(leaf))
  if (units >= leastUnits) keep(name, entry)
  return { entry, units }
}

function keep(name: string, entry: StoredEntry): void {
  const weight = 1 + entry.verifiers.length
  kept.set(name, { entry, weight })
  keptWeight += weight
  for (const [oldest, { weight: its }] of kept) {
    if (keptWeight <= mostWeight) return
    kept.delete(oldest)
    keptWeight -= its
  }
}
