/** The part of the environment that is the Rekor face's own. */
import { LimitsError, parseRules, type Rule } from '@sigstack/limits'
import { type EntryKind, entryKinds, isEntryKind } from '@sigstack/rekor-entries'
import { type Static, Type } from 'typebox'
import { type EventsConfig, eventsConfig, eventVariables, redisUrl } from './events-config.ts'
import { type Endpoint, endpointNames, isEndpoint } from './faces/rekor-v1/index.ts'

export const rekorVariables = {
  /** What a repeated upload gets: 409 with the entry's address, or 201 with the entry. */
  LOG_DUPLICATES: Type.Union([Type.Literal('conflict'), Type.Literal('existing')], { default: 'conflict' }),
  /** YAML or JSON; see docs/operations/log-admission.md. */
  LOG_ADMISSION_FILE: Type.Optional(Type.String({ minLength: 1 })),
  /** Such as `20/s` or `600/min burst 100`; several with commas between. */
  LOG_LIMIT_ADDRESS: Type.String({ default: '', maxLength: 500 }),
  LOG_LIMIT_IDENTITY: Type.String({ default: '', maxLength: 500 }),
  REDIS_URL: Type.Optional(redisUrl),
  LOG_ATTESTATIONS: Type.Union([Type.Literal('off'), Type.Literal('hash-only'), Type.Literal('store')], {
    default: 'off',
  }),
  LOG_MAX_ATTESTATION_BYTES: Type.Integer({ default: 102_400, minimum: 0, maximum: 134_217_728 }),
  /** How large the unpacked metadata of an apk or JAR may be. */
  LOG_MAX_METADATA_BYTES: Type.Integer({ default: 1_048_576, minimum: 1, maximum: 33_554_432 }),
  /** Operation IDs with commas between; all when empty. */
  LOG_ENABLED_ENDPOINTS: Type.String({ default: '' }),
  /** Entry kinds that may be written, with commas between; all when empty. */
  LOG_ENABLED_KINDS: Type.String({ default: '' }),
  ...eventVariables,
} as const

const Variables = Type.Object(rekorVariables)

/** What is left out is as upstream has it. */
export type RekorConfig = {
  readonly duplicates?: 'conflict' | 'existing'
  readonly admissionFile?: string
  readonly addressLimits?: readonly Rule[]
  readonly identityLimits?: readonly Rule[]
  /** Where replicas share the limits. */
  readonly redisUrl?: string
  readonly attestations?: { readonly mode: 'hash-only' | 'store'; readonly maxBytes: number }
  readonly enabledEndpoints?: readonly Endpoint[]
  readonly enabledKinds?: readonly EntryKind[]
  /** Of an apk or JAR, unpacked. */
  readonly metadataLimitBytes?: number
  readonly events?: EventsConfig
}

/** Throws one error that names the variable. */
export function rekorConfig(environment: Static<typeof Variables>): RekorConfig {
  const { LOG_ATTESTATIONS: mode } = environment
  const events = eventsConfig(environment)
  const enabledEndpoints = listOf(
    'LOG_ENABLED_ENDPOINTS',
    environment,
    isEndpoint,
    Object.keys(endpointNames),
  )
  const enabledKinds = listOf('LOG_ENABLED_KINDS', environment, isEntryKind, entryKinds)
  return {
    duplicates: environment.LOG_DUPLICATES,
    ...(environment.LOG_ADMISSION_FILE !== undefined && { admissionFile: environment.LOG_ADMISSION_FILE }),
    addressLimits: limitsOf('LOG_LIMIT_ADDRESS', environment),
    identityLimits: limitsOf('LOG_LIMIT_IDENTITY', environment),
    ...(environment.REDIS_URL !== undefined && { redisUrl: environment.REDIS_URL }),
    ...(mode !== 'off' && { attestations: { mode, maxBytes: environment.LOG_MAX_ATTESTATION_BYTES } }),
    ...(enabledEndpoints.length > 0 && { enabledEndpoints }),
    ...(enabledKinds.length > 0 && { enabledKinds }),
    metadataLimitBytes: environment.LOG_MAX_METADATA_BYTES,
    ...(events !== undefined && { events }),
  }
}

function limitsOf(
  name: 'LOG_LIMIT_ADDRESS' | 'LOG_LIMIT_IDENTITY',
  environment: Static<typeof Variables>,
): readonly Rule[] {
  try {
    return parseRules(environment[name])
  } catch (error) {
    if (error instanceof LimitsError)
      throw new Error(`bad configuration: ${name}: ${error.message}`, { cause: error })
    throw error
  }
}

function listOf<T extends string>(
  name: 'LOG_ENABLED_ENDPOINTS' | 'LOG_ENABLED_KINDS',
  environment: Static<typeof Variables>,
  isOne: (text: string) => text is T,
  all: readonly string[],
): readonly T[] {
  const texts = environment[name].split(',').map((text) => text.trim())
  return texts
    .filter((text) => text !== '')
    .map((text) => {
      if (isOne(text)) return text
      throw new Error(`bad configuration: ${name}: ${JSON.stringify(text)} is none of ${all.join(', ')}`)
    })
}
