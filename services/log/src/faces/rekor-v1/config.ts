/** The part of the environment that is the Rekor face's own. */
import type { SignatureAlgorithm } from '@sigstack/crypto'
import { type EntryKind, entryKinds, isEntryKind } from '@sigstack/rekor-entries'
import { type Static, Type } from 'typebox'
import { gateConfig, gateVariables } from '../../admission/gate-config.ts'
import type { GateConfig } from '../../admission/open-gate.ts'
import { type EventsConfig, eventsConfig, eventVariables } from '../../events/config.ts'
import { listedAlgorithms, listedNames } from '../../listed-names.ts'
import { endpointIds } from './routes.ts'

/** Where the settings of every face name none. */
export const rekorDefaults = { port: 3000, bodyLimitBytes: 33_554_432 } as const

export const rekorVariables = {
  /** What a repeated upload gets: 409 with the entry's address, or 201 with the entry; each face has its own default. */
  LOG_DUPLICATES: Type.Optional(Type.Union([Type.Literal('conflict'), Type.Literal('existing')])),
  ...gateVariables,
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
export type RekorConfig = GateConfig & {
  readonly face: 'rekor-v1'
  readonly duplicates?: 'conflict' | 'existing'
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
  const enabledEndpoints = listedNames(
    'LOG_ENABLED_ENDPOINTS',
    environment.LOG_ENABLED_ENDPOINTS,
    (id): id is string => endpointIds.includes(id),
    endpointIds,
  )
  const enabledKinds = listedNames(
    'LOG_ENABLED_KINDS',
    environment.LOG_ENABLED_KINDS,
    isEntryKind,
    entryKinds,
  )
  const clientAlgorithms = listedAlgorithms(environment.LOG_CLIENT_SIGNING_ALGORITHMS)
  return {
    face: 'rekor-v1',
    duplicates: environment.LOG_DUPLICATES ?? 'conflict',
    ...gateConfig(environment),
    ...(mode !== 'off' && { attestations: { mode, maxBytes: environment.LOG_MAX_ATTESTATION_BYTES } }),
    ...(enabledEndpoints.length > 0 && { enabledEndpoints }),
    ...(enabledKinds.length > 0 && { enabledKinds }),
    ...(clientAlgorithms.length > 0 && { clientAlgorithms }),
    metadataLimitBytes: environment.LOG_MAX_METADATA_BYTES,
    workLimit: environment.LOG_MAX_CHECKS,
    ...(events !== undefined && { events }),
  }
}
