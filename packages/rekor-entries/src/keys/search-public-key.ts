/** The key of a search, as `/api/v1/index/retrieve` gets it. */
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { parseBase64At } from '../json.ts'
import { parseSignedBytes, parseVerifiedRoot } from '../tuf/metadata.ts'
import { withinWork } from '../work.ts'
import { keyContentLimit, parseCanonicalKey } from './canonical-key.ts'
import { minisignContentLimit, parseMinisignKey } from './minisign.ts'
import { parsePgpKeyRing, pgpKeyContentLimit } from './pgp/key-ring.ts'
import { parseAuthorizedKey, sshKeyContentLimit } from './ssh/authorized-key.ts'

/** In the order of Rekor's API description. */
export const searchKeyFormats = ['pgp', 'x509', 'minisign', 'ssh', 'tuf'] as const

export type SearchKeyFormat = (typeof searchKeyFormats)[number]

export function isSearchKeyFormat(format: unknown): format is SearchKeyFormat {
  return (searchKeyFormats as readonly unknown[]).includes(format)
}

type KeyFormat = {
  /** Characters of base64. */
  readonly limit: number
  /** Hex SHA-256 of the form in which a body holds the key. */
  readonly hashOf: (content: Uint8Array, now: Date) => string | Promise<string>
}

const formats: Readonly<Record<SearchKeyFormat, KeyFormat>> = {
  pgp: { limit: pgpKeyContentLimit, hashOf: async (content) => (await parsePgpKeyRing(content)).hash },
  x509: { limit: keyContentLimit, hashOf: (content) => parseCanonicalKey(content).hash },
  minisign: { limit: minisignContentLimit, hashOf: (content) => parseMinisignKey(content).hash },
  ssh: { limit: sshKeyContentLimit, hashOf: (content) => parseAuthorizedKey(content).hash },
  // A repository's key is its root, which counts only when it is signed by its own keys and has not expired.
  tuf: {
    limit: keyContentLimit,
    hashOf: async (content, now) => (await parseVerifiedRoot(parseSignedBytes(content), now)).signed.hash,
  },
}

/** A root of TUF with ten keys of P-256 costs a third of it. */
const workLimit = 32

/**
 * The lookup key for `publicKey`: hex SHA-256 of the canonical form of what `content` (base64) holds, without prefix. Throws
 * `bad_search_key`.
 */
export async function parseSearchPublicKey(
  format: SearchKeyFormat,
  content: string,
  now: Date,
): Promise<string> {
  const { limit, hashOf } = formats[format]
  try {
    return await withinWork(workLimit, () =>
      refusing('', async () => hashOf(parseBase64At(content, 'publicKey.content', limit), now)),
    )
  } catch (cause) {
    if (!(cause instanceof EntryError)) throw cause
    throw new EntryError('bad_search_key', 'public key provided could not be parsed', { cause })
  }
}
