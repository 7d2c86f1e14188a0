/**
 * The event of a new entry: a CloudEvent, as Rekor v1 has them and upstream's v2 has not. Its data is the entry as a writer is answered,
 * with a fresh proof, so that a receiver can verify at once.
 */
import { toHex } from '@sigstack/crypto'
import type { LogPart } from '@sigstack/rekor-log'
import { encodeEvent } from '../../events/encode-event.ts'
import type { EventForm } from '../../events/open-events.ts'
import { encodeTransparencyLogEntry } from './transparency-log-entry.ts'

const newEntryType = 'dev.sigstore.rekor.events.v2.NewEntry'

type Placed = Parameters<EventForm<LogPart>['bareEvent']>[0]

/** @param logId Of the shard, in base64. */
export function eventsOf(logId: string): EventForm<LogPart> {
  return {
    newEntryEvent: async (placed) => {
      const { log } = placed.shard
      const { entry } = placed
      const checkpoint = await log.checkpointCovering(entry.leafIndex)
      const inclusionProof = await log.proveInclusion(entry.leafIndex, checkpoint.treeHead.size)
      const data = encodeTransparencyLogEntry(logId, { entry, checkpoint, inclusionProof })
      const { id, json: bareJson } = bareEvent(placed)
      return { id, json: encodeEvent(namesOf(placed), entry, data), bareJson }
    },
    bareEvent,
  }
}

/** Which entry it is and where, without anything that has to be read. */
function bareEvent(placed: Placed): { readonly id: string; readonly json: string } {
  const names = namesOf(placed)
  return { id: names.id, json: JSON.stringify(names) }
}

function namesOf({ shard, entry }: Placed) {
  return {
    specversion: '1.0',
    id: toHex(entry.leafHash),
    source: '/api/v2/log/entries',
    type: newEntryType,
    rekor_log_origin: shard.log.origin,
    // Digits in a text, since numbers in attributes have 32 bits.
    rekor_log_index: String(entry.leafIndex),
  }
}
