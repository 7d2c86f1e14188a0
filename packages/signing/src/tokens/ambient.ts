/**
 * Identity tokens out of the surroundings of a job: what its CI service or cluster gives to whoever asks
 * from inside. The audience is the one that certificate authorities expect. No error repeats a token.
 */
import { quoted, withoutEnd } from '@sigstack/crypto'
import { SigningError } from '../errors.ts'
import { ask, tokenIn } from './ask.ts'
import { fromGoogleImpersonation, fromGoogleMetadata } from './google.ts'
import { fromSpiffe } from './spiffe.ts'
import { audience, type Source, type Surroundings } from './surroundings.ts'

const tokenFile = '/var/run/sigstore/cosign/oidc-token'

/** By the names of cosign's `--oidc-provider`. */
const sources: ReadonlyMap<string, Source> = new Map<string, Source>([
  ['github-actions', fromGithubActions],
  ['buildkite-agent', fromBuildkite],
  ['envvar', async ({ environment }) => environment['SIGSTORE_ID_TOKEN'] || undefined],
  ['filesystem', async ({ readFile }) => (await readFile(tokenFile))?.trim() || undefined],
  ['spiffe', fromSpiffe],
  // Acting for another account is asked for by its name, so it comes before the machine's own.
  ['google-impersonate', fromGoogleImpersonation],
  ['google-workload-identity', fromGoogleMetadata],
])
export const ambientProviders: readonly string[] = [...sources.keys()]

/**
 * The token of the first that has one, or of `provider` alone. Throws `bad_token` where one that should
 * have it fails and no other has one.
 */
export async function ambientToken(
  surroundings: Surroundings,
  provider?: string,
): Promise<{ readonly token: string; readonly provider: string } | undefined> {
  if (provider !== undefined && !sources.has(provider))
    throw new SigningError('bad_token', `tokens of the provider ${quoted(provider)} are not supported`, {
      advice: `There are ${ambientProviders.join(', ')}; any other token is given with --identity-token.`,
    })
  let failure: SigningError | undefined
  for (const [name, source] of sources) {
    if (provider !== undefined && name !== provider) continue
    try {
      const token = await source(surroundings, provider !== undefined)
      if (token !== undefined) return { token, provider: name }
    } catch (error) {
      if (!(error instanceof SigningError)) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
  if (provider === undefined) return undefined
  throw new SigningError('bad_token', `the provider ${provider} has no token here`)
}

async function fromGithubActions({ environment, exchange }: Surroundings): Promise<string | undefined> {
  const url = environment['ACTIONS_ID_TOKEN_REQUEST_URL']
  const secret = environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']
  if (!url || !secret) return undefined
  const who = 'GitHub Actions'
  const answer = await ask(exchange, `${url}&audience=${audience}`, {
    who,
    advice: 'The job needs the permission to ask for one (`permissions: id-token: write`).',
    headers: { authorization: `bearer ${secret}` },
  })
  return tokenIn(who, answer, 'value')
}

async function fromBuildkite({ environment, exchange }: Surroundings): Promise<string | undefined> {
  const secret = environment['BUILDKITE_AGENT_ACCESS_TOKEN']
  const job = environment['BUILDKITE_JOB_ID']
  if (!secret || !job) return undefined
  const endpoint = withoutEnd(
    environment['BUILDKITE_AGENT_ENDPOINT'] || 'https://agent.buildkite.com/v3',
    '/',
  )
  const url = `${endpoint}/jobs/${encodeURIComponent(job)}/oidc/tokens`
  const who = 'Buildkite'
  const answer = await ask(exchange, url, {
    who,
    advice: 'The agent of the job must be one that may ask for tokens.',
    headers: { authorization: `Token ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ audience }),
  })
  return tokenIn(who, answer, 'token')
}
