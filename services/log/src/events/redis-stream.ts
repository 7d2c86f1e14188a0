/**
 * Delivery to a Redis stream: each event is one entry of the stream with the fields `id` and `event`, the CloudEvent in JSON. Readers
 * keep their own place (`XREAD`, consumer groups); `id` tells them what comes a second time.
 */
import { quoted, reasonOf } from '@sigstack/crypto'
import { Redis } from 'ioredis'
import { EventsError } from './errors.ts'
import { eventType, type NewEntryEvent, type OnEvents } from './event.ts'

export type RedisStreamOptions = {
  /** `redis://…` or `rediss://…`. */
  readonly url: string
  /** The stream's key. */
  readonly name: string
  /** About so many events are kept, the newest: Redis cuts off whole blocks, so a hundred more may stay. */
  readonly maxEvents: number
  readonly timeoutMs?: number
  readonly onEvents?: OnEvents
}

export type RedisStream = {
  /** Throws {@link EventsError} when Redis cannot be reached, does not answer in time, or refuses. */
  deliver(events: readonly NewEntryEvent[], signal: AbortSignal): Promise<void>
  stop(): void
}

export function openRedisStream(options: RedisStreamOptions): RedisStream {
  const { name, maxEvents, timeoutMs = 5_000, onEvents = () => {} } = options
  const redis = new Redis(options.url, {
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // The publisher tries again by itself, with the events that are due then.
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
  })
  // Each failure is told with the delivery that it spoils.
  redis.on('error', () => {})

  /** All or none, so that what is delivered again does not begin in the middle. */
  async function append(events: readonly NewEntryEvent[]): Promise<void> {
    const transaction = redis.multi()
    for (const { id, json } of events)
      transaction.xadd(name, 'MAXLEN', '~', maxEvents, '*', 'id', id, 'event', json)
    const failure = (await transaction.exec())?.find(([error]) => error !== null)?.[0]
    if (failure) throw failure
  }

  return {
    deliver: async (events, signal) => {
      try {
        await orAborted(append(events), signal)
        onEvents(eventType, 'SUCCESS', events.length)
      } catch (cause) {
        onEvents(eventType, 'ERROR', events.length)
        const reason = reasonOf(cause)
        throw new EventsError('not_taken', `the stream ${quoted(name)} took no event: ${reason}`, {
          cause,
        })
      }
    },
    stop: () => redis.disconnect(),
  }
}

/** A command cannot be called back, but whoever stops need not wait for its answer. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
