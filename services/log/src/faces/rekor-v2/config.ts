/** The part of the environment that is the Rekor v2 face's own, beside what it has in common with v1's. */
import type { SignatureAlgorithm } from '@sigstack/crypto'
import type { DsseMode } from '@sigstack/rekor-entries'
import { type Static, Type } from 'typebox'
import { gateConfig, gateVariables } from '../../admission/gate-config.ts'
import type { GateConfig } from '../../admission/open-gate.ts'
import { type EventsConfig, eventsConfig, eventVariables } from '../../events/config.ts'
import { listedAlgorithms } from '../../listed-names.ts'

/** Where the settings of every face name none. */
export const rekorV2Defaults = { port: 3003, bodyLimitBytes: 4_194_304 } as const

export const rekorV2Variables = {
  ...gateVariables,
  ...eventVariables,
  LOG_DUPLICATES: Type.Optional(Type.Union([Type.Literal('conflict'), Type.Literal('existing')])),
  /** What becomes of envelopes: logged as the digest that they sign, as entries of their own as before June 2026, or refused. */
  LOG_DSSE: Type.Union([Type.Literal('convert'), Type.Literal('legacy'), Type.Literal('reject')], {
    default: 'convert',
  }),
  LOG_MAX_CHECKS: Type.Integer({ default: 64, minimum: 16, maximum: 100_000 }),
  LOG_CLIENT_SIGNING_ALGORITHMS: Type.String({ default: '', maxLength: 1000 }),
} as const

const Variables = Type.Object(rekorV2Variables)

/** What is left out is as `readConfig` has it where nothing is set. */
export type RekorV2Config = GateConfig & {
  readonly face: 'rekor-v2'
  readonly duplicates?: 'conflict' | 'existing'
  readonly dsse?: DsseMode
  readonly clientAlgorithms?: readonly SignatureAlgorithm[]
  /** Of a request, in checks of P-256 signatures. */
  readonly workLimit?: number
  readonly events?: EventsConfig
}

/** Throws one error that names the variable. */
export function rekorV2Config(environment: Static<typeof Variables>): RekorV2Config {
  const events = eventsConfig(environment)
  const clientAlgorithms = listedAlgorithms(environment.LOG_CLIENT_SIGNING_ALGORITHMS)
  return {
    face: 'rekor-v2',
    duplicates: environment.LOG_DUPLICATES ?? 'existing',
    dsse: environment.LOG_DSSE,
    ...gateConfig(environment),
    ...(clientAlgorithms.length > 0 && { clientAlgorithms }),
    workLimit: environment.LOG_MAX_CHECKS,
    ...(events !== undefined && { events }),
  }
}
