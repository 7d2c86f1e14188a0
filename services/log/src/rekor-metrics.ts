/** Upstream's own metrics, by its names and units, so that dashboards made for it go on working (rekor-v1.md section 13.3). */
import type { Registry } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, Summary } from 'prom-client'
import type { GateOutcome } from './admission/gate.ts'
import type { AttestationOutcome } from './attestations/store.ts'
import type { Receiver } from './events/cursor.ts'
import { endpointOf } from './faces/rekor-v1/index.ts'

export type RekorMetrics = {
  /** One search of the index. */
  searched(isSuccess: boolean, seconds: number): void
  published(contentType: string, status: string, count: number): void
  attested(outcome: AttestationOutcome): void
  decided(outcome: GateOutcome): void
  /** Counts and times the answers of the API's operations. */
  measure(app: FastifyInstance): void
}

export type RekorGauges = {
  /** Of each receiver, the entries whose events are not delivered yet; not where there are no events. */
  readonly eventBacklog?: () => ReadonlyMap<Receiver, bigint>
}

const nanoseconds = 1_000_000
/** Ten, from 1 ms to 60 s. */
const nanosecondBuckets = Array.from({ length: 10 }, (_, i) => nanoseconds * 60_000 ** (i / 9))

export function createRekorMetrics(registry: Registry, version: string, gauges: RekorGauges): RekorMetrics {
  const registers = [registry]
  const byPathAndCode = { labelNames: ['path', 'code'] as const, registers }
  const latency = new Histogram({
    name: 'rekor_api_latency',
    help: 'Nanoseconds from the request line to the end of the answer',
    buckets: nanosecondBuckets,
    ...byPathAndCode,
  })
  const latencySummary = new Summary({
    name: 'rekor_api_latency_summary',
    help: 'The same, sum and count',
    percentiles: [],
    ...byPathAndCode,
  })
  const latencyByApi = new Histogram({
    name: 'rekor_latency_by_api',
    help: 'The same by method',
    buckets: nanosecondBuckets,
    labelNames: ['path', 'method'] as const,
    registers,
  })
  const requests = new Counter({
    name: 'rekor_qps_by_api',
    help: 'Requests answered',
    labelNames: ['path', 'method', 'code'] as const,
    registers,
  })
  const indexLatency = new Summary({
    name: 'rekor_index_storage_latency_summary',
    help: 'Nanoseconds of one search of the index, sum and count',
    labelNames: ['success'] as const,
    percentiles: [],
    registers,
  })
  const events = new Counter({
    name: 'rekor_publish_events',
    help: 'Events of new entries sent to their receiver',
    labelNames: ['event', 'content_type', 'status'] as const,
    registers,
  })
  const attestations = new Counter({
    name: 'log_attestations_total',
    help: 'Attestations of new entries, by what became of them',
    labelNames: ['outcome'] as const,
    registers,
  })
  const admissions = new Counter({
    name: 'log_admissions_total',
    help: 'Entries and requests at the gate, by what became of them',
    labelNames: ['outcome'] as const,
    registers,
  })
  new Gauge({
    name: 'rekor_build_info',
    help: 'Always 1',
    labelNames: ['version', 'revision', 'build_date', 'goversion'] as const,
    registers,
  }).set({ version, revision: '', build_date: '', goversion: `node ${process.version}` }, 1)
  const { eventBacklog } = gauges
  if (eventBacklog !== undefined) {
    new Gauge({
      name: 'log_event_backlog',
      help: 'Entries that are logged and whose events are not delivered yet',
      labelNames: ['receiver'] as const,
      registers,
      collect() {
        for (const [receiver, entries] of eventBacklog()) this.set({ receiver }, Number(entries))
      },
    })
  }

  return {
    searched: (isSuccess, seconds) => indexLatency.observe({ success: String(isSuccess) }, seconds * 1e9),
    published: (content_type, status, count) =>
      events.inc({ event: 'NewEntry', content_type, status }, count),
    attested: (outcome) => attestations.inc({ outcome }),
    decided: (outcome) => admissions.inc({ outcome }),
    measure: (app) => {
      app.addHook('onResponse', (request, reply, done) => {
        if (endpointOf(request) !== undefined) {
          const path = upstreamPath(request.routeOptions.url ?? '')
          const { method } = request
          const code = String(reply.statusCode)
          const elapsed = reply.elapsedTime * nanoseconds
          latency.observe({ path, code }, elapsed)
          latencySummary.observe({ path, code }, elapsed)
          latencyByApi.observe({ path, method }, elapsed)
          requests.inc({ path, method, code })
        }
        done()
      })
    },
  }
}

/** `/a/:b` is `/a/{b}` there. */
function upstreamPath(pattern: string): string {
  return pattern.replace(/:(\w+)/g, '{$1}')
}
