/** Every metric of a monitor but those of HTTP, which the server's frame has. */
import type { Pool } from '@sigstack/postgres'
import type { Registry } from '@sigstack/server'
import { Counter, Gauge } from 'prom-client'
import { alarmKinds } from './alarms/alarm.ts'
import { countAlarms } from './alarms/alarm-store.ts'
import { readTreeStatuses } from './following/tree-status.ts'

export type MonitorMetrics = {
  readonly entries: Counter<'log'>
  readonly failures: Counter<'log'>
  /** When a head of the tree was last had, in seconds since the epoch. */
  readonly seen: Gauge<'tree'>
  readonly deliveries: Counter<'channel' | 'outcome'>
}

export function createMetrics(registry: Registry, pool: Pool): MonitorMetrics {
  const registers = [registry]
  const newest = new Gauge({
    name: 'monitor_log_newest_entries',
    help: 'Entries of the largest head that was shown',
    labelNames: ['log', 'shard'],
    registers,
  })
  const consistent = new Gauge({
    name: 'monitor_log_consistent',
    help: '0 where a head was shown that does not fit the ones before',
    labelNames: ['log', 'shard'],
    registers,
  })
  new Gauge({
    name: 'monitor_log_verified_entries',
    help: 'Entries that were read and led to a signed root',
    labelNames: ['log', 'shard'],
    registers,
    async collect() {
      for (const gauge of [this, newest, consistent]) gauge.reset()
      for (const tree of await readTreeStatuses(pool)) {
        const labels = { log: tree.logName, shard: tree.shard }
        this.set(labels, Number(tree.verified.size))
        newest.set(labels, Number(tree.newest?.size ?? 0n))
        consistent.set(labels, tree.state === 'inconsistent' ? 0 : 1)
      }
    },
  })
  new Gauge({
    name: 'monitor_alarms',
    help: 'Alarms that are not closed',
    labelNames: ['kind', 'severity', 'state'],
    registers,
    async collect() {
      this.reset()
      for (const { kind, state, count } of await countAlarms(pool))
        this.set({ kind, severity: alarmKinds[kind].severity, state }, Number(count))
    },
  })
  return {
    entries: new Counter({
      name: 'monitor_entries_read_total',
      help: 'Entries that were read and hashed',
      labelNames: ['log'],
      registers,
    }),
    failures: new Counter({
      name: 'monitor_failures_total',
      help: 'Looks at a log that failed in part',
      labelNames: ['log'],
      registers,
    }),
    seen: new Gauge({
      name: 'monitor_head_seen_timestamp_seconds',
      help: 'When a head of the tree was last had',
      labelNames: ['tree'],
      registers,
    }),
    deliveries: new Counter({
      name: 'monitor_deliveries_total',
      help: 'Attempts to tell of an alarm',
      labelNames: ['channel', 'outcome'],
      registers,
    }),
  }
}
