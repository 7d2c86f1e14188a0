/** oidc-provider, set up for public clients and nothing that these do not need. */
import { randomBytes } from 'node:crypto'
import { withoutEnd } from '@sigstack/crypto'
import type { Logger } from '@sigstack/server'
import Provider, { type Configuration, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { pageHeaders } from '../pages/page.ts'
import {
  type DevicePage,
  deviceCodePage,
  deviceConfirmPage,
  deviceDonePage,
  problemPage,
} from '../pages/pages.ts'
import { tokenLifetimeSeconds } from '../tokens/mint-token.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { outOfBandRedirect, routes, serveClientNeeds } from './client-needs.ts'
import { checkDevicePkce, deviceGrantType } from './device-pkce.ts'
import { createMemoryAdapter } from './memory-adapter.ts'
import { formWithin } from './provider-request.ts'

export type ProviderOptions = {
  readonly issuer: string
  /** The path of the issuer, empty at the root of its host. */
  readonly mount: string
  readonly key: SigningKey
  readonly logger: Logger
  readonly now: () => number
}

/** That of everybody who signs, and one of the console: a token for that one is none to sign with. */
const clientIds = ['sigstore', 'sigstack-console']
const scope = 'openid email'
const signInSeconds = 600

/** sigstore-js sends no path, sigstore-rs `/`, cosign, gitsign and sigstore-python `/auth/callback`, sigstore-java `/Callback`. */
const callbackPaths = ['', '/', '/auth/callback', '/Callback']
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]']

export function createProvider(options: ProviderOptions): Provider {
  const { issuer, mount, logger, now } = options
  const provider = new Provider(issuer, configurationOf(options))
  // Its scheme and host come from us, see provider-request.ts.
  provider.proxy = true
  // Otherwise Koa writes to the console.
  provider.silent = true
  provider.on('server_error', (_ctx, error) => logger.error({ err: error }, 'sign-in failed'))
  serveClientNeeds(provider, mount)
  checkDevicePkce(provider, { now, lifetimeSeconds: signInSeconds, paths: routes, formOf: formWithin })
  return provider
}

function configurationOf({ issuer, mount, key, now }: ProviderOptions): Configuration {
  return {
    adapter: createMemoryAdapter(now),
    routes,
    jwks: { keys: [key.privateJwk] as NonNullable<Configuration['jwks']>['keys'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
    clients: clientIds.map((id) => ({
      client_id: id,
      // Any port of a loopback address is permitted to a native client (RFC 8252 section 7.3).
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [
        ...loopbackHosts.flatMap((host) => callbackPaths.map((path) => `http://${host}${path}`)),
        outOfBandRedirect,
      ],
      grant_types: ['authorization_code', deviceGrantType],
      response_types: ['code'],
      scope,
    })),
    // Basic is honest: it is accepted with an empty secret, see provider-request.ts.
    clientAuthMethods: ['none', 'client_secret_basic'],
    responseTypes: ['code'],
    scopes: scope.split(' '),
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    // A tool that has nobody to sign in, and is told of a trial, asks there.
    discovery: { sigstack_trial_token_endpoint: `${withoutEnd(issuer, '/')}/trial/token` },
    // The e-mail address is the account.
    findAccount: (_ctx, email) => ({
      accountId: email,
      claims: async () => ({ sub: email, email, email_verified: true }),
    }),
    interactions: { url: (_ctx, { uid }) => `${mount}/interaction/${uid}`, policy: signInOnly() },
    loadExistingGrant: grantAll,
    // A code outlives the session it came from: the next sign-in begins without it.
    expiresWithSession: async () => false,
    issueRefreshToken: async () => false,
    clientBasedCORS: () => false,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    ttl: {
      AccessToken: tokenLifetimeSeconds,
      IdToken: tokenLifetimeSeconds,
      AuthorizationCode: signInSeconds,
      DeviceCode: signInSeconds,
      Grant: signInSeconds,
      Interaction: signInSeconds,
      Session: signInSeconds,
    },
    renderError: (ctx, out) => sendPage(ctx, problemPage(out.error_description ?? out.error)),
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, _form, _out, error) =>
          sendPage(ctx, deviceCodePage({ ...deviceForm(ctx), ...describeDeviceError(error) })),
        userCodeConfirmSource: (ctx, _form, _client, _device, userCode) =>
          sendPage(ctx, deviceConfirmPage({ ...deviceForm(ctx), userCode })),
        successSource: (ctx) => sendPage(ctx, deviceDonePage()),
      },
    },
  }
}

/** Nobody is asked to consent: signing in is all that the clients want. */
function signInOnly(): interactionPolicy.Prompt[] {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  return policy
}

const grantAll: NonNullable<Configuration['loadExistingGrant']> = async (ctx) => {
  const { provider, client, session } = ctx.oidc
  const grant = new provider.Grant({
    clientId: client?.clientId ?? '',
    accountId: session?.accountId ?? '',
  })
  grant.addOIDCScope(scope)
  await grant.save()
  return grant
}

function sendPage(ctx: KoaContextWithOIDC, html: string): void {
  ctx.body = html
  ctx.set(pageHeaders)
}

function deviceForm(ctx: KoaContextWithOIDC): DevicePage {
  const state = ctx.oidc.session?.state as { readonly secret?: string } | undefined
  const { userCode } = ctx.state as { readonly userCode?: string }
  return {
    action: ctx.oidc.urlFor('code_verification'),
    formToken: state?.secret ?? '',
    ...(userCode === undefined ? {} : { userCode }),
  }
}

function describeDeviceError(error: Error | undefined): { readonly problem?: string } {
  if (error === undefined) return {}
  return {
    problem:
      error.name === 'AbortedError'
        ? 'Stopped: the device was not signed in.'
        : 'This code is not known, or no longer valid.',
  }
}
