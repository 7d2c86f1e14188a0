/**
 * The live tail: one look at a log a moment for all readers together, and none while there are no readers. A reader that does not
 * take what it is sent is cut off, since nothing is kept for it; it comes again with the last index that it saw.
 */
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
  write(text: string): void
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
/** At one look; of more only the newest are told. */
const mostAtOnce = 50

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
      const shown = eventsOf((await logs.get(log)?.(mostAtOnce)) ?? [])
      for (const [reader, after] of readers)
        if (reader.log === log) tell(reader, shown(reader.hidesAddresses), after)
    } catch (error) {
      onError(error)
    }
  }

  /** Of `events`, oldest first, those that the reader does not have; what came before the oldest of them is counted. */
  function tell(reader: TailReader, events: readonly Event[], after: bigint | undefined): void {
    readers.set(reader, events.at(-1)?.logIndex ?? after ?? -1n)
    if (after === undefined) return
    const fresh = events.filter(({ logIndex }) => logIndex > after)
    const [oldest] = fresh
    if (oldest === undefined) return
    const skipped = oldest.logIndex - after - 1n
    const told = fresh.map(({ text }) => text).join('')
    send(reader, (skipped > 0n ? `event: skipped\ndata: ${skipped}\n\n` : '') + told)
  }

  function send(reader: TailReader, text: string): void {
    if (reader.waiting() <= mostWaiting && reader.mayRead()) return reader.write(text)
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
      reader.write(': open\n\n')
      timer ??= setTimeout(() => void look(), 0).unref()
      beating ??= setInterval(() => {
        for (const each of readers.keys()) send(each, ': here\n\n')
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

type Event = { readonly logIndex: bigint; readonly text: string }

/** Of entries, newest first; oldest first, and made once for all readers of a kind. */
function eventsOf(entries: readonly PlacedEntry[]): (hidesAddresses: boolean) => readonly Event[] {
  const made = new Map<boolean, readonly Event[]>()
  return (hidesAddresses) => {
    const known = made.get(hidesAddresses)
    if (known !== undefined) return known
    const events = entries.map((entry) => eventOf(hidesAddresses ? hidden(entry) : entry)).toReversed()
    made.set(hidesAddresses, events)
    return events
  }
}

function eventOf({ logIndex, integratedTime, ...shown }: PlacedEntry): Event {
  const logged = integratedTime === undefined ? undefined : new Date(integratedTime * 1000).toISOString()
  const data = { ...shown, logIndex: String(logIndex), logged }
  return { logIndex, text: `id: ${logIndex}\ndata: ${JSON.stringify(data)}\n\n` }
}
