/**
 * What an entry is found by. A hashedrekord says it all in its body. A dsse body holds only hashes, so the subjects of its
 * statement would be lost with the request: its keys are kept beside the leaf, not hashed, and so an index can be built again
 * whole.
 */
import type { LogEntry } from '@sigstack/log-engine'
import { searchKeysOf, type VerifiedEntry } from '@sigstack/rekor-entries'
import { factKeys } from '../../entries/fact-keys.ts'
import { readEntryFacts } from '../../entries/signing-identity.ts'

export function encodeSearchKeys({ kind, searchKeys }: VerifiedEntry): Uint8Array | undefined {
  return kind === 'hashedrekord' ? undefined : Buffer.from(JSON.stringify(searchKeys))
}

export function searchKeysOfEntry(entry: Pick<LogEntry, 'leaf' | 'extra'>): readonly string[] {
  return [...keptSearchKeys(entry), ...factKeys(readEntryFacts(entry.leaf))]
}

function keptSearchKeys({ leaf, extra }: Pick<LogEntry, 'leaf' | 'extra'>): readonly string[] {
  if (extra === undefined) return searchKeysOf(leaf)
  const keys: unknown = JSON.parse(Buffer.from(extra).toString())
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
}
