/** The part of the environment that is the Rekor face's own. */
import { accessSync, constants } from 'node:fs'
import {
  errorCode,
  isSignatureAlgorithm,
  quoted,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from '@sigstack/crypto'
import type { Rule } from '@sigstack/limits'
import { type EntryKind, entryKinds, isEntryKind } from '@sigstack/rekor-entries'
import { listOf, pathVariable, SettingsError, urlVariable } from '@sigstack/server'
import { type Static, Type } from 'typebox'
import { type LimitsConfig, limitsConfig, limitVariables, rulesOf } from '../../admission/limits-config.ts'
import { type EventsConfig, eventsConfig, eventVariables } from '../../events/config.ts'
import { endpointIds } from './routes.ts'

/** Where the settings of every face name none. */
export const rekorDefaults = { port: 3000, bodyLimitBytes: 33_554_432 } as const

export const rekorVariables = {
  /** What a repeated upload gets: 409 with the entry's address, or 201 with the entry. */
  LOG_DUPLICATES: Type.Union([Type.Literal('conflict'), Type.Literal('existing')], { default: 'conflict' }),
  /** YAML or JSON; see docs/operations/log-admission.md. */
  LOG_ADMISSION_FILE: Type.Optional(pathVariable()),
  /** Writers send a bearer token of this issuer, for this audience. */
  LOG_SENDER_ISSUER: Type.Optional(urlVariable()),
  LOG_SENDER_AUDIENCE: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  /** Where the issuer's keys are, if its discovery document should not say it. */
  LOG_SENDER_KEYS_URL: Type.Optional(urlVariable()),
  ...limitVariables,
  /** As LOG_LIMIT_PER_ADDRESS. */
  LOG_LIMIT_PER_IDENTITY: Type.String({ default: '', maxLength: 500, formerly: ['LOG_LIMIT_IDENTITY'] }),
  LOG_ATTESTATIONS: Type.Union([Type.Literal('off'), Type.Literal('hash-only'), Type.Literal('store')], {
    default: 'off',
  }),
  LOG_MAX_ATTESTATION_BYTES: Type.Integer({ default: 102_400, minimum: 0, maximum: 134_217_728 }),
  /** How large the unpacked metadata of an apk or JAR may be. */
  LOG_MAX_METADATA_BYTES: Type.Integer({ default: 1_048_576, minimum: 1, maximum: 33_554_432 }),
  /** What a proposal may cost to verify, in checks of P-256 signatures. */
  LOG_MAX_CHECKS: Type.Integer({ default: 64, minimum: 16, maximum: 100_000 }),
  /** Operation IDs with commas between; all when empty. */
  LOG_ENABLED_ENDPOINTS: Type.String({ default: '' }),
  /** Entry kinds that may be written, with commas between; all when empty. */
  LOG_ENABLED_KINDS: Type.String({ default: '' }),
  /** Pairs of key and digest that a hashedrekord may use, with commas between; those of Sigstore when empty. */
  LOG_CLIENT_SIGNING_ALGORITHMS: Type.String({ default: '', maxLength: 1000 }),
  ...eventVariables,
} as const

const Variables = Type.Object(rekorVariables)

/** What is left out is as upstream has it. */
export type RekorConfig = LimitsConfig & {
  readonly face: 'rekor-v1'
  readonly duplicates?: 'conflict' | 'existing'
  readonly admissionFile?: string
  readonly senders?: { readonly issuer: string; readonly audience: string; readonly keysUrl?: string }
  readonly identityLimits?: readonly Rule[]
  readonly attestations?: { readonly mode: 'hash-only' | 'store'; readonly maxBytes: number }
  /** IDs of routes. */
  readonly enabledEndpoints?: readonly string[]
  readonly enabledKinds?: readonly EntryKind[]
  /** Of hashedrekord entries. */
  readonly clientAlgorithms?: readonly SignatureAlgorithm[]
  /** Of an apk or JAR, unpacked. */
  readonly metadataLimitBytes?: number
  /** Of a proposal, in checks of P-256 signatures. */
  readonly workLimit?: number
  readonly events?: EventsConfig
}

/** Throws one error that names the variable. */
export function rekorConfig(environment: Static<typeof Variables>): RekorConfig {
  const { LOG_ATTESTATIONS: mode } = environment
  const events = eventsConfig(environment)
  const enabledEndpoints = namesOf(
    'LOG_ENABLED_ENDPOINTS',
    environment,
    (id): id is string => endpointIds.includes(id),
    endpointIds,
  )
  const enabledKinds = namesOf('LOG_ENABLED_KINDS', environment, isEntryKind, entryKinds)
  const clientAlgorithms = namesOf(
    'LOG_CLIENT_SIGNING_ALGORITHMS',
    environment,
    isSignatureAlgorithm,
    Object.keys(signatureAlgorithms),
  )
  return {
    face: 'rekor-v1',
    duplicates: environment.LOG_DUPLICATES,
    ...admissionFileOf(environment),
    ...sendersOf(environment),
    ...limitsConfig(environment),
    identityLimits: rulesOf('LOG_LIMIT_PER_IDENTITY', environment.LOG_LIMIT_PER_IDENTITY),
    ...(mode !== 'off' && { attestations: { mode, maxBytes: environment.LOG_MAX_ATTESTATION_BYTES } }),
    ...(enabledEndpoints.length > 0 && { enabledEndpoints }),
    ...(enabledKinds.length > 0 && { enabledKinds }),
    ...(clientAlgorithms.length > 0 && { clientAlgorithms }),
    metadataLimitBytes: environment.LOG_MAX_METADATA_BYTES,
    workLimit: environment.LOG_MAX_CHECKS,
    ...(events !== undefined && { events }),
  }
}

/** A path that leads nowhere is told with the other settings, before anything is made; what the file says, when it is read. */
function admissionFileOf({
  LOG_ADMISSION_FILE: admissionFile,
}: Static<typeof Variables>): Pick<RekorConfig, 'admissionFile'> {
  if (admissionFile === undefined) return {}
  try {
    accessSync(admissionFile, constants.R_OK)
  } catch (cause) {
    const code = errorCode(cause)
    throw new SettingsError([`LOG_ADMISSION_FILE ${admissionFile}: cannot be read (${code})`], { cause })
  }
  return { admissionFile }
}

function sendersOf({
  LOG_SENDER_ISSUER: issuer,
  LOG_SENDER_AUDIENCE: audience,
  LOG_SENDER_KEYS_URL: keysUrl,
}: Static<typeof Variables>): Pick<RekorConfig, 'senders'> {
  if (issuer === undefined && audience === undefined && keysUrl === undefined) return {}
  if (issuer === undefined || audience === undefined)
    throw new SettingsError([
      'LOG_SENDER_ISSUER and LOG_SENDER_AUDIENCE belong together; set both or neither',
    ])
  return { senders: { issuer, audience, ...(keysUrl !== undefined && { keysUrl }) } }
}

function namesOf<T extends string>(
  name: 'LOG_ENABLED_ENDPOINTS' | 'LOG_ENABLED_KINDS' | 'LOG_CLIENT_SIGNING_ALGORITHMS',
  environment: Static<typeof Variables>,
  isOne: (text: string) => text is T,
  all: readonly string[],
): readonly T[] {
  return listOf(environment[name]).map((text) => {
    if (isOne(text)) return text
    throw new SettingsError([`${name}: ${quoted(text, 80)} is none of ${all.join(', ')}`])
  })
}
