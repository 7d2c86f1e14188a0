/** The key set of an issuer: RFC 7517 section 5. The keys themselves are judged by whoever uses them. */
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Issuer } from '../issuers/issuer.ts'
import { IssuerError } from './issuer-error.ts'

export const maxKeySetBytes = 512 * 1024

const KeySet = Type.Object({
  keys: Type.Array(Type.Object({ kty: Type.String({ minLength: 1 }), kid: Type.Optional(Type.String()) }), {
    maxItems: 1000,
  }),
})

/** The key ids in the set. Throws {@link IssuerError} when it is no key set. */
export function parseKeySet(issuer: Issuer, text: string): { readonly keyIds: ReadonlySet<string> } {
  const value: unknown = JSON.parse(text)
  if (!Value.Check(KeySet, value)) {
    throw new IssuerError('document_invalid', `the key set of ${issuer.url} is not a JSON Web Key Set`)
  }
  return { keyIds: new Set(value.keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid]))) }
}
