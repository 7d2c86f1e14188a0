/** What the logs are told: Rekor v1, Rekor v2 and the CT log, which share one process and one database. */
import { isIP } from 'node:net'
import { type LogConfig, readConfig, variables } from '@sigstack/log'
import { type Environment, isSet, SettingsError } from '@sigstack/server'
import { witnessFiles } from '../own-witness.ts'
import { originOf, reachable } from '../public-urls.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
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
} as const satisfies DecidedHere

/** What can be one log's alone is Rekor's, and of two that of v1. */
const ofOneLog: Environment = { LOG_METRICS_PORT: undefined, LOG_BODY_LIMIT_BYTES: undefined }

type LogService = 'rekor' | 'rekorV2' | 'ct'
const faces = { rekor: 'rekor-v1', rekorV2: 'rekor-v2', ct: 'ct' } as const

export function composeRekor(composition: Composition): LogConfig | undefined {
  return composeLog(composition, 'rekor', {})
}

export function composeRekorV2(composition: Composition): LogConfig | undefined {
  const { rekorV1 } = composition.config
  return composeLog(composition, 'rekorV2', { ...ownKey(composition, 'rekorV2'), ...(rekorV1 && ofOneLog) })
}

export function composeCt(composition: Composition, caUrl: string): LogConfig | undefined {
  const { environment, host } = composition.config
  return composeLog(composition, 'ct', {
    // The CA starts after its log; its roots are read when the first chain comes.
    CT_ROOTS_URL: `${caUrl}/api/v1/rootCert`,
    CT_ORIGIN: originOf(composition.publicUrl('ct')),
    ...ownKey(composition, 'ct'),
    ...ofOneLog,
    // The CA of this stack comes from here, and issues for everybody.
    LOG_UNLIMITED_ADDRESSES: [environment['LOG_UNLIMITED_ADDRESSES'], ...addressesOf(host)]
      .filter(isSet)
      .join(','),
  })
}

function composeLog(composition: Composition, service: LogService, more: Environment): LogConfig | undefined {
  const { config, places, publicUrl, tlsOf, read } = composition
  const { data, password, ports, databaseUrl } = places
  return read(readConfig, decided, {
    standard: {
      ...ownKey(composition, service),
      LOG_KEYS: data.keys,
      LOG_KEY_PASSWORD: password,
      LOG_DATABASE_CONNECTIONS: '5',
      LOG_WITNESS_POLICY_FILE: config.witness ? witnessFiles(data.witness).policy : undefined,
      ...tlsOf('LOG'),
    },
    decided: {
      LOG_FACE: faces[service],
      LOG_HOST: config.host,
      LOG_PORT: String(ports[service]),
      LOG_HOSTNAME: new URL(publicUrl(service)).hostname.replace(/^\[(.*)\]$/, '$1'),
      DATABASE_URL: databaseUrl,
      ...more,
    },
  })
}

/** An operator names keys for Rekor v1 only, since logs must not share one. */
function ownKey({ places }: Composition, service: LogService): Environment {
  return { LOG_KEY: `${places.data.keys}/${faces[service]}.key.pem` }
}

/** What others in this process ask the log for. Throws a `SettingsError`. */
export function assertTellsKeys(rekor: LogConfig | undefined): void {
  const enabled = rekor?.face.face === 'rekor-v1' ? rekor.face.enabledEndpoints : undefined
  const missing = ['getPublicKey', 'getPublicKeys'].filter((id) => enabled?.includes(id) === false)
  if (missing.length > 0)
    throw new SettingsError([
      `LOG_ENABLED_ENDPOINTS leaves out ${missing.join(' and ')}, by which trust learns the keys of this log`,
    ])
}

/** From which others in this process come. */
function addressesOf(host: string): readonly string[] {
  const own = reachable(host)
  return isIP(own) === 0 ? ['loopback'] : ['loopback', own]
}
