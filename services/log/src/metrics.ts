/** Every metric of a log but those of HTTP, which the server's frame has. */
import type { BatchReport } from '@sigstack/log-engine'
import type { Registry } from '@sigstack/server'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { LogConfig } from './config.ts'

export type LogMetrics = {
  batch(report: BatchReport): void
  /** Times one verification; `kind` is the entry's, or `refused`. */
  verified(kind: string, seconds: number): void
  /** From here on batches are counted: what the log does for itself while it is opened is nobody's entry. */
  begin(gauges: LogGauges & { readonly isFull: () => boolean }): void
}

export type LogGauges = {
  readonly queueDepth: () => number
  /** Entries that the search index does not show yet; not for logs without one. */
  readonly searchBacklog?: () => bigint
}

const seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5]

export function createLogMetrics(face: LogConfig['face']['face'], registry: Registry): LogMetrics {
  const registers = [registry]
  let isOpen = false
  const newEntries = new Counter({
    // Rekor's own name for it, which dashboards ask for.
    name: face === 'ct' ? 'ct_new_entries' : 'rekor_new_entries',
    help: 'Entries logged by this process',
    registers,
  })
  const duplicates = new Counter({
    name: 'log_duplicates_total',
    help: 'Entries that stood in the log already',
    registers,
  })
  const batchEntries = new Histogram({
    name: 'log_batch_entries',
    help: 'Entries in one transaction',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers,
  })
  const batchSeconds = new Histogram({
    name: 'log_batch_seconds',
    help: 'From the start of a batch to its commit',
    buckets: seconds,
    registers,
  })
  const verificationSeconds = new Histogram({
    name: 'log_verification_seconds',
    help: 'Verification of a proposed entry',
    labelNames: ['kind'] as const,
    buckets: seconds,
    registers,
  })
  return {
    batch: ({ entries, duplicates: found, durationMs }) => {
      if (!isOpen) return
      newEntries.inc(entries)
      duplicates.inc(found)
      batchEntries.observe(entries + found)
      batchSeconds.observe(durationMs / 1000)
    },
    verified: (kind, elapsed) => verificationSeconds.observe({ kind }, elapsed),
    begin: (gauges) => {
      isOpen = true
      watch(gauges, registers)
    },
  }
}

function watch(
  { queueDepth, searchBacklog, isFull }: Parameters<LogMetrics['begin']>[0],
  registers: Registry[],
): void {
  new Gauge({
    name: 'log_queue_depth',
    help: 'Entries that wait for a batch',
    registers,
    collect() {
      this.set(queueDepth())
    },
  })
  new Gauge({
    name: 'log_database_full',
    help: '1 while the database has no room for new entries',
    registers,
    collect() {
      this.set(isFull() ? 1 : 0)
    },
  })
  if (searchBacklog === undefined) return

  new Gauge({
    name: 'log_search_backlog',
    help: 'Entries that are logged and not yet found by search',
    registers,
    collect() {
      this.set(Number(searchBacklog()))
    },
  })
}
