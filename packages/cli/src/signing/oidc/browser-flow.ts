/** Signing in with the browser of this machine: a code comes back over loopback, or by hand where that does not work. */
import { setTimeout as sleep } from 'node:timers/promises'
import { authorizationUrl, type Client, type Issuer, randomText, redeemCode } from '@sigstack/oidc-client'
import type { Io } from '../../io.ts'
import { scope } from './flows.ts'
import { type Loopback, openLoopback } from './loopback.ts'
import { noToken } from './no-token.ts'

/** The issuer shows the code, and a person brings it here. */
const byHand = 'urn:ietf:wg:oauth:2.0:oob'
const longestWaitMs = 120_000

export async function browserFlow(
  io: Io,
  issuer: Issuer,
  client: Client,
  redirect?: string,
): Promise<string> {
  const request = {
    clientId: client.id,
    scope,
    state: randomText(),
    nonce: randomText(),
    verifier: randomText(),
  }
  const pageFor = (redirectUri: string): string => authorizationUrl(issuer, { ...request, redirectUri }).href
  const { code, redirectUri } = await codeOf(io, pageFor, await openLoopback(request.state, redirect))
  return (await redeemCode(code, issuer, client, { ...request, redirectUri })).token
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
