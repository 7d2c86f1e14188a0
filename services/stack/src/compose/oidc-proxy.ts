/** What the discovery proxy is told: the issuers of the CA, and which of them it may ask on private networks. */
import { type Config as CaConfig, type IssuerConfig, parseIssuerConfigText } from '@sigstack/ca'
import { type Config, readConfig, variables } from '@sigstack/oidc-proxy'
import { proxyIssuers, withTrialIssuer } from '../issuers.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    OIDC_PROXY_HOST: '',
    OIDC_PROXY_PORT: 'SIGSTACK_OIDC_PROXY_PORT',
    OIDC_ISSUERS: 'SIGSTACK_CA_CONFIG_FILE',
    OIDC_ISSUERS_FILE: 'SIGSTACK_CA_CONFIG_FILE',
  },
} as const satisfies DecidedHere

export function composeOidcProxy(
  { config, places, insideHost, trialIssuer, read }: Composition,
  ca: CaConfig | undefined,
): Config | undefined {
  const { privateIssuers, issuerConfigFile } = config
  const toProxy = (issuers: IssuerConfig) => proxyIssuers(issuers, { trialIssuer, privateIssuers })
  const parse = (text: string) => toProxy(withTrialIssuer(parseIssuerConfigText(text), trialIssuer))
  const issuers = {
    issuers: toProxy(ca?.identity ?? { issuers: [] }),
    ...(issuerConfigFile !== undefined && { issuersFile: { path: issuerConfigFile, parse } }),
    howToPermit: 'if this issuer is meant to be there, name it in SIGSTACK_PRIVATE_ISSUERS',
  }
  return read((own) => readConfig(own, { issuers }), decided, {
    standard: { OIDC_ISSUER_TOKEN_FILE: config.issuerTokenFile, OIDC_ISSUER_CA_FILE: config.issuerCaFile },
    decided: { OIDC_PROXY_HOST: insideHost, OIDC_PROXY_PORT: String(places.ports.oidcProxy) },
  })
}
