/**
 * No event holds up those after it. A receiver that is away or busy is waited for; but what it refuses, it refuses again, so that is
 * sent without its data, and if even that is refused it is passed over: the log has it, and whoever missed it can read it there.
 */
import { EventsError } from './errors.ts'
import type { NewEntryEvent } from './event.ts'

/** Throws {@link EventsError}; takes all of them or none. */
export type Send = (events: readonly NewEntryEvent[], signal: AbortSignal) => Promise<void>

export type DeliveryOptions = {
  readonly send: Send
  /** Events in one sending. */
  readonly atOnce: number
  /** The newest event of the log, which tells a receiver that refuses one event from one that refuses all. */
  readonly newest: () => Promise<NewEntryEvent | undefined>
  readonly onRefused: (event: NewEntryEvent, outcome: RefusedOutcome, reason: unknown) => void
}

export type RefusedOutcome =
  /** The receiver has its ID and index. */
  'without_data' | 'passed_over'

/** `failures` is how often in a row the same could not be delivered before. */
export type Deliver = (
  events: readonly NewEntryEvent[],
  signal: AbortSignal,
  failures: number,
) => Promise<void>

/** CloudEvents 1.0, "Size Limits": nobody can rely on receivers that take more. */
const reliableBytes = 65_536
/** Some receivers do not say that something is too large, but break off. */
const patience = 3

export function createDelivery({ send, atOnce, newest, onRefused }: DeliveryOptions): Deliver {
  return async (events, signal, failures) => {
    // Whether the receiver takes anything at all, as far as it is known.
    let takes = false

    async function deliver(some: readonly NewEntryEvent[]): Promise<void> {
      const fault = await faultOf(some)
      if (fault === undefined) return
      if (!isAboutTheEvents(fault, some)) throw fault
      const [event] = some
      if (some.length > 1) {
        const half = Math.ceil(some.length / 2)
        await deliver(some.slice(0, half))
        return deliver(some.slice(half))
      }
      if (event !== undefined) await deliverWithoutData(event, fault)
    }

    async function deliverWithoutData(event: NewEntryEvent, fault: EventsError): Promise<void> {
      const still =
        event.bareJson === undefined ? fault : await faultOf([{ id: event.id, json: event.bareJson }])
      if (still === undefined) return onRefused(event, 'without_data', fault)
      if (still.code === 'turned_away') await assertTakes(event, still)
      else if (still.code !== 'refused') throw still
      onRefused(event, 'passed_over', still)
    }

    /** Who is told to go away may have a wrong address or password: then nothing is passed over, and all is tried again. */
    async function assertTakes(event: NewEntryEvent, fault: EventsError): Promise<void> {
      if (takes) return
      const other = await newest()
      if (other === undefined || other.id === event.id || (await faultOf([other])) !== undefined) throw fault
    }

    async function faultOf(some: readonly NewEntryEvent[]): Promise<EventsError | undefined> {
      try {
        await send(some, signal)
        takes = true
        return undefined
      } catch (error) {
        if (error instanceof EventsError && error.code !== 'turn_lost') return error
        throw error
      }
    }

    function isAboutTheEvents({ code }: EventsError, some: readonly NewEntryEvent[]): boolean {
      if (code !== 'not_taken') return true
      return failures >= patience && some.reduce((sum, { json }) => sum + json.length, 0) > reliableBytes
    }

    for (let at = 0; at < events.length; at += atOnce) await deliver(events.slice(at, at + atOnce))
  }
}
