/**
 * The key set of an issuer: RFC 7517 section 5. The keys themselves are judged by whoever uses them: one that is odd is no
 * reason to keep the others from them.
 */
import { memberAt, parseBoundedJson } from '@sigstack/crypto'
import type { Issuer } from '../issuers/issuer.ts'
import { IssuerError } from './issuer-error.ts'

export const maxKeySetBytes = 1024 * 1024

/** The key ids in the set. Throws {@link IssuerError} when it is no key set. */
export function parseKeySet(issuer: Issuer, text: string): { readonly keyIds: ReadonlySet<string> } {
  const keys = memberAt(parseBoundedJson(text), 'keys')
  if (!Array.isArray(keys)) {
    throw new IssuerError('document_invalid', `the key set of ${issuer.url} has no list of keys`)
  }
  return { keyIds: new Set(keys.flatMap(keyIdsOf)) }
}

function keyIdsOf(key: unknown): readonly string[] {
  const keyId = memberAt(key, 'kid')
  return typeof keyId === 'string' ? [keyId] : []
}
