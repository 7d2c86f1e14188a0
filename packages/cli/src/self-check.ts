/** Signs and verifies through the front doors of a stack that just started, as any client would. */
import { parseClientTrustConfig } from '@sigstack/trust-root'
import type { Endpoints } from './endpoints.ts'
import { readLocation } from './location.ts'
import { trialEmail } from './signing/identity-token.ts'
import { selectServices } from './signing/select-services.ts'
import { signBundle } from './signing/sign-bundle.ts'
import { requestTrialToken } from './signing/trial-issuer.ts'
import { parseIdentityPolicy } from './verification/identity-policy.ts'
import { readBundle } from './verification/read-bundle.ts'
import { verifyBundle } from './verification/verify-bundle.ts'

/** Throws a `CliError` that names the step which failed. The trial issuer must run. */
export async function selfCheck(endpoints: Endpoints): Promise<void> {
  const artifact = Buffer.from(`self-check at ${new Date().toISOString()}\n`)
  const config = parseClientTrustConfig(
    await readLocation(endpoints.trust.clientTrustConfig, 'client trust config'),
  )
  const { text } = await signBundle({
    artifact,
    identityToken: await requestTrialToken(endpoints, { email: trialEmail }),
    services: selectServices(config.signingConfig, new Date()),
  })
  await verifyBundle({
    bundle: readBundle(text),
    artifact: { bytes: artifact },
    trustedRoot: await readLocation(endpoints.trust.trustedRoot, 'trusted root'),
    ignoreSct: endpoints.services['ct'] === undefined,
    signer: {
      policy: parseIdentityPolicy({
        certificateIdentity: trialEmail,
        certificateOidcIssuer: endpoints.issuer,
      }),
    },
  })
}
