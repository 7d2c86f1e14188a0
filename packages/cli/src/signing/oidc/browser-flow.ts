/** Signing in with the browser of this machine: a code comes back over loopback, or by hand where that does not work. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Io } from '../../io.ts'
import { checkedToken } from './check-token.ts'
import { type Client, type Issuer, noToken, scope, sendForm } from './issuer.ts'
import { type Loopback, openLoopback } from './loopback.ts'
import { challengeOf, randomText } from './pkce.ts'

/** The issuer shows the code, and a person brings it here. */
const byHand = 'urn:ietf:wg:oauth:2.0:oob'
const longestWaitMs = 120_000

export async function browserFlow(
  io: Io,
  issuer: Issuer,
  client: Client,
  redirect?: string,
): Promise<string> {
  const { authorizationEndpoint } = issuer
  if (authorizationEndpoint === undefined) throw noToken(`the issuer ${issuer.url} has no browser flow`)
  if (!issuer.hasPkce) throw noToken(`the issuer ${issuer.url} does not say that it has PKCE`)
  const [state, nonce, verifier] = [randomText(), randomText(), randomText()]
  const pageFor = (redirectUri: string): string => {
    const url = new URL(authorizationEndpoint)
    const request = {
      response_type: 'code',
      client_id: client.id,
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      ...challengeOf(verifier),
      access_type: 'online',
    }
    for (const [name, value] of Object.entries(request)) url.searchParams.set(name, value)
    return url.href
  }
  const { code, redirectUri } = await codeOf(io, pageFor, await openLoopback(state, redirect))
  const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }
  return checkedToken(await sendForm(issuer.tokenEndpoint, client, form), issuer, client, nonce)
}

type Code = { readonly code: string; readonly redirectUri: string }

async function codeOf(io: Io, pageFor: (redirectUri: string) => string, loopback: Loopback): Promise<Code> {
  const { redirectUri } = loopback
  const waiting = new AbortController()
  try {
    const page = pageFor(redirectUri)
    const isOpen = (await io.openPage?.(page)) ?? false
    if (!isOpen && io.terminal !== undefined) return await codeByHand(io, pageFor)
    io.err(
      isOpen
        ? `Your browser will now be opened to:\n${page}\n`
        : `Open this page in your browser to sign in:\n${page}\n`,
    )
    const late = sleep(longestWaitMs, undefined, { signal: waiting.signal })
    const code = await Promise.race([loopback.code, late])
    if (code !== undefined) return { code, redirectUri }
  } finally {
    waiting.abort()
    loopback.close()
  }
  return codeByHand(io, pageFor)
}

async function codeByHand(io: Io, pageFor: (redirectUri: string) => string): Promise<Code> {
  if (io.terminal === undefined) throw noToken('no answer of the browser came in time')
  io.err(`Go to the following link in a browser:\n\n\t${pageFor(byHand)}\n\nEnter verification code: `)
  const code = (await io.terminal.secret()).trim()
  if (code === '') throw noToken('no verification code was entered')
  return { code, redirectUri: byHand }
}
