import { Counter, type Registry } from 'prom-client'

export type Metrics = {
  readonly collections: Counter<'outcome'>
  readonly changes: Counter
}

export function createMetrics(registry: Registry): Metrics {
  return {
    collections: new Counter({
      name: 'trust_collections_total',
      help: 'Collections of the public keys of the services, by outcome',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
    changes: new Counter({
      name: 'trust_publications_total',
      help: 'Publications with changed content since the start',
      registers: [registry],
    }),
  }
}
