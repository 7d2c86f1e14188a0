/** How often an address may write, to either face. */
import { LimitsError, parseRangeList, parseRules, type Rule } from '@sigstack/limits'
import { SettingsError, secret } from '@sigstack/server'
import { type Static, Type } from 'typebox'
import { redisUrl } from '../events/config.ts'

export const limitVariables = {
  /** Such as `20/s` or `600/min burst 100`; several with commas between. */
  LOG_LIMIT_PER_ADDRESS: Type.String({ default: '', maxLength: 500, formerly: ['LOG_LIMIT_ADDRESS'] }),
  /** Addresses and ranges that this limit does not hold for, with commas between. */
  LOG_UNLIMITED_ADDRESSES: Type.String({ default: '', maxLength: 10_000 }),
  REDIS_URL: Type.Optional(secret(redisUrl)),
} as const

const Variables = Type.Object(limitVariables)

export type LimitsConfig = {
  readonly addressLimits?: readonly Rule[]
  readonly unlimitedAddresses?: readonly string[]
  /** Where replicas share the limits. */
  readonly redisUrl?: string
}

/** Throws one error that names the variable. */
export function limitsConfig(environment: Static<typeof Variables>): LimitsConfig {
  const unlimitedAddresses = rangesOf('LOG_UNLIMITED_ADDRESSES', environment.LOG_UNLIMITED_ADDRESSES)
  return {
    addressLimits: rulesOf('LOG_LIMIT_PER_ADDRESS', environment.LOG_LIMIT_PER_ADDRESS),
    ...(unlimitedAddresses.length > 0 && { unlimitedAddresses }),
    ...(environment.REDIS_URL !== undefined && { redisUrl: environment.REDIS_URL }),
  }
}

export function rulesOf(name: string, text: string): readonly Rule[] {
  return settingsErrorsOf(() => parseRules(text), `${name}: `)
}

export function rangesOf(name: string, text: string): readonly string[] {
  return settingsErrorsOf(() => parseRangeList(text, name))
}

function settingsErrorsOf<T>(parse: () => T, prefix = ''): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof LimitsError)) throw error
    throw new SettingsError([`${prefix}${error.message}`], { cause: error })
  }
}
