/** Signs and verifies through the front doors of a stack that just started, as any client would. */
import { requestBounded } from '@sigstack/http-client'
import {
  type Exchange,
  keylessCredential,
  type LogService,
  type SigningServices,
  selectServices,
  signMessage,
  witnessesOf,
} from '@sigstack/signing'
import { parseClientTrustConfig, parseTrustedRoot } from '@sigstack/trust-root'
import { readBundle, verifyBundle } from '@sigstack/verification'
import type { Endpoints } from './endpoints.ts'
import { parseIdentityPolicy } from './identity-options.ts'
import { messageOf } from './io.ts'
import { readLocation } from './location.ts'
import { newestShardUrl } from './running-log.ts'
import { trialEmail } from './signing/identity-token.ts'
import { requestTrialToken } from './signing/trial-issuer.ts'

/** The stack runs in this process: whatever name it goes by, no proxy of the network is on the way to it. */
const route = 'direct'
const exchange: Exchange = (url, request) => requestBounded(url, { ...request, route })

/** What the operator has set does not admit the check: rules its identity (403), or a log that takes no entries (405, 501) anything. */
export type Refusal = {
  readonly by: 'ca' | 'rekor'
  readonly status: (typeof refusing)[number]
  readonly message: string
}

const refusing = [403, 405, 501] as const

/**
 * Signs as `trialEmail`, whose token the trial issuer gives; it must run. Throws an error that names the step which failed, but for a
 * refusal by what was set so.
 */
export async function selfCheck(endpoints: Endpoints): Promise<Refusal | undefined> {
  let refused: Pick<Refusal, 'by' | 'status'> | undefined
  const watched =
    (service: Refusal['by']): Exchange =>
    async (url, request) => {
      const answer = await exchange(url, request)
      const status = refusing.find((each) => each === answer.status)
      if (status !== undefined) refused = { by: service, status }
      return answer
    }
  try {
    await signAndVerify(endpoints, watched)
    return undefined
  } catch (error) {
    if (refused === undefined) throw error
    return { ...refused, message: messageOf(error) }
  }
}

async function signAndVerify(
  endpoints: Endpoints,
  watched: (service: Refusal['by']) => Exchange,
): Promise<void> {
  const file = Buffer.from(`self-check at ${new Date().toISOString()}\n`)
  const config = parseClientTrustConfig(
    await readLocation(endpoints.trust.clientTrustConfig, 'client trust config', route),
  )
  const services = await onThisMachine(selectServices(config.signingConfig, new Date()), endpoints)
  const identityToken = await requestTrialToken(endpoints, { email: trialEmail }, route)
  const { text, artifact } = await signMessage([file], {
    credential: keylessCredential({ identityToken, caUrl: services.caUrl, exchange: watched('ca') }),
    witnesses: witnessesOf(services, watched('rekor')),
  })
  await verifyBundle({
    bundle: readBundle(text),
    artifact,
    trustedRoot: parseTrustedRoot(await readLocation(endpoints.trust.trustedRoot, 'trusted root', route)),
    ignoreSct: endpoints.services['ct'] === undefined,
    requireSignedTimestamp: services.tsaUrls.length > 0,
    signer: {
      policy: await parseIdentityPolicy({
        certificateIdentity: trialEmail,
        certificateOidcIssuer: endpoints.issuer,
      }),
    },
  })
}

/**
 * Every log, whichever of them clients are sent to. Where that is may be a proxy that does not run yet, or a name that only others
 * resolve.
 */
async function onThisMachine(published: SigningServices, { services }: Endpoints): Promise<SigningServices> {
  const { ca = published.caUrl, rekor, 'rekor-v2': rekorV2, tsa } = services
  const logs: readonly LogService[] = [
    ...(rekor === undefined ? [] : [{ url: rekor, majorApiVersion: 1 as const }]),
    ...(rekorV2 === undefined
      ? []
      : [{ url: await newestShardUrl(rekorV2, route), majorApiVersion: 2 as const }]),
  ]
  return { caUrl: ca, logs, tsaUrls: tsa === undefined ? published.tsaUrls : [`${tsa}/api/v1/timestamp`] }
}
