/** Events of new entries as every face of Rekor writes them: CloudEvents with the attributes of upstream (rekor-v1.md section 13.6). */
import type { LogEntry } from '@sigstack/log-engine'
import { tellEntry } from '@sigstack/rekor-log'

/** One event; `names` are the attributes that differ between faces, `data` is JSON. */
export function encodeEvent(
  names: Readonly<Record<string, string>>,
  { leaf, sequencedAtMs }: LogEntry,
  data: Uint8Array,
): string {
  const { kind, verifiers } = tellEntry(leaf).entry
  const attributes = {
    ...names,
    time: new Date(Math.floor(sequencedAtMs / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
    datacontenttype: 'application/json',
    rekor_entry_kind: kind,
    // Attributes are texts: several subjects are divided by commas. One within a subject, as names of branches may have, divides nothing.
    rekor_signing_subjects: [...new Set(verifiers.flatMap(({ subjects }) => subjects))]
      .map((subject) => subject.replaceAll(',', '%2C'))
      .join(','),
  }
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data.toString()}}`
}
