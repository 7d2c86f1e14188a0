/**
 * What an entry is found by. A hashedrekord says it all in its body. A dsse body holds only hashes, so the subjects of its
 * statement would be lost with the request: its keys are kept beside the leaf, not hashed, and so an index can be built again
 * whole.
 */
import type { LogEntry } from '@sigstack/log-engine'
import { searchKeysOf, type VerifiedEntry } from '@sigstack/rekor-entries'
import { factKeys } from '../../entries/fact-keys.ts'
import { type EntryFacts, readEntryFacts } from '../../entries/signing-identity.ts'

export function encodeSearchKeys({ kind, searchKeys }: VerifiedEntry): Uint8Array | undefined {
  return kind === 'hashedrekord' ? undefined : Buffer.from(JSON.stringify(searchKeys))
}

export function searchKeysOfEntry({ leaf, extra }: Pick<LogEntry, 'leaf' | 'extra'>): readonly string[] {
  const facts = readEntryFacts(leaf)
  return [...(keptSearchKeys(extra) ?? keysIn(facts) ?? searchKeysOf(leaf)), ...factKeys(facts)]
}

function keptSearchKeys(extra: Uint8Array | undefined): readonly string[] | undefined {
  if (extra === undefined) return undefined
  const keys: unknown = JSON.parse(Buffer.from(extra).toString())
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
}

/** Of a hashedrekord the facts are all that it is found by; {@link searchKeysOf} would parse its certificate once more. */
function keysIn(facts: EntryFacts | undefined): readonly string[] | undefined {
  if (facts?.digest === undefined) return undefined
  return [facts.digest, ...facts.identities.flatMap(({ keyHash, subjects }) => [keyHash, ...subjects])]
}
