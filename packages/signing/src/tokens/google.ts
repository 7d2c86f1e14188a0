/** Tokens of Google Cloud: of the service account that a machine or pod runs as, or of one that it may act for. */
import { SigningError } from '../errors.ts'
import { ask, type Question, tokenIn } from './ask.ts'
import { audience, type Surroundings } from './surroundings.ts'

const metadataHost = 'metadata.google.internal'

export async function fromGoogleMetadata(
  surroundings: Surroundings,
  isPicked: boolean,
): Promise<string | undefined> {
  if (!hasMetadataServer(surroundings, isPicked)) return undefined
  const answer = await askMetadata(surroundings, `identity?audience=${audience}&format=full`)
  const token = answer.text().trim()
  if (token !== '') return token
  throw new SigningError('bad_token', `${about.who} answers without an identity token`)
}

/** As `GOOGLE_SERVICE_ACCOUNT_NAME`, for whom the machine's own account may ask. */
export async function fromGoogleImpersonation(
  surroundings: Surroundings,
  isPicked: boolean,
): Promise<string | undefined> {
  const account = surroundings.environment['GOOGLE_SERVICE_ACCOUNT_NAME']
  if (!account || !hasMetadataServer(surroundings, isPicked)) return undefined
  const who = "Google's IAM"
  const secret = tokenIn(about.who, await askMetadata(surroundings, 'token'), 'access_token')
  const endpoint = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts'
  const answer = await ask(
    surroundings.exchange,
    `${endpoint}/${encodeURIComponent(account)}:generateIdToken`,
    {
      who,
      advice: 'The account of the machine needs the role roles/iam.serviceAccountTokenCreator on the other.',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ audience, includeEmail: true }),
    },
  )
  return tokenIn(who, answer, 'token')
}

const about = {
  who: "Google's metadata server",
  advice: 'The machine or pod needs a service account (on GKE: workload identity).',
} as const satisfies Partial<Question>

/** Elsewhere its name is somebody else's, so it is asked only where somebody says that it is there. */
function hasMetadataServer({ environment }: Surroundings, isPicked: boolean): boolean {
  return isPicked || Boolean(environment['GCE_METADATA_HOST'])
}

async function askMetadata({ environment, exchange }: Surroundings, what: string) {
  const host = environment['GCE_METADATA_HOST'] || metadataHost
  const answer = await ask(
    exchange,
    `http://${host}/computeMetadata/v1/instance/service-accounts/default/${what}`,
    // It is on this machine's own link: a proxy would ask another machine's.
    { ...about, headers: { 'metadata-flavor': 'Google' }, route: 'direct' },
  )
  if (answer.header('metadata-flavor') === 'Google') return answer
  throw new SigningError('bad_token', `what answers at ${host} is not ${about.who}`)
}
