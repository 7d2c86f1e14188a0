import type { LogEntry } from '@sigstack/log-engine'
import { searchKeyOf } from './search-key.ts'
import { searchKeysOfEntry } from './search-keys.ts'

/** The rows that a stored entry has in the index, each once; none where it cannot be read, as the follower has it. */
export function storedKeysOf(
  logId: Uint8Array,
  entry: Pick<LogEntry, 'leaf' | 'extra'>,
  onUnreadable: () => void = () => {},
): ReadonlySet<bigint> {
  try {
    return new Set(searchKeysOfEntry(entry).map((key) => searchKeyOf(logId, key)))
  } catch {
    onUnreadable()
    return new Set()
  }
}
