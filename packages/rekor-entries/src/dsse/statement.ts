/** What an in-toto statement is about, for the search index. Nothing depends on it being well-formed. */
import { parseUtf8 } from '@sigstack/crypto'
import { isList, isObject, memberOf } from '../json.ts'

export const inTotoPayloadType = 'application/vnd.in-toto+json'

/** More than this from one statement would fill the index rather than help to find anything. */
const keyLimit = 1000
const keyLengthLimit = 512

/** `<algorithm>:<digest>` of every subject and of every material of the predicate, as far as they are there. */
export function statementSearchKeys(payload: Uint8Array): readonly string[] {
  const statement = parseJson(payload)
  if (!isObject(statement)) return []
  const predicate = memberOf(statement, 'predicate')
  const materials = isObject(predicate) ? memberOf(predicate, 'materials') : undefined
  const keys: string[] = []
  for (const list of [memberOf(statement, 'subject'), materials]) {
    for (const item of isList(list) ? list : []) {
      for (const key of digestKeys(item)) {
        if (keys.length === keyLimit) return keys
        keys.push(key)
      }
    }
  }
  return keys
}

function digestKeys(item: unknown): readonly string[] {
  const digests = isObject(item) ? memberOf(item, 'digest') : undefined
  if (!isObject(digests)) return []
  return Object.entries(digests)
    .filter(([, digest]) => typeof digest === 'string')
    .map(([algorithm, digest]) => `${algorithm}:${String(digest)}`)
    .filter((key) => key.length <= keyLengthLimit)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(parseUtf8(bytes) ?? '')
  } catch {
    return undefined
  }
}
