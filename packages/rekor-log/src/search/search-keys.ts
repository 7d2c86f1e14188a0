/**
 * What an entry is found by. A hashedrekord says it all in its body. A dsse body holds only hashes, so the subjects of its
 * statement would be lost with the request: its keys are kept beside the leaf, not hashed, and so an index can be built again
 * whole.
 */
import type { LogEntry } from '@sigstack/log-engine'
import { keptSearchKeys, readStoredEntry, type VerifiedEntry } from '@sigstack/rekor-entries'
import { readableEntry } from '../entries/readable-entry.ts'
import { factsOf, type SearchKey } from './search-key.ts'

export function encodeSearchKeys({ kind, searchKeys, tellsLess }: VerifiedEntry): Uint8Array | undefined {
  return kind === 'hashedrekord' && tellsLess !== true ? undefined : Buffer.from(JSON.stringify(searchKeys))
}

export function searchKeysOfEntry({ leaf, extra }: Pick<LogEntry, 'leaf' | 'extra'>): readonly SearchKey[] {
  const kept = parseKept(extra)
  // Digests that were kept are of use whatever can be read of the body.
  const stored = kept === undefined ? readStoredEntry(leaf) : readableEntry(leaf)
  const searchKeys = kept === undefined ? stored.searchKeys : keptSearchKeys(kept, stored)
  return [...searchKeys, ...factsOf(stored.kind, stored.verifiers, searchKeys)]
}

function parseKept(extra: Uint8Array | undefined): readonly unknown[] | undefined {
  if (extra === undefined) return undefined
  const keys: unknown = JSON.parse(Buffer.from(extra).toString())
  return Array.isArray(keys) ? (keys as readonly unknown[]) : []
}
