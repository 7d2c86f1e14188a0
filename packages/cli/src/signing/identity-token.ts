/** Where the identity token comes from. */
import { stat } from 'node:fs/promises'
import { quoted } from '@sigstack/crypto'
import { callSocket, requestBounded } from '@sigstack/http-client'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { ambientToken, demandToken, isTokenShaped, longestToken } from '@sigstack/signing'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import { type Io, textOf } from '../io.ts'
import type { SignInOptions } from './oidc/flows.ts'
import { askTrialIssuer, requestTrialToken } from './trial-issuer.ts'

export const trialEmail = 'trial@example.org'

export type TokenOptions = {
  readonly identityToken?: string
  readonly oidcProvider?: string
  readonly oidcDisableAmbientProviders?: boolean
  readonly oidcIssuer?: string
  readonly data?: string
} & SignInOptions

/**
 * Option, then environment, then what the surroundings of a job give, then the trial issuer where the stack
 * is a trial, then a sign-in at `issuer`. The token is checked for sense.
 */
export async function resolveIdentityToken(
  io: Io,
  options: TokenOptions,
  issuer: string | undefined,
): Promise<string> {
  const now = new Date()
  if (options.identityToken !== undefined) return demandToken(await tokenOrFile(options.identityToken), now)
  if (options.fulcioAuthFlow === 'token')
    throw new CliError('bad_usage', 'the flow token takes the token of --identity-token')
  const found = await tokenAround(io, options)
  return demandToken(found ?? (await tokenAsked(io, options, issuer)), now)
}

/** A trial needs nobody to sign in, unless that is asked for. */
async function tokenAsked(io: Io, options: TokenOptions, issuer: string | undefined): Promise<string> {
  const isNamed = options.oidcIssuer !== undefined || options.fulcioAuthFlow !== undefined
  const trial = isNamed ? undefined : await trialToken(io, options, issuer)
  if (trial !== undefined) return trial
  if (issuer !== undefined) {
    const { signIn } = await import('./oidc/sign-in.ts')
    const askTrial = (endpoint: string): Promise<string> => {
      tellTrial(io)
      return askTrialIssuer(endpoint, { email: trialEmail })
    }
    return signIn(io, issuer, options, isNamed ? undefined : askTrial)
  }
  throw new CliError('no_token', 'there is no identity token to sign with', {
    advice:
      'Pass --identity-token with a token or a file that holds one, set SIGSTORE_ID_TOKEN, or name an issuer to sign in at with --oidc-issuer.',
  })
}

/** Of the environment and the surroundings of a job. */
export async function tokenAround(
  io: Io,
  options: Pick<TokenOptions, 'oidcProvider' | 'oidcDisableAmbientProviders'>,
): Promise<string | undefined> {
  const { oidcProvider: provider } = options
  if (provider === undefined)
    for (const name of ['SIGSTACK_ID_TOKEN', 'SIGSTORE_ID_TOKEN']) {
      const token = io.environment[name]
      if (token !== undefined && token !== '') return token
    }
  if (options.oidcDisableAmbientProviders === true) return undefined
  const surroundings = {
    environment: io.environment,
    exchange: requestBounded,
    callSocket,
    isSocket: (path: string) =>
      stat(path).then(
        (found) => found.isSocket(),
        () => false,
      ),
    readFile: (path: string) =>
      readFileBounded(path, longestToken, { isRegular: true }).then(String, () => undefined),
  }
  const found = await ambientToken(surroundings, provider)
  if (found !== undefined) io.err(`Using the identity token of ${found.provider}.\n`)
  return found?.token
}

/** Undefined where no stack with a trial issuer runs on the data folder, or `issuer` is of another instance. */
async function trialToken(
  io: Io,
  options: TokenOptions,
  issuer: string | undefined,
): Promise<string | undefined> {
  const endpoints = await readEndpoints(dataFolder(io, options.data)).catch(() => undefined)
  if (endpoints?.services['dev-issuer'] === undefined) return undefined
  if (issuer !== undefined && issuer !== endpoints.issuer) return undefined
  tellTrial(io)
  return requestTrialToken(endpoints, { email: trialEmail })
}

function tellTrial(io: Io): void {
  io.err(`No identity token given: signing as ${trialEmail}, by a token of the trial issuer.\n`)
}

/** `value` itself, or what the file of that name holds. */
export async function tokenOrFile(value: string): Promise<string> {
  if (isTokenShaped(value)) return value
  // A mistyped token is not repeated; a name of a file is.
  const named = /^[^\s]{0,255}$/.test(value) && !value.includes('eyJ') ? ` ${quoted(value)}` : ''
  try {
    return textOf(await readFileBounded(value, longestToken), `the file${named}`, 'token')
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError(
      'bad_token',
      `--identity-token is neither a token nor a file that can be read:${named} (${fileReason(cause)})`,
      { cause },
    )
  }
}
