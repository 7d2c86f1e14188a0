/** Search keys from what the log holds, so that an index can be made anew without its clients. */
import { parseUtf8 } from '@sigstack/crypto'
import { isEntryKind } from './entry.ts'
import { EntryError } from './errors.ts'
import { isObject, memberOf } from './json.ts'
import { kinds } from './kinds.ts'

/**
 * The search keys of a stored canonical body. They are those of {@link verifyProposal} as far as the body holds them: of
 * dsse and intoto the subjects and materials of a statement are missing, since only its hash is logged. A kind or version that
 * is not known here has none. Throws `bad_body` for what is no body at all, and the errors of its kind for a broken one.
 */
export function searchKeysOf(body: Uint8Array): readonly string[] {
  const entry = parseBody(body)
  if (!isObject(entry)) throw new EntryError('bad_body', 'the stored body is not a JSON object')
  const spec = memberOf(entry, 'spec')
  if (!isObject(spec)) throw new EntryError('bad_body', 'the stored body has no spec')
  const kind = memberOf(entry, 'kind')
  const apiVersion = memberOf(entry, 'apiVersion')
  if (!isEntryKind(kind) || typeof apiVersion !== 'string') return []
  return kinds.get(kind)?.get(apiVersion)?.searchKeysOf(spec) ?? []
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(parseUtf8(body) ?? '')
  } catch (cause) {
    throw new EntryError('bad_body', 'the stored body is not JSON', { cause })
  }
}
