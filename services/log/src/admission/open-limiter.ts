import {
  createFirstTimes,
  createLimiter,
  type FirstTimes,
  type Limiter,
  parseRanges,
  type Rule,
} from '@sigstack/limits'
import type { Logger } from '@sigstack/server'
import { type AddressLimiter, addressLimiterOf } from './address-limiter.ts'
import type { LimitsConfig } from './limits-config.ts'

export type LimiterContext = {
  readonly logger: Logger
  /** Takes what is to be stopped with the log. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}

/** In the Redis of the log where it has one, under `name`. */
export function openLimiter(
  name: string,
  rules: readonly Rule[],
  { redisUrl }: Pick<LimitsConfig, 'redisUrl'>,
  { logger, onStop }: LimiterContext,
): Limiter {
  const opened = createLimiter({
    name,
    rules,
    ...(redisUrl !== undefined && { redisUrl }),
    onReachable: (reachable, reason) =>
      reachable
        ? logger.info({ limits: name }, 'limits are shared through Redis')
        : logger.warn(
            { limits: name, reason },
            'Redis is unreachable: limits are counted here alone meanwhile',
          ),
  })
  onStop(() => opened.stop())
  return opened
}

/** What the limiter of this name counted already, where its buckets are; that one tells of Redis. */
export function openFirstTimes(
  name: string,
  { redisUrl }: Pick<LimitsConfig, 'redisUrl'>,
  { onStop }: LimiterContext,
): FirstTimes {
  const opened = createFirstTimes({ name, ...(redisUrl !== undefined && { redisUrl }) })
  onStop(() => opened.stop())
  return opened
}

/** `undefined` where addresses are not limited. */
export function openAddressLimiter(
  name: string,
  config: LimitsConfig,
  context: LimiterContext,
): AddressLimiter | undefined {
  const { addressLimits = [], unlimitedAddresses = [] } = config
  if (addressLimits.length === 0) return undefined
  return addressLimiterOf(openLimiter(name, addressLimits, config, context), parseRanges(unlimitedAddresses))
}
