/**
 * What the signing clients need and oidc-provider does not do by itself. Each is a middleware of its own
 * around the provider, with the client that needs it.
 */
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { pageHeaders } from '../pages/page.ts'
import { outOfBandPage, problemPage } from '../pages/pages.ts'

export const routes = {
  authorization: '/auth',
  code_verification: '/device',
  device_authorization: '/device/auth',
  jwks: '/jwks',
  token: '/token',
} as const

export const outOfBandRedirect = 'urn:ietf:wg:oauth:2.0:oob'

/** A polling pause that RFC 8628 leaves at 5 seconds when it is absent; a trial may be quicker. */
const devicePollSeconds = 2

/** `mount` is the path of the issuer, below which all of it lives. */
export function serveClientNeeds(provider: Provider, mount: string): void {
  provider.use(async (ctx, next) => {
    Object.assign(ctx, { mountPath: mount })
    // With a code in the URL oidc-provider answers with a script that submits it. We show it in the form
    // instead: no scripts, and the person sees what they confirm.
    if (
      ctx.method === 'GET' &&
      ctx.path === routes.code_verification &&
      typeof ctx.query.user_code === 'string'
    ) {
      ctx.state.userCode = ctx.query.user_code.slice(0, 64)
      ctx.querystring = ''
    }
    await next()
    adaptAnswer(ctx as KoaContextWithOIDC)
  })
}

function adaptAnswer(ctx: KoaContextWithOIDC): void {
  const route = (ctx.oidc as KoaContextWithOIDC['oidc'] | undefined)?.route
  if (ctx.status === 200 && typeof ctx.body === 'object' && ctx.body !== null) {
    const body = ctx.body as Record<string, unknown>
    // sigstore-python uses the access token as identity token: it has to be a JWT for audience `sigstore`.
    // Nothing else accepts an access token here (no userinfo, no introspection), so it is the same token.
    if (route === 'token' && typeof body.id_token === 'string') body.access_token = body.id_token
    // cosign and gitsign pause for `interval` seconds between polls.
    if (route === 'device_authorization') body.interval = devicePollSeconds
  }
  // sigstore-python, cosign and gitsign without a browser: no program listens at the redirect, so the person
  // is shown the code.
  const location = ctx.response.get('location')
  if (ctx.status === 303 && location.startsWith(`${outOfBandRedirect}?`)) showOutOfBand(ctx, location)
}

function showOutOfBand(ctx: KoaContextWithOIDC, location: string): void {
  const answer = new URL(location).searchParams
  const code = answer.get('code')
  ctx.remove('location')
  ctx.status = code === null ? 400 : 200
  ctx.body =
    code === null ? problemPage(answer.get('error_description') ?? 'the sign-in failed') : outOfBandPage(code)
  ctx.set(pageHeaders)
}
