/** Events of new entries to each receiver that is configured. */

import type { LogEntry } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { type LogPart, type LogParts, readEntriesFrom } from '@sigstack/rekor-log'
import type { Logger } from '@sigstack/server'
import type { EventsConfig } from './config.ts'
import type { Receiver } from './cursor.ts'
import { createDelivery, type RefusedOutcome, type Send } from './deliver.ts'
import type { NewEntryEvent } from './event.ts'
import type { EventMetrics } from './metrics.ts'
import { openPublisher, type Publisher } from './publish.ts'
import { openRedisStream } from './redis-stream.ts'
import { webhook } from './webhook.ts'

export type EventsContext = {
  readonly pool: Pool
  readonly logger: Logger
  readonly metrics: EventMetrics
  /** Takes what is to be stopped with the log. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}

/** Events in the words of the face whose entries they tell of. */
export type EventForm<Part extends LogPart> = {
  newEntryEvent(placed: Placed<Part>): Promise<NewEntryEvent>
  /** Without anything that has to be read. */
  bareEvent(placed: Placed<Part>): NewEntryEvent
}

type Placed<Part> = { readonly shard: Part; readonly entry: LogEntry }

/** Single events are sent one after the other; the cursor moves after so many. */
const singlesPerTurn = 20
/** They travel together, and each is signed before. */
const streamBatch = 100
/** An event that could not be made so often in a row is sent as what is known without reading anything. */
const patience = 3

export async function openEvents<Part extends LogPart>(
  config: EventsConfig,
  shards: LogParts<Part>,
  { newEntryEvent, bareEvent }: EventForm<Part>,
  { pool, logger, metrics, onStop }: EventsContext,
): Promise<void> {
  const publishers = new Map<Receiver, Publisher>()
  metrics.follow(() => new Map([...publishers].map(([receiver, { backlog }]) => [receiver, backlog()])))
  const onEvents = metrics.published
  if (config.webhook !== undefined) {
    const { batch } = config.webhook
    const send = webhook({ ...config.webhook, onEvents })
    await open('webhook', send, batch, batch === 1 ? singlesPerTurn : batch)
  }
  if (config.stream !== undefined) {
    const stream = openRedisStream({ ...config.stream, onEvents })
    onStop(() => stream.stop())
    await open('stream', stream.deliver, streamBatch, streamBatch)
  }

  async function open(receiver: Receiver, send: Send, atOnce: number, batch: number): Promise<void> {
    const length = async () => {
      const active = shards.list().at(-1)
      return active === undefined ? 0n : active.firstIndex + (await active.log.treeHead()).size
    }
    const onRefused = ({ id }: NewEntryEvent, outcome: RefusedOutcome, error: unknown) => {
      metrics.eventRefused(receiver, outcome)
      const level = outcome === 'passed_over' ? 'error' : 'warn'
      logger[level]({ err: error, receiver, entry: id, outcome }, 'an event was not taken as it is')
    }
    const deliver = createDelivery({
      send,
      atOnce,
      newest: async () => {
        const [placed] = await readEntriesFrom(shards, (await length()) - 1n, 1)
        return placed && newEntryEvent(placed)
      },
      onRefused,
    })
    const make = async (placed: Placed<Part>, failures: number) => {
      try {
        return await newEntryEvent(placed)
      } catch (error) {
        if (failures < patience) throw error
        const bare = bareEvent(placed)
        onRefused(bare, 'without_data', error)
        return bare
      }
    }
    const publisher = await openPublisher({
      pool,
      logId: shards.list()[0]?.log.logId ?? new Uint8Array(32),
      receiver,
      length,
      readEntries: (start, count) => readEntriesFrom(shards, start, count),
      deliver: async (entries, signal, failures) =>
        deliver(await Promise.all(entries.map((placed) => make(placed, failures))), signal, failures),
      batch,
      onError: (error) =>
        logger.warn({ err: error, receiver }, 'events could not be delivered; they are tried again'),
    })
    publishers.set(receiver, publisher)
    shards.onAppended(() => publisher.wake())
    onStop(() => publisher.stop())
  }
}
