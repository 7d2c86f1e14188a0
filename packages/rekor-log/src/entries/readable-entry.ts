/** What a stored entry tells about itself, for people and events: as much as can be read of it. */
import { EntryError, readStoredEntry, type StoredEntry } from '@sigstack/rekor-entries'

/** Of what no kind here can read, nothing is told. */
export function readableEntry(leaf: Uint8Array): StoredEntry {
  try {
    return readStoredEntry(leaf)
  } catch (error) {
    if (!(error instanceof EntryError)) throw error
    return { kind: '', apiVersion: '', verifiers: [], searchKeys: [] }
  }
}
