export { createLimiter, type LimiterOptions } from './create-limiter.ts'
export { LimitsError, type LimitsErrorCode } from './errors.ts'
export type { Limiter, Rule, Take } from './limiter.ts'
export { parseRules } from './parse-rules.ts'
