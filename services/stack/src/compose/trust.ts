/** What the published trust is told: whose keys it publishes, and how clients reach them. */
import type { IssuerConfig } from '@sigstack/ca'
import { isSet } from '@sigstack/server'
import { type Config, readConfig, variables } from '@sigstack/trust'
import type { InsideUrls } from '../public-urls.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    TRUST_HOST: 'SIGSTACK_HOST',
    TRUST_PORT: 'SIGSTACK_TRUST_PORT',
    TRUST_DATA: 'SIGSTACK_DATA',
    PUBLIC_CA_URL: 'SIGSTACK_CA_PUBLIC_URL',
    PUBLIC_REKOR_URL: 'SIGSTACK_REKOR_PUBLIC_URL',
    PUBLIC_REKOR_V2_URL: 'SIGSTACK_REKOR_V2_PUBLIC_URL',
    PUBLIC_CT_URL: 'SIGSTACK_CT_PUBLIC_URL',
    PUBLIC_OIDC_ISSUER: 'SIGSTACK_CA_CONFIG_FILE',
    CA_URL: '',
    REKOR_URL: '',
    REKOR_V2_URL: '',
    CT_URL: '',
    CA_CERTIFICATES_FILE: '',
    REKOR_PUBLIC_KEY_FILE: '',
    REKOR_V2_PUBLIC_KEY_FILE: '',
    CT_PUBLIC_KEY_FILE: '',
    PUBLIC_TSA_URL: 'SIGSTACK_TSA_PUBLIC_URL',
    TSA_URL: '',
    TSA_CERTIFICATES_FILE: '',
  },
} as const satisfies DecidedHere

export function composeTrust(
  { config, places, trialIssuer, publicUrl, tlsOf, read }: Composition,
  inside: InsideUrls,
  issuers: IssuerConfig | undefined,
): Config | undefined {
  const { data, password, ports } = places
  const oidcIssuer = issuerForClients(issuers ?? { issuers: [] }, trialIssuer)
  const trust = read(readConfig, decided, {
    standard: {
      TRUST_OPERATOR: config.organization,
      // A rotation waits for it.
      TRUST_REFRESH_SECONDS: '10',
      TUF_ONLINE_KEY_FILE: `${data.keys}/tuf-online.key.pem`,
      TUF_KEY_PASSWORD: password,
      ...tlsOf('TRUST'),
    },
    decided: {
      TRUST_HOST: config.host,
      TRUST_PORT: String(ports.trust),
      TRUST_DATA: data.trust,
      PUBLIC_CA_URL: publicUrl('ca'),
      PUBLIC_REKOR_URL: inside.rekor === undefined ? 'none' : publicUrl('rekor'),
      PUBLIC_REKOR_V2_URL: inside.rekorV2 && publicUrl('rekorV2'),
      PUBLIC_CT_URL: inside.ct === undefined ? 'none' : publicUrl('ct'),
      PUBLIC_TSA_URL: inside.tsa && publicUrl('tsa'),
      PUBLIC_OIDC_ISSUER: oidcIssuer === '' ? 'http://none' : oidcIssuer,
      CA_URL: inside.ca,
      REKOR_URL: inside.rekor,
      REKOR_V2_URL: inside.rekorV2,
      CT_URL: inside.ct,
      TSA_URL: inside.tsa,
    },
  })
  if (trust?.tuf === undefined || isSet(config.environment['TUF_ROOT_KEY_FILES']))
    return trust && { ...trust, oidcIssuer }
  // Not by the variable, which is a list with commas between: a data folder may have one in its name.
  const rootKeyFiles = [`${data.keys}/tuf-root.key.pem`]
  return { ...trust, tuf: { ...trust.tuf, rootKeyFiles }, oidcIssuer }
}

/** Clients are sent to an issuer of the operator's where there is one, and never to the trial issuer beside it. */
function issuerForClients({ issuers }: IssuerConfig, trialIssuer: string | undefined): string {
  const own = issuers.filter(({ url }) => url !== trialIssuer)
  return (own.find(({ url }) => !url.includes('*')) ?? own[0])?.url ?? trialIssuer ?? ''
}
