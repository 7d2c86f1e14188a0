/** What became of events, by upstream's name where it has one. */
import type { Registry } from '@sigstack/server'
import { Counter, Gauge } from 'prom-client'
import type { Receiver } from './cursor.ts'
import type { RefusedOutcome } from './deliver.ts'

export type EventMetrics = {
  published(contentType: string, status: string, count: number): void
  /** An event that its receiver did not take as it was. */
  eventRefused(receiver: Receiver, outcome: RefusedOutcome): void
  /** Where there are receivers: of each, the entries of a log whose events are not delivered yet. Once for each log. */
  follow(backlog: () => ReadonlyMap<Receiver, bigint>): void
}

export function createEventMetrics(registry: Registry): EventMetrics {
  const registers = [registry]
  const events = new Counter({
    name: 'rekor_publish_events',
    help: 'Events of new entries sent to their receiver',
    labelNames: ['event', 'content_type', 'status'] as const,
    registers,
  })
  const refused = new Counter({
    name: 'log_events_refused_total',
    help: 'Events that their receiver refused: sent without data, or passed over',
    labelNames: ['outcome', 'receiver'] as const,
    registers,
  })
  const backlogs: (() => ReadonlyMap<Receiver, bigint>)[] = []

  function watch(): void {
    new Gauge({
      name: 'log_event_backlog',
      help: 'Entries that are logged and whose events are not delivered yet',
      labelNames: ['receiver'] as const,
      registers,
      collect() {
        const sums = new Map<Receiver, bigint>()
        for (const [receiver, entries] of backlogs.flatMap((backlog) => [...backlog()]))
          sums.set(receiver, (sums.get(receiver) ?? 0n) + entries)
        for (const [receiver, entries] of sums) this.set({ receiver }, Number(entries))
      },
    })
  }

  return {
    published: (content_type, status, count) =>
      events.inc({ event: 'NewEntry', content_type, status }, count),
    eventRefused: (receiver, outcome) => refused.inc({ outcome, receiver }),
    follow: (backlog) => {
      if (backlogs.push(backlog) === 1) watch()
    },
  }
}
