export {
  type AddressRanges,
  networkOf,
  parseAddress,
  parseRangeList,
  parseRanges,
  trustedProxies,
} from './addresses.ts'
export { createLimiter } from './create-limiter.ts'
export { LimitsError, type LimitsErrorCode } from './errors.ts'
export { createFirstTimes, type FirstTimes } from './first-times.ts'
export type { Limiter, Rule, Take } from './limiter.ts'
export { parseRules } from './parse-rules.ts'
