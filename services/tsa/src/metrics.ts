/** Every metric of the timestamp authority. Those that begin with timestamp_authority_ are upstream's, by its names and units. */
import type { Registry } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, Summary } from 'prom-client'
import { paths } from './routes/replies.ts'

export type TsaMetrics = {
  readonly registry: Registry
  readonly refusals: Counter<'reason'>
  readonly clock: ClockMetrics
}

export type ClockMetrics = {
  readonly latency: Histogram<'host'>
  readonly syncs: Counter<'host' | 'failed'>
  readonly errors: Counter<'reason'>
  readonly difference: Gauge<'source'>
  readonly believed: Gauge
}

const dayMs = 86_400_000
const nanoseconds = 1_000_000
/** Ten, from 1 ms to 4 s. */
const nanosecondBuckets = Array.from({ length: 10 }, (_, i) => nanoseconds * 4_000 ** (i / 9))
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** How long before its end a chain is to have its successor. */
export const dueDays = 60

/** `chainEnds` tells when the first certificate of the chain that stamps ends. */
export function createMetrics(registry: Registry, chainEnds: () => Date): TsaMetrics {
  const registers = [registry]
  new Gauge({
    name: 'timestamp_authority_certificate_valid_days_remaining',
    help: 'Days until the first certificate of the chain that stamps ends',
    registers,
    collect() {
      this.set((chainEnds().getTime() - Date.now()) / dayMs)
    },
  })
  new Gauge({
    name: 'tsa_chain_ends_soon',
    help: '1 when the chain that stamps ends within 60 days: its successor is due',
    registers,
    collect() {
      this.set(chainEnds().getTime() - Date.now() < dueDays * dayMs ? 1 : 0)
    },
  })
  new Gauge({
    name: 'timestamp_authority_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'revision', 'build_date', 'goversion'] as const,
    registers,
  }).set({ version, revision: '', build_date: '', goversion: `node ${process.version}` }, 1)
  return {
    registry,
    refusals: new Counter<'reason'>({
      name: 'tsa_refusals_total',
      help: 'Requests without a stamp, by reason',
      labelNames: ['reason'],
      registers,
    }),
    clock: {
      latency: new Histogram({
        name: 'timestamp_authority_ntp_latency',
        help: 'Seconds that an NTP server took to answer',
        labelNames: ['host'],
        buckets: seconds,
        registers,
      }),
      syncs: new Counter({
        name: 'timestamp_authority_ntp_sync_total',
        help: 'Questions to NTP servers',
        labelNames: ['host', 'failed'],
        registers,
      }),
      errors: new Counter({
        name: 'timestamp_authority_ntp_errors_total',
        help: 'Looks at the clock that found it unsure: err_too_few other clocks, or err_inv_time',
        labelNames: ['reason'],
        registers,
      }),
      difference: new Gauge({
        name: 'tsa_clock_difference_seconds',
        help: 'How far the other clock is ahead of this machine, when it was last asked',
        labelNames: ['source'],
        registers,
      }),
      believed: new Gauge({
        name: 'tsa_clock_believed',
        help: '1 while the clock of this machine can be believed, as far as anybody was asked',
        registers,
      }),
    },
  }
}

const known: ReadonlySet<string> = new Set(['/ping', ...Object.values(paths)])
const methods = new Set(['GET', 'POST', 'HEAD', 'OPTIONS'])

export function measureRequests(app: FastifyInstance, registry: Registry): void {
  const registers = [registry]
  const help = 'Nanoseconds from the request line to the end of the answer'
  const latency = new Histogram({
    name: 'timestamp_authority_api_latency',
    help,
    labelNames: ['path', 'code'],
    buckets: nanosecondBuckets,
    registers,
  })
  const summary = new Summary({
    name: 'timestamp_authority_api_latency_summary',
    help: 'The same, sum and count',
    percentiles: [],
    labelNames: ['path', 'code'],
    registers,
  })
  const byApi = new Histogram({
    name: 'timestamp_authority_latency_by_api',
    help: 'The same by method',
    labelNames: ['path', 'method'],
    buckets: nanosecondBuckets,
    registers,
  })
  const requests = new Counter({
    name: 'timestamp_authority_http_requests_total',
    help: 'Requests answered',
    labelNames: ['code', 'path', 'method'],
    registers,
  })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? ''
    const path = known.has(route) ? route : 'unrecognized'
    const method = methods.has(request.method) ? request.method : 'unrecognized'
    const code = String(reply.statusCode)
    const elapsed = reply.elapsedTime * nanoseconds
    latency.observe({ path, code }, elapsed)
    summary.observe({ path, code }, elapsed)
    byApi.observe({ path, method }, elapsed)
    requests.inc({ code, path, method })
    done()
  })
}
