/** The variables of services that the stack answers for them, since they hold it together. */
import { variables as caVariables } from '@sigstack/ca'
import { variables as consoleVariables } from '@sigstack/console'
import { variables as devIssuerVariables } from '@sigstack/dev-issuer'
import { variables as logVariables } from '@sigstack/log'
import { variables as monitorVariables } from '@sigstack/monitor'
import { variables as oidcProxyVariables } from '@sigstack/oidc-proxy'
import { variables as trustVariables } from '@sigstack/trust'
import { variables as tsaVariables } from '@sigstack/tsa'
import { variables as witnessVariables } from '@sigstack/witness'
import type { TObject } from 'typebox'

/** Services read by them, with what is decided for them: the variable, and what decides in its place. */
export const decidedHere: readonly {
  readonly schema: TObject
  readonly variables: Readonly<Record<string, string>>
}[] = [
  {
    schema: caVariables,
    variables: {
      CA_HOST: 'SIGSTACK_HOST',
      CA_PORT: 'SIGSTACK_CA_PORT',
      CA_DATA: 'SIGSTACK_DATA',
      OIDC_PROXY_URL: '',
      CA_CT_LOG_URL: 'SIGSTACK_CT_LOG',
      CA_CT_LOG_PUBLIC_KEY: 'SIGSTACK_CT_LOG',
      CA_CT_LOG_PUBLIC_KEY_URL: 'SIGSTACK_CT_LOG',
    },
  },
  {
    schema: logVariables,
    variables: {
      LOG_FACE: '',
      LOG_HOST: 'SIGSTACK_HOST',
      LOG_PORT: 'SIGSTACK_REKOR_PORT',
      LOG_HOSTNAME: 'SIGSTACK_PUBLIC_URL',
      CT_PREFIX: '',
      CT_ORIGIN: 'SIGSTACK_CT_PUBLIC_URL',
      CT_ROOTS_FILE: '',
      CT_ROOTS_URL: '',
    },
  },
  {
    schema: oidcProxyVariables,
    variables: {
      OIDC_PROXY_HOST: '',
      OIDC_PROXY_PORT: 'SIGSTACK_OIDC_PROXY_PORT',
      OIDC_ISSUERS: 'SIGSTACK_CA_CONFIG_FILE',
      OIDC_ISSUERS_FILE: 'SIGSTACK_CA_CONFIG_FILE',
    },
  },
  {
    schema: trustVariables,
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
  },
  {
    schema: tsaVariables,
    variables: {
      TSA_HOST: 'SIGSTACK_HOST',
      TSA_PORT: 'SIGSTACK_TSA_PORT',
      TSA_DATA: 'SIGSTACK_DATA',
    },
  },
  {
    schema: witnessVariables,
    variables: {
      WITNESS_HOST: '',
      WITNESS_DATA: 'SIGSTACK_DATA',
      WITNESS_LOGS_FILE: 'SIGSTACK_WITNESS',
    },
  },
  {
    schema: consoleVariables,
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
  },
  {
    schema: monitorVariables,
    variables: {
      MONITOR_HOST: '',
      MONITOR_LOGS_FILE: 'SIGSTACK_MONITOR',
      MONITOR_TRUSTED_ROOT_URL: '',
      MONITOR_TRUSTED_ROOT_FILE: '',
      MONITOR_TUF_URL: '',
    },
  },
  {
    schema: devIssuerVariables,
    variables: {
      DEV_ISSUER_HOST: 'SIGSTACK_HOST',
      DEV_ISSUER_PORT: 'SIGSTACK_DEV_ISSUER_PORT',
      DEV_ISSUER_DATA: 'SIGSTACK_DATA',
      DEV_ISSUER_URL: 'SIGSTACK_DEV_ISSUER_PUBLIC_URL',
    },
  },
]
