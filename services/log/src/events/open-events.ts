/** Events of new entries to each receiver that is configured. */
import type { Pool } from '@sigstack/postgres'
import type { Logger } from '@sigstack/server'
import type { EventsConfig } from '../events-config.ts'
import { newEntryEvent, readEntriesFrom } from '../faces/rekor-v1/index.ts'
import type { ShardSet } from '../shards/shard-set.ts'
import type { Receiver } from './cursor.ts'
import type { NewEntryEvent, OnEvents } from './event.ts'
import { openPublisher, type Publisher } from './publish.ts'
import { openRedisStream } from './redis-stream.ts'
import { webhook } from './webhook.ts'

export type EventsContext = {
  readonly pool: Pool
  readonly logger: Logger
  readonly metrics: { readonly published: OnEvents }
  /** Takes what is to be stopped with the log. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}

export type OpenEvents = {
  /** Entries that were logged and not delivered yet, when it was last looked at. */
  backlog(): ReadonlyMap<Receiver, bigint>
}

type Deliver = (events: readonly NewEntryEvent[], signal: AbortSignal) => Promise<void>

/** Single events are sent one after the other; the cursor moves after so many. */
const singlesPerTurn = 20
/** They travel together, and each is signed before. */
const streamBatch = 100

export async function openEvents(
  config: EventsConfig,
  shards: ShardSet,
  { pool, logger, metrics, onStop }: EventsContext,
): Promise<OpenEvents> {
  const publishers = new Map<Receiver, Publisher>()
  const onEvents = metrics.published
  if (config.webhook !== undefined) {
    const { batch } = config.webhook
    await open('webhook', webhook({ ...config.webhook, onEvents }), batch === 1 ? singlesPerTurn : batch)
  }
  if (config.stream !== undefined) {
    const stream = openRedisStream({ ...config.stream, onEvents })
    onStop(() => stream.stop())
    await open('stream', stream.deliver, streamBatch)
  }
  return { backlog: () => new Map([...publishers].map(([receiver, { backlog }]) => [receiver, backlog()])) }

  async function open(receiver: Receiver, deliver: Deliver, batch: number): Promise<void> {
    const publisher = await openPublisher({
      pool,
      logId: shards.list()[0]?.log.logId ?? new Uint8Array(32),
      receiver,
      length: async () => {
        const { firstIndex, log } = shards.active()
        return firstIndex + (await log.treeHead()).size
      },
      readEntries: (start, count) => readEntriesFrom(shards, start, count),
      deliver: async (entries, signal) => deliver(await Promise.all(entries.map(newEntryEvent)), signal),
      batch,
      onError: (error) =>
        logger.warn({ err: error, receiver }, 'events could not be delivered; they are tried again'),
    })
    publishers.set(receiver, publisher)
    shards.onAppended(() => publisher.wake())
    onStop(() => publisher.stop())
  }
}
