/** What the console is told: where everything is that it shows. */
import { type Config, readConfig, variables } from '@sigstack/console'
import { trialIssuersFile } from '../own-console.ts'
import type { InsideUrls } from '../public-urls.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    CONSOLE_HOST: 'SIGSTACK_HOST',
    CONSOLE_PORT: 'SIGSTACK_CONSOLE_PORT',
    CONSOLE_REKOR_URL: '',
    CONSOLE_REKOR_V2_URL: '',
    CONSOLE_CT_URL: '',
    CONSOLE_CA_URL: '',
    CONSOLE_TSA_URL: '',
    CONSOLE_TRUST_URL: '',
    CONSOLE_OIDC_PROXY_URL: '',
    CONSOLE_WITNESS_URL: '',
    CONSOLE_MONITOR_URL: '',
    CONSOLE_MONITOR_TOKEN: 'MONITOR_TOKEN',
  },
} as const satisfies DecidedHere

export function composeConsole(
  { config, places, oidcProxyUrl, publicUrl, tlsOf, read }: Composition,
  inside: InsideUrls,
  monitorToken: string | undefined,
): Config | undefined {
  return read(readConfig, decided, {
    standard: {
      CONSOLE_TITLE: config.organization,
      CONSOLE_PUBLIC_URL: publicUrl('console'),
      CONSOLE_ISSUERS_FILE: config.trial ? trialIssuersFile(places.data.console) : undefined,
      ...tlsOf('CONSOLE'),
    },
    decided: {
      CONSOLE_HOST: config.host,
      CONSOLE_PORT: String(places.ports.console),
      CONSOLE_REKOR_URL: inside.rekor,
      CONSOLE_REKOR_V2_URL: inside.rekorV2,
      CONSOLE_CT_URL: inside.ct,
      CONSOLE_CA_URL: inside.ca,
      CONSOLE_TSA_URL: inside.tsa,
      CONSOLE_TRUST_URL: inside.trust,
      CONSOLE_OIDC_PROXY_URL: oidcProxyUrl,
      CONSOLE_MONITOR_TOKEN: monitorToken,
    },
  })
}
