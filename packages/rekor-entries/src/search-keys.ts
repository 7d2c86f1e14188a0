/** Search keys from what the log holds, so that an index can be made anew without its clients. */
import { parseUtf8 } from '@sigstack/crypto'
import { dsseSearchKeys } from './dsse/dsse.ts'
import { EntryError } from './errors.ts'
import { hashedrekordSearchKeys } from './hashedrekord/hashedrekord.ts'
import { isObject, memberOf } from './json.ts'

/**
 * The search keys of a stored canonical body. For hashedrekord they are those of {@link verifyProposal}; for dsse the
 * subjects and materials of an in-toto statement are missing, since the body holds only the payload's hash. A kind that is
 * not known here has none. Throws `bad_body` for what is no body at all, and the errors of its kind for a broken one.
 */
export function searchKeysOf(body: Uint8Array): readonly string[] {
  const entry = parseBody(body)
  if (!isObject(entry)) throw new EntryError('bad_body', 'the stored body is not a JSON object')
  const spec = memberOf(entry, 'spec')
  if (!isObject(spec)) throw new EntryError('bad_body', 'the stored body has no spec')
  switch (memberOf(entry, 'kind')) {
    case 'hashedrekord':
      return hashedrekordSearchKeys(spec)
    case 'dsse':
      return dsseSearchKeys(spec)
    default:
      return []
  }
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(parseUtf8(body) ?? '')
  } catch (cause) {
    throw new EntryError('bad_body', 'the stored body is not JSON', { cause })
  }
}
