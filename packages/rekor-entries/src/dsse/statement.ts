/** What an in-toto statement is about, for the search index. Nothing depends on it being well-formed. */
import { isObject, memberAt, parseBoundedJson, parseUtf8 } from '@sigstack/crypto'
import { isList } from '../json.ts'

export const inTotoPayloadType = 'application/vnd.in-toto+json'

/** More than this from one statement would fill the index rather than help to find anything. */
const digestLimit = 1000
const lengthLimit = 512

/** `<algorithm>:<digest>` of every subject and of every material of the predicate, as far as they are there. */
export function statementDigests(payload: Uint8Array): readonly string[] {
  const statement = parseJson(payload)
  if (!isObject(statement)) return []
  const predicate = memberAt(statement, 'predicate')
  const materials = memberAt(predicate, 'materials')
  const keys: string[] = []
  for (const list of [memberAt(statement, 'subject'), materials]) {
    for (const item of isList(list) ? list : []) {
      for (const key of digestsOf(item)) {
        if (keys.length === digestLimit) return keys
        keys.push(key)
      }
    }
  }
  return keys
}

function digestsOf(item: unknown): readonly string[] {
  const digests = memberAt(item, 'digest')
  if (!isObject(digests)) return []
  return Object.entries(digests)
    .filter(([, digest]) => typeof digest === 'string')
    .map(([algorithm, digest]) => `${algorithm}:${String(digest)}`)
    .filter((key) => key.length <= lengthLimit)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseBoundedJson(parseUtf8(bytes) ?? '')
  } catch {
    return undefined
  }
}
