/** Where the identity token comes from, and the little of it that the tool itself must know. */
import { readFile } from 'node:fs/promises'
import { decodeJwt, type JWTPayload } from 'jose'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import { codeOf, type Io } from '../io.ts'
import { requestTrialToken } from './trial-issuer.ts'

const limitCharacters = 64 * 1024
const jwtShape = /^[\w-]+\.[\w-]+\.[\w-]+$/
export const trialEmail = 'trial@example.org'

export type TokenOptions = { readonly identityToken?: string; readonly data?: string }

/** Option, then environment, then the trial issuer where the stack is a trial. The token is checked for sense. */
export async function resolveIdentityToken(io: Io, options: TokenOptions): Promise<string> {
  if (options.identityToken !== undefined) return demandToken(await tokenOrFile(options.identityToken))
  for (const name of ['SIGSTACK_ID_TOKEN', 'SIGSTORE_ID_TOKEN']) {
    const token = io.environment[name]
    if (token !== undefined && token !== '') return demandToken(token)
  }
  const advice =
    'Pass --identity-token with a token or a file that holds one, or set SIGSTORE_ID_TOKEN. ' +
    'Signing in with a browser is not part of this tool yet.'
  const endpoints = await readEndpoints(dataFolder(io, options.data)).catch((cause: unknown) => {
    throw new CliError('no_token', 'there is no identity token to sign with', { cause, advice })
  })
  if (endpoints.services['dev-issuer'] === undefined) {
    throw new CliError('no_token', 'there is no identity token to sign with', { advice })
  }
  io.err(`No identity token given: signing as ${trialEmail}, by a token of the trial issuer.\n`)
  return demandToken(await requestTrialToken(endpoints, { email: trialEmail }))
}

async function tokenOrFile(value: string): Promise<string> {
  if (jwtShape.test(value.trim())) return value
  try {
    return await readFile(value, 'utf8')
  } catch (cause) {
    // The value may be a mistyped token, so it is not repeated.
    throw new CliError(
      'bad_token',
      `--identity-token is neither a token nor a readable file (${codeOf(cause)})`,
      {
        cause,
      },
    )
  }
}

/** Refuses what the CA would refuse anyway, with a reason and before any key is made. Never repeats the token. */
function demandToken(text: string, now = Date.now()): string {
  const token = text.trim()
  if (token.length > limitCharacters || !jwtShape.test(token)) {
    throw new CliError('bad_token', 'the identity token is not a JSON Web Token')
  }
  let claims: JWTPayload
  try {
    claims = decodeJwt(token)
  } catch {
    // The cause quotes the token.
    throw new CliError('bad_token', 'the identity token is not a JSON Web Token')
  }
  if (typeof claims.exp === 'number' && claims.exp * 1000 <= now) {
    const since = new Date(claims.exp * 1000).toISOString()
    throw new CliError('bad_token', `the identity token expired at ${since}`, { advice: 'Get a fresh one.' })
  }
  if (claims.sub === undefined && claims['email'] === undefined) {
    throw new CliError('bad_token', 'the identity token names nobody: it has neither sub nor email')
  }
  return token
}
