/**
 * The event of a new entry: a CloudEvent with upstream's type, source and attributes (rekor-v1.md section 13.6). Its data is the entry as
 * `GET /api/v1/log/entries/{entryUUID}` answers it, with proof and SET, so that a receiver can verify at once.
 */
import { readEntryFacts } from '../../entries/signing-identity.ts'
import type { NewEntryEvent } from '../../events/event.ts'
import { encodeLogEntry, entryIdOf } from './log-entry.ts'
import { prove } from './read-entry.ts'
import { type Placed, virtualIndexOf } from './shard.ts'

export const newEntryType = 'dev.sigstore.rekor.events.v1.NewEntry'

export async function newEntryEvent(placed: Placed): Promise<NewEntryEvent> {
  const { shard, entry } = placed
  const id = entryIdOf(shard, entry)
  const { kind = '', identities = [] } = readEntryFacts(entry.leaf) ?? {}
  const attributes = {
    specversion: '1.0',
    id,
    source: '/createLogEntry',
    type: newEntryType,
    time: new Date(Math.floor(entry.sequencedAtMs / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
    datacontenttype: 'application/json',
    rekor_entry_kind: kind,
    // Attributes are texts: several subjects are divided by commas.
    rekor_signing_subjects: [...new Set(identities.flatMap(({ subjects }) => subjects))].join(','),
  }
  const data = await encodeLogEntry(shard, await prove(placed), virtualIndexOf(placed))
  return { id, json: `${JSON.stringify(attributes).slice(0, -1)},"data":${data.toString()}}` }
}
