/** The canonical JSON that TUF signatures are over (specification section 4.2). It is not that of RFC 8785. */
import { isObject } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { isList } from '../json.ts'

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
  const members = byUtf8(Object.keys(value)).map((name) => `${quote(name)}:${olpcJson(value[name])}`)
  return `{${members.join(',')}}`
}

/** Each name is encoded once: one character a byte, so that texts compare as their bytes do. */
function byUtf8(names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, bytes: Buffer.from(name).toString('latin1') }))
    .sort((a, b) => (a.bytes < b.bytes ? -1 : Number(a.bytes > b.bytes)))
    .map(({ name }) => name)
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
