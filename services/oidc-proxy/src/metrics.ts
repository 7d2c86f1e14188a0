/** Every metric of the proxy. The issuer label is a line of the configured list, so its values are bounded. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { DocumentCache } from './cache/document-cache.ts'
import type { DocumentEvents } from './documents/issuer-documents.ts'

/** Whether changed lists of issuers took effect. */
export function createReloadEvents(registry: Registry): { taken(): void; refused(): void } {
  const reloads = new Counter({
    name: 'oidc_proxy_reloads_total',
    help: 'Changed lists of issuers read again, by whether they took effect',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const gauge = new Gauge({
    name: 'oidc_proxy_reload_refused',
    help: '1 while the file holds a list that has a fault and is not in force',
    registers: [registry],
  })
  return {
    taken() {
      reloads.inc({ outcome: 'ok' })
      gauge.set(0)
    },
    refused() {
      reloads.inc({ outcome: 'refused' })
      gauge.set(1)
    },
  }
}

export function createDocumentEvents(registry: Registry, cache: DocumentCache): DocumentEvents {
  const fetches = new Counter({
    name: 'oidc_proxy_fetches_total',
    help: 'Documents fetched from issuers, by outcome',
    labelNames: ['issuer', 'document', 'outcome'],
    registers: [registry],
  })
  const served = new Counter({
    name: 'oidc_proxy_documents_served_total',
    help: 'Documents served, by where they came from and whether they were past their fresh time',
    labelNames: ['document', 'source', 'freshness'],
    registers: [registry],
  })
  new Gauge({
    name: 'oidc_proxy_redis_connected',
    help: '1 while documents are shared through Redis, 0 when they are in memory only',
    registers: [registry],
    collect() {
      this.set(cache.state() === 'redis' ? 1 : 0)
    },
  })
  return {
    fetched: (issuer, document, outcome) => fetches.inc({ issuer: issuer.entry.url, document, outcome }),
    served: (document, source, freshness) => served.inc({ document, source, freshness }),
  }
}
