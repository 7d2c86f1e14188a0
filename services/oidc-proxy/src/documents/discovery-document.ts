/** The discovery document of an issuer: OpenID Connect Discovery 1.0 sections 3 and 4. */
import { parseBoundedJson, quoted } from '@sigstack/crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Issuer } from '../issuers/issuer.ts'
import { checkUrl } from '../upstream/guarded-fetch.ts'
import { IssuerError } from './issuer-error.ts'

export const maxDiscoveryBytes = 256 * 1024

const Needed = Type.Object({
  issuer: Type.String(),
  jwks_uri: Type.String({ minLength: 1, maxLength: 2048 }),
})

/** One trailing slash of the issuer is removed before the well-known path is put on (section 4). */
export function discoveryUrlOf(issuer: Issuer): string {
  return `${issuer.url.replace(/\/$/, '')}/.well-known/openid-configuration`
}

/**
 * Checks that the document speaks for this issuer, byte for byte: otherwise one issuer's keys could vouch
 * for another's tokens. Throws {@link IssuerError}, or UpstreamError for a `jwks_uri` that is not fetched.
 */
export function parseDiscovery(issuer: Issuer, text: string): { readonly jwksUri: string } {
  const value = parseBoundedJson(text)
  if (!Value.Check(Needed, value)) {
    throw new IssuerError(
      'document_invalid',
      `the discovery document of ${issuer.url} lacks issuer or jwks_uri`,
    )
  }
  if (value.issuer !== issuer.url) {
    throw new IssuerError(
      'issuer_mismatch',
      `the issuer is configured as ${issuer.url} but its discovery document says ${quoted(value.issuer)}; they must be equal, trailing slash included`,
    )
  }
  checkUrl(issuer, value.jwks_uri)
  return { jwksUri: value.jwks_uri }
}
