/** The canonical JSON that TUF signatures are over (specification section 4.2). It is not that of RFC 8785. */
import { EntryError } from '../errors.ts'
import { isList, isObject } from '../json.ts'

/** Names sorted by their UTF-8 bytes; in strings only quote and backslash are escaped; numbers are integers. */
export function olpcJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new EntryError('bad_format', 'tuf: a number is not an integer')
    // Not -0.
    return String(value + 0)
  }
  if (isList(value)) return `[${value.map(olpcJson).join(',')}]`
  if (!isObject(value)) throw new EntryError('bad_format', 'tuf: a value is not JSON')
  const members = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return `{${members.map(([name, member]) => `${quote(name)}:${olpcJson(member)}`).join(',')}}`
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
