/**
 * The live tail: one look at a log a moment for all readers together, and none while there are no readers. What is sent is made once for
 * all who saw the same. A reader that does not take what it is sent is cut off, since nothing is kept for it; it comes again with the last
 * index that it saw.
 */
import { utf8 } from '@sigstack/crypto'
import { networkOf } from '@sigstack/limits/addresses'
import { hidden } from '../reader.ts'
import type { PlacedEntry } from '../search/places.ts'
import type { LogName, Newest } from './newest.ts'

export type TailReader = {
  readonly log: LogName
  /** Of whoever reads, for the bounds. */
  readonly address: string
  readonly hidesAddresses: boolean
  /** What it saw last, where it comes again. */
  readonly lastIndex?: bigint
  /** Whether it still may. */
  mayRead(): boolean
  write(bytes: Uint8Array): void
  /** Bytes that it has not taken. */
  waiting(): number
  cut(): void
}

export type Tail = {
  /** What ends the reading; undefined where there are too many readers. */
  open(reader: TailReader): (() => void) | undefined
  readers(): number
  stop(): void
}

export type TailOptions = {
  readonly logs: ReadonlyMap<LogName, Newest>
  readonly limit: number
  readonly limitEach: number
  readonly pollMs?: number
  readonly onError: (error: unknown) => void
}

const heartbeatMs = 15_000
const mostWaiting = 65_536
/** At one look; of more only the newest are read and told, and how many were passed over. */
const mostAtOnce = 20
const greeting = utf8(': open\n\n')
const heartbeat = utf8(': here\n\n')

export function createTail({ logs, limit, limitEach, pollMs = 500, onError }: TailOptions): Tail {
  /** With the last index that each was told; undefined: it begins with what comes next. */
  const readers = new Map<TailReader, bigint | undefined>()
  let timer: NodeJS.Timeout | undefined
  let beating: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const wanted = new Set([...readers.keys()].map(({ log }) => log))
    await Promise.all([...wanted].map(lookAt))
    timer = readers.size > 0 ? setTimeout(() => void look(), pollMs).unref() : undefined
  }

  async function lookAt(log: LogName): Promise<void> {
    try {
      const entries = (await logs.get(log)?.(mostAtOnce)) ?? []
      const newest = entries[0]?.logIndex
      const freshFor = freshIn(entries)
      for (const [reader, after] of readers) {
        if (reader.log !== log) continue
        readers.set(reader, newest ?? after ?? -1n)
        const fresh = after === undefined ? undefined : freshFor(after, reader.hidesAddresses)
        if (fresh !== undefined) send(reader, fresh)
      }
    } catch (error) {
      onError(error)
    }
  }

  function send(reader: TailReader, bytes: Uint8Array): void {
    if (reader.waiting() <= mostWaiting && reader.mayRead()) return reader.write(bytes)
    readers.delete(reader)
    reader.cut()
  }

  return {
    readers: () => readers.size,
    open(reader) {
      const network = networkOf(reader.address)
      const own = [...readers.keys()].filter(({ address }) => networkOf(address) === network).length
      if (readers.size >= limit || own >= limitEach) return undefined
      readers.set(reader, reader.lastIndex)
      reader.write(greeting)
      timer ??= setTimeout(() => void look(), 0).unref()
      beating ??= setInterval(() => {
        for (const each of readers.keys()) send(each, heartbeat)
      }, heartbeatMs).unref()
      return () => readers.delete(reader)
    },
    stop() {
      clearTimeout(timer)
      clearInterval(beating)
      for (const reader of readers.keys()) reader.cut()
      readers.clear()
    },
  }
}

/**
 * Of entries, newest first, those after an index, as events and oldest first; before them how many are between that index and the oldest
 * that was read. Undefined where nothing came.
 */
function freshIn(
  entries: readonly PlacedEntry[],
): (after: bigint, hidesAddresses: boolean) => Uint8Array | undefined {
  const made = new Map<string, Uint8Array | undefined>()
  const make = (after: bigint, hidesAddresses: boolean): Uint8Array | undefined => {
    const fresh = entries.filter(({ logIndex }) => logIndex > after).toReversed()
    const [oldest] = fresh
    if (oldest === undefined) return undefined
    const skipped = oldest.logIndex - after - 1n
    const told = fresh.map((entry) => eventOf(hidesAddresses ? hidden(entry) : entry)).join('')
    return utf8((skipped > 0n ? `event: skipped\ndata: ${skipped}\n\n` : '') + told)
  }
  return (after, hidesAddresses) => {
    const name = `${after} ${hidesAddresses}`
    if (!made.has(name)) made.set(name, make(after, hidesAddresses))
    return made.get(name)
  }
}

function eventOf({ logIndex, integratedTime, ...shown }: PlacedEntry): string {
  const logged = integratedTime === undefined ? undefined : new Date(integratedTime * 1000).toISOString()
  const data = { ...shown, logIndex: String(logIndex), logged }
  return `id: ${logIndex}\ndata: ${JSON.stringify(data)}\n\n`
}
