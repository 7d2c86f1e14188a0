/** A token by signing in at an issuer: in a browser, on another device, or as a client of its own. */
import { quoted } from '@sigstack/crypto'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { type Client, discover } from '@sigstack/oidc-client'
import { CliError } from '../../errors.ts'
import { type Io, textOf } from '../../io.ts'
import { isUrl } from '../../location.ts'
import { browserFlow } from './browser-flow.ts'
import { clientCredentials } from './client-credentials.ts'
import { deviceFlow } from './device-flow.ts'
import type { SignInOptions } from './flows.ts'
import { asNoToken } from './no-token.ts'

const mostSecretBytes = 64 * 1024

/**
 * Without a flow: a browser where a person sits at a terminal, else the device flow. `askTrial`: in place of both, what to
 * do where the issuer is a trial one.
 */
export async function signIn(
  io: Io,
  issuerUrl: string,
  options: SignInOptions,
  askTrial?: (endpoint: string) => Promise<string>,
): Promise<string> {
  const { fulcioAuthFlow: wanted, oidcClientId: id = 'sigstore' } = options
  const client: Client = { id, secret: await secretOf(options.oidcClientSecretFile) }
  if (!isUrl(issuerUrl)) throw new CliError('bad_usage', `the issuer ${quoted(issuerUrl)} is no URL`)
  return begin().catch((error: unknown) => {
    throw asNoToken(error)
  })

  async function begin(): Promise<string> {
    const issuer = await discover(issuerUrl)
    if (askTrial !== undefined && issuer.trialEndpoint !== undefined) return askTrial(issuer.trialEndpoint)
    if (wanted === undefined && io.terminal === undefined)
      io.err('Non-interactive mode detected, using device flow.\n')
    const flow = wanted ?? (io.terminal === undefined ? 'device' : 'normal')
    if (flow === 'device') return deviceFlow(issuer, client, (text) => io.err(text))
    if (flow === 'client_credentials') return clientCredentials(issuer, client)
    return browserFlow(io, issuer, client, options.oidcRedirectUrl)
  }
}

async function secretOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return textOf(await readFileBounded(path, mostSecretBytes), path, 'secret of a client').trim()
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError(
      'unreadable',
      `cannot read the secret of the client at ${path} (${fileReason(cause)})`,
      {
        cause,
      },
    )
  }
}
