/** The settings of witnesses, and of the second line that a log signs by itself. */
import { pathVariable, SettingsError } from '@sigstack/server'
import { type Static, Type } from 'typebox'

export const witnessVariables = {
  /** C2SP tlog-policy; every witness with its URL. */
  LOG_WITNESS_POLICY_FILE: Type.Optional(pathVariable()),
  LOG_WITNESS_MODE: Type.Union([Type.Literal('open'), Type.Literal('require')], { default: 'open' }),
  /** Of an answer, for the quorum; 0 does not wait. */
  LOG_WITNESS_WAIT_MS: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
  LOG_WITNESS_TIMEOUT_MS: Type.Integer({ default: 2_000, minimum: 10, maximum: 60_000 }),
  LOG_WITNESS_REPUBLISH_SECONDS: Type.Integer({ default: 600, minimum: 1, maximum: 86_400 }),
  /** File of an ML-DSA-44 key, made when there is none. */
  LOG_ML_DSA_KEY: Type.Optional(pathVariable()),
}

export type WitnessConfig = {
  readonly policyFile: string
  /** Whether an answer without a quorum is given or refused. */
  readonly mode: 'open' | 'require'
  readonly waitMs: number
  /** For one answer of one witness. */
  readonly timeoutMs: number
  readonly republishMs: number
}

const requiredWaitMs = 4_000

const Variables = Type.Object(witnessVariables)

/** Undefined where no policy is set. Throws where the mode has nothing to work on. */
export function witnessConfig(environment: Static<typeof Variables>): WitnessConfig | undefined {
  const { LOG_WITNESS_POLICY_FILE: policyFile, LOG_WITNESS_MODE: mode } = environment
  const waitMs = environment.LOG_WITNESS_WAIT_MS
  if (mode === 'require' && policyFile === undefined)
    throw new SettingsError(['LOG_WITNESS_MODE is require, but no LOG_WITNESS_POLICY_FILE says of whom'])
  if (mode === 'require' && waitMs === 0)
    throw new SettingsError([
      'LOG_WITNESS_MODE is require, and LOG_WITNESS_WAIT_MS is 0: nothing would be answered',
    ])
  if (policyFile === undefined) return undefined
  return {
    policyFile,
    mode,
    waitMs: waitMs ?? (mode === 'require' ? requiredWaitMs : 0),
    timeoutMs: environment.LOG_WITNESS_TIMEOUT_MS,
    republishMs: environment.LOG_WITNESS_REPUBLISH_SECONDS * 1_000,
  }
}
