/** A file that is a list of things, in YAML or JSON. */
import { isObject, quoted, reasonOf } from '@sigstack/crypto'
import { parse } from 'yaml'
import { MonitorError } from './errors.ts'

const longestFile = 1_048_576

/** The items below `member`, which is the only one. An empty file is an empty list. Throws `bad_file`. */
export function readList(text: string, member: string): readonly unknown[] {
  if (text.length > longestFile) throw bad(`it is longer than ${longestFile} characters`)
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    throw bad(`it is no YAML: ${quoted(reasonOf(cause))}`, cause)
  }
  if (document === null || document === undefined) return []
  const items = isObject(document) && Object.keys(document).length === 1 ? document[member] : undefined
  if (!Array.isArray(items)) throw bad(`it must have one member, ${member}, which is a list`)
  return items
}

/** What `parse` makes of each, its complaints with the place before them. */
export function parseItems<Item>(
  items: readonly unknown[],
  member: string,
  parseItem: (value: unknown) => Item,
): readonly Item[] {
  return items.map((value, at) => {
    try {
      return parseItem(value)
    } catch (cause) {
      if (!(cause instanceof MonitorError)) throw cause
      throw bad(`${member}[${at}]: ${cause.message}`, cause)
    }
  })
}

export function bad(why: string, cause?: unknown): MonitorError {
  return new MonitorError('bad_file', why, { cause })
}
