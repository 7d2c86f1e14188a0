/** What the clients of the issuer do, whichever way they sign in. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Test } from 'tap'
import { createBrowser } from './browser.ts'
import { startIssuer } from './start.ts'

export type Metadata = {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly jwks_uri: string
  readonly device_authorization_endpoint: string
}

export const discover = async (issuer: string): Promise<Metadata> =>
  (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Metadata

export async function open(t: Test, path = '') {
  const running = await startIssuer(t, { path })
  const metadata = await discover(running.issuer)
  return { ...running, metadata, browser: createBrowser(new URL(running.issuer).origin) }
}

export async function verify(metadata: Metadata, token: string) {
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
  const { payload } = await jwtVerify(token, keys, {
    issuer: metadata.issuer,
    audience: 'sigstore',
    algorithms: ['RS256'],
  })
  return payload
}

export const post = (url: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(form), headers })

export type Tokens = {
  readonly id_token: string
  readonly access_token: string
  readonly token_type: string
  readonly error?: string
}
