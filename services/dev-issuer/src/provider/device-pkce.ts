/**
 * PKCE for the device flow, as cosign and gitsign send it: a challenge with the request for a device code, its verifier with each
 * poll (RFC 7636 section 4). oidc-provider knows it in the code flow only, and RFC 8628 does not ask for it, so a
 * client that sends no challenge is served as before.
 */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { createMemoryAdapter } from './memory-adapter.ts'

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

export type DevicePkceOptions = {
  readonly now: () => number
  /** As long as a device code lives. */
  readonly lifetimeSeconds: number
  readonly paths: { readonly device_authorization: string; readonly token: string }
  /** The form of a request, which the provider has not read yet. */
  readonly formOf: (request: IncomingMessage) => URLSearchParams | undefined
}

/** Must be in place before the provider's own answers. */
export function checkDevicePkce(provider: Provider, options: DevicePkceOptions): void {
  const { now, lifetimeSeconds, paths, formOf } = options
  const challenges = createMemoryAdapter(now)('DeviceChallenge')
  const refuse = (ctx: KoaContextWithOIDC, error: string, description: string): void => {
    ctx.status = 400
    ctx.body = { error, error_description: description }
  }
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    const form = ctx.method === 'POST' ? formOf(ctx.req) : undefined
    if (form !== undefined && ctx.path === paths.device_authorization) {
      const challenge = form.get('code_challenge')
      if (challenge !== null && (form.get('code_challenge_method') !== 'S256' || !isChallenge(challenge)))
        return refuse(ctx, 'invalid_request', 'code_challenge must be of the method S256')
      await next()
      const { device_code: code } = ctx.body as { readonly device_code?: string }
      if (challenge !== null && code !== undefined)
        await challenges.upsert(code, { challenge }, lifetimeSeconds)
      return
    }
    if (form !== undefined && ctx.path === paths.token && form.get('grant_type') === deviceGrantType) {
      const known = await challenges.find(form.get('device_code') ?? '')
      const verifier = form.get('code_verifier') ?? ''
      if (known !== undefined && known['challenge'] !== hash('sha256', verifier, 'base64url'))
        return refuse(ctx, 'invalid_grant', 'code_verifier does not belong to the code_challenge')
    }
    await next()
  })
}

function isChallenge(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}
