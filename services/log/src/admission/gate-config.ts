/** The part of the environment that says who may write to a Rekor log, and how often. */
import { accessSync, constants } from 'node:fs'
import { errorCode } from '@sigstack/crypto'
import { pathVariable, SettingsError, urlVariable } from '@sigstack/server'
import { type Static, Type } from 'typebox'
import { limitsConfig, limitVariables, rulesOf } from './limits-config.ts'
import type { GateConfig } from './open-gate.ts'

export const gateVariables = {
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
} as const

const Variables = Type.Object(gateVariables)

/** Throws one error that names the variable. */
export function gateConfig(environment: Static<typeof Variables>): GateConfig {
  return {
    ...admissionFileOf(environment),
    ...sendersOf(environment),
    ...limitsConfig(environment),
    identityLimits: rulesOf('LOG_LIMIT_PER_IDENTITY', environment.LOG_LIMIT_PER_IDENTITY),
  }
}

/** A path that leads nowhere is told with the other settings, before anything is made; what the file says, when it is read. */
function admissionFileOf({
  LOG_ADMISSION_FILE: admissionFile,
}: Static<typeof Variables>): Pick<GateConfig, 'admissionFile'> {
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
}: Static<typeof Variables>): Pick<GateConfig, 'senders'> {
  if (issuer === undefined && audience === undefined && keysUrl === undefined) return {}
  if (issuer === undefined || audience === undefined)
    throw new SettingsError([
      'LOG_SENDER_ISSUER and LOG_SENDER_AUDIENCE belong together; set both or neither',
    ])
  return { senders: { issuer, audience, ...(keysUrl !== undefined && { keysUrl }) } }
}
