/**
 * The event of a new entry: a CloudEvent with upstream's type, source and attributes (rekor-v1.md section 13.6). Its data is the entry as
 * `GET /api/v1/log/entries/{entryUUID}` answers it, with proof and SET, so that a receiver can verify at once.
 */

import { entryIdOf, type Placed, virtualIndexOf } from '@sigstack/rekor-log'
import { encodeEvent } from '../../events/encode-event.ts'
import type { NewEntryEvent } from '../../events/event.ts'
import { encodeLogEntry } from './log-entry.ts'
import { prove } from './prove.ts'

const newEntryType = 'dev.sigstore.rekor.events.v1.NewEntry'

export async function newEntryEvent(placed: Placed): Promise<NewEntryEvent> {
  const { shard, entry } = placed
  const data = await encodeLogEntry(shard, await prove(placed), virtualIndexOf(placed))
  const { id, json: bareJson } = bareEvent(placed)
  return { id, json: encodeEvent(namesOf(placed), entry, data), bareJson }
}

/** Which entry it is and where, without anything that has to be read: for receivers that refuse the whole event. */
export function bareEvent(placed: Placed): NewEntryEvent {
  const names = namesOf(placed)
  // Digits in a text, since numbers in attributes have 32 bits.
  const event = { ...names, rekor_log_index: String(virtualIndexOf(placed)) }
  return { id: names.id, json: JSON.stringify(event) }
}

function namesOf({ shard, entry }: Placed) {
  return {
    specversion: '1.0',
    id: entryIdOf(shard, entry),
    source: '/createLogEntry',
    type: newEntryType,
  }
}
