/** Every metric of a witness but those of HTTP, which the server's frame has. */
import type { Registry } from '@sigstack/server'
import { Counter, Gauge } from 'prom-client'

export type WitnessMetrics = {
  readonly submissions: Counter<'outcome'>
  readonly uploads: Counter<'outcome'>
  /** Checkpoints that a log has signed and that do not extend what it signed before. */
  readonly inconsistent: Counter
}

export function createMetrics(registry: Registry, knownLogs: () => number): WitnessMetrics {
  const registers = [registry]
  new Gauge({
    name: 'witness_known_logs',
    help: 'Logs in the list',
    registers,
    collect() {
      this.set(knownLogs())
    },
  })
  return {
    submissions: new Counter({
      name: 'witness_submissions_total',
      help: 'Checkpoints that were submitted, by what became of them',
      labelNames: ['outcome'],
      registers,
    }),
    uploads: new Counter({
      name: 'witness_uploads_total',
      help: 'Uploads of entries to the mirror, by what became of them',
      labelNames: ['outcome'],
      registers,
    }),
    inconsistent: new Counter({
      name: 'witness_inconsistent_total',
      help: 'Checkpoints signed by their log that do not extend what was cosigned before',
      registers,
    }),
  }
}
