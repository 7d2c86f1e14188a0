import { Counter, Gauge, type Registry } from 'prom-client'

export type Metrics = {
  readonly collections: Counter<'outcome'>
  readonly changes: Counter
  readonly expiry: Gauge<'role'>
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
    expiry: new Gauge({
      name: 'trust_tuf_expiry_timestamp_seconds',
      help: 'When the TUF metadata of a role expires, in seconds since 1970',
      labelNames: ['role'] as const,
      registers: [registry],
    }),
  }
}
