/** The keys in the index that a public key of a query stands for. */
import { EntryError, parseSearchPublicKey, type SearchKeyFormat } from '@sigstack/rekor-entries'
import type { SearchKey } from '@sigstack/rekor-log'
import { badQuery } from './errors.ts'

/** A certificate chain of ten is some 20 KB in base64; nothing else in a query is long. */
export const keyQueryLimitBytes = 65_536

/**
 * By the hash of a key, and by the fact of an entry that the key verified it, which dsse, intoto, jar, tuf and rfc3161 entries have
 * alone. Never with `sha256:` before it: that is the form of a digest, and anybody can log an entry about the file of somebody's key.
 */
export function byKey(keyHash: string): readonly SearchKey[] {
  return [keyHash, { fact: 'key', value: keyHash }]
}

export async function keysOfPublicKey(
  format: SearchKeyFormat,
  content: string,
  now: Date,
): Promise<readonly SearchKey[]> {
  try {
    return byKey(await parseSearchPublicKey(format, content, now))
  } catch (error) {
    if (error instanceof EntryError) throw badQuery(error.message, error)
    throw error
  }
}
