/** The key of a search, as `/api/v1/index/retrieve` gets it. */
import { EntryError } from '../errors.ts'
import { parseBase64At } from '../json.ts'
import { keyContentLimit, parseCanonicalKey } from './canonical-key.ts'

/**
 * The lookup key for `publicKey` of format x509: hex SHA-256 of the canonical form of what `content` (base64 of PEM) holds,
 * without prefix. Throws `bad_search_key`.
 */
export function parseSearchPublicKey(content: string): string {
  try {
    return parseCanonicalKey(parseBase64At(content, 'publicKey.content', keyContentLimit)).hash
  } catch (cause) {
    if (!(cause instanceof EntryError)) throw cause
    throw new EntryError('bad_search_key', 'public key provided could not be parsed', { cause })
  }
}
