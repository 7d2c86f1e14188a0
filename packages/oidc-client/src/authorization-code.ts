/** Signing in by a browser: the authorization code flow (OpenID Connect Core 1.0 section 3.1) with PKCE. */
import { type CheckedToken, checkedToken } from './check-token.ts'
import { OidcError } from './errors.ts'
import { type Client, type Issuer, sendForm } from './issuer.ts'
import { challengeOf } from './pkce.ts'

export type AuthorizationRequest = {
  readonly clientId: string
  readonly redirectUri: string
  /** With blanks between. */
  readonly scope: string
  readonly state: string
  readonly nonce: string
  /** Of PKCE. It stays here: the issuer is told its hash. */
  readonly verifier: string
}

/** Where the browser is sent. Throws `bad_issuer` where there is no such flow, or no PKCE. */
export function authorizationUrl(issuer: Issuer, request: AuthorizationRequest): URL {
  const { authorizationEndpoint, hasPkce } = issuer
  if (authorizationEndpoint === undefined)
    throw new OidcError('bad_issuer', issuer.url, `the issuer ${issuer.url} has no browser flow`)
  if (!hasPkce)
    throw new OidcError('bad_issuer', issuer.url, `the issuer ${issuer.url} does not say that it has PKCE`)
  const url = new URL(authorizationEndpoint)
  const parameters = {
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    scope: request.scope,
    state: request.state,
    nonce: request.nonce,
    ...challengeOf(request.verifier),
    access_type: 'online',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

/** The ID token for the code that the browser came back with, `request` being the one it was sent with. */
export async function redeemCode(
  code: string,
  issuer: Issuer,
  client: Client,
  { redirectUri, nonce, verifier }: Pick<AuthorizationRequest, 'redirectUri' | 'nonce' | 'verifier'>,
): Promise<CheckedToken> {
  const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }
  return checkedToken(await sendForm(issuer.tokenEndpoint, client, form), issuer, client, nonce)
}
