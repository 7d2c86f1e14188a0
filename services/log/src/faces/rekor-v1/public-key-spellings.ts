/** The keys in the index that a public key of a query stands for. */
import { EntryError, parseSearchPublicKey, type SearchKeyFormat } from '@sigstack/rekor-entries'
import { badRequest } from './errors.ts'

export async function publicKeySpellings(
  format: SearchKeyFormat,
  content: string,
): Promise<readonly string[]> {
  try {
    const key = await parseSearchPublicKey(format, content)
    // dsse and intoto entries are found under the prefixed form, all others under the bare one.
    return [key, `sha256:${key}`]
  } catch (error) {
    if (error instanceof EntryError) throw badRequest(error.message, error)
    throw error
  }
}
