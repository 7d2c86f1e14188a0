/** The clock guard with the clocks that the settings name. */
import { createPool } from '@sigstack/postgres'
import type { Cleanups, Logger } from '@sigstack/server'
import type { Config } from '../config.ts'
import type { TsaMetrics } from '../metrics.ts'
import { type ClockGuard, createClockGuard, type OtherClock } from './clock-guard.ts'
import { databaseClock } from './database-clock.ts'
import { ntpClock } from './ntp-clock.ts'

/** Looks at the other clocks until `cleanups` run. */
export async function startClock(
  { clock: config }: Config,
  { logger, metrics, cleanups }: { logger: Logger; metrics: TsaMetrics; cleanups: Cleanups },
): Promise<ClockGuard> {
  const pool =
    config.databaseUrl === undefined
      ? undefined
      : createPool({
          connectionString: config.databaseUrl,
          maxConnections: 1,
          applicationName: 'tsa',
          queryTimeoutMs: 5_000,
          onError: (error) => logger.warn({ err: error }, 'the database connection broke'),
        })
  const clocks: readonly OtherClock[] = [
    ...(pool === undefined ? [] : [databaseClock(pool)]),
    ...config.ntpServers.map((server) => ntpClock(server, metrics.clock)),
  ]
  const { believed, difference, errors } = metrics.clock
  believed.set(clocks.length === 0 ? 1 : 0)
  const guard = createClockGuard({
    clocks,
    ntpAnswers: config.ntpAnswers,
    checkMs: config.checkSeconds * 1000,
    maxDifferenceMs: config.maxDifferenceMs,
    whenUnsure: config.whenUnsure,
    now: Date.now,
    monotonic: () => performance.now(),
    onDifference: ({ name }, differenceMs) => difference.set({ source: name }, differenceMs / 1000),
    onUnsure: (reason) => errors.inc({ reason }),
    onChange: (unsure, state) => {
      believed.set(unsure === undefined ? 1 : 0)
      if (unsure === undefined) return logger.info('the clock agrees with others')
      logger.warn(
        { reason: state },
        config.whenUnsure === 'refuse'
          ? 'the clock cannot be believed: nothing is stamped until it can'
          : 'the clock cannot be believed, and stamps go on as TSA_CLOCK_WHEN_UNSURE says',
      )
    },
  })
  const stopping = new AbortController()
  // Who refuses without it waits for the first look; others are not held up by a network.
  if (config.whenUnsure === 'refuse') await guard.check()
  const running = guard.run(stopping.signal)
  cleanups.add(async () => {
    stopping.abort()
    await running
    await pool?.end()
  })
  return guard
}
