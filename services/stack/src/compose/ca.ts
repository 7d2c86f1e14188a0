/** What the certificate authority is told. */
import { type Config, type IssuerConfig, readConfig, variables } from '@sigstack/ca'
import { isSet } from '@sigstack/server'
import { withTrialIssuer } from '../issuers.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    CA_HOST: 'SIGSTACK_HOST',
    CA_PORT: 'SIGSTACK_CA_PORT',
    CA_DATA: 'SIGSTACK_DATA',
    OIDC_PROXY_URL: '',
    CA_CT_LOG_URL: 'SIGSTACK_CT_LOG',
    CA_CT_LOG_PUBLIC_KEY: 'SIGSTACK_CT_LOG',
    CA_CT_LOG_PUBLIC_KEY_URL: 'SIGSTACK_CT_LOG',
  },
} as const satisfies DecidedHere

export function composeCa({
  config,
  places,
  oidcProxyUrl,
  trialIssuer,
  tlsOf,
  read,
}: Composition): Config | undefined {
  const withIssuers = (own: IssuerConfig) => withTrialIssuer(own, trialIssuer)
  const configVariable = isSet(config.environment['SIGSTACK_CA_CONFIG_FILE'])
    ? 'SIGSTACK_CA_CONFIG_FILE'
    : 'CA_CONFIG_FILE'
  return read((own) => readConfig(own, { withIssuers, configVariable }), decided, {
    standard: {
      CA_KEY_PASSWORD: places.password,
      CA_ORGANIZATION: config.organization,
      ...tlsOf('CA'),
    },
    decided: {
      CA_HOST: config.host,
      CA_PORT: String(places.ports.ca),
      CA_DATA: places.data.ca,
      CA_CONFIG_FILE: config.issuerConfigFile,
      OIDC_PROXY_URL: oidcProxyUrl,
      // Those of this process are told to it when they run.
      CA_CT_LOG_URL: 'none',
    },
  })
}
