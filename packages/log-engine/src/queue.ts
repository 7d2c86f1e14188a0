/**
 * Group commit without a timer: while one batch commits the next gathers, and it starts the moment the last has ended. At idle a
 * batch is one item; under pressure it is whatever arrived meanwhile.
 */
import { LogError } from './errors.ts'

export type QueueOptions<Item> = {
  /** Bounds of one batch. A single item over `batchBytes` goes alone. */
  readonly batchItems: number
  readonly batchBytes: number
  sizeOf(item: Item): number
  /** Handles a batch, and settles its items itself. */
  run(batch: readonly Item[]): Promise<void>
  /** Told when `run` rejects, which should not be; the next batch is run all the same. */
  onError(error: unknown): void
}

export type Queue<Item> = {
  push(item: Item): void
  depth(): number
  /** Refuses new items and waits for the begun and the waiting ones. */
  close(): Promise<void>
}

export function createQueue<Item>(options: QueueOptions<Item>): Queue<Item> {
  let waiting: Item[] = []
  let running: Promise<void> | undefined
  let closed = false

  function nextBatch(): readonly Item[] {
    let bytes = 0
    let count = 0
    while (count < waiting.length && count < options.batchItems) {
      bytes += options.sizeOf(waiting[count] as Item)
      if (count > 0 && bytes > options.batchBytes) break
      count++
    }
    const batch = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return batch
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) await options.run(nextBatch()).catch(options.onError)
    running = undefined
  }

  return {
    push: (item) => {
      if (closed) throw new LogError('closed', 'the log is shutting down')
      waiting.push(item)
      // Not at once: what arrives in the same turn of the event loop belongs into the same batch.
      running ??= Promise.resolve().then(drain)
    },
    depth: () => waiting.length,
    close: async () => {
      closed = true
      await running
    },
  }
}
