/** Upstream's own metrics, by its names and labels, so that dashboards made for it go on working (rekor-v2.md section 14.1). */
import type { PreparedAnswers, Registry } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { GateOutcome } from '../../admission/gate.ts'
import type { WorkRefusal } from '../../verification/refusal.ts'

export type RekorV2Metrics = {
  /** Entries that were not there before. */
  logged(count: number): void
  /** A request that met a bound of work. */
  workRefused(reason: WorkRefusal): void
  decided(outcome: GateOutcome): void
  /** Counts and times the answers, of its routes and from what they keep. */
  measure(app: FastifyInstance, prepared?: PreparedAnswers): void
}

export function createRekorV2Metrics(registry: Registry, version: string): RekorV2Metrics {
  const registers = [registry]
  const labelNames = ['code', 'method'] as const
  const entries = new Counter({
    name: 'rekor_v2_new_hashedrekord_entries',
    help: 'Entries logged by this process',
    registers,
  })
  const requests = new Counter({
    name: 'rekor_v2_http_requests_total',
    help: 'Requests answered',
    labelNames,
    registers,
  })
  const latency = new Histogram({
    name: 'rekor_v2_http_api_latency',
    help: 'Seconds from the request line to the end of the answer',
    labelNames,
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers,
  })
  const refusedWork = new Counter({
    name: 'log_work_refused_total',
    help: 'Proposals that were not verified: too costly, too slow, or no room for them',
    labelNames: ['reason'] as const,
    registers,
  })
  const admissions = new Counter({
    name: 'log_admissions_total',
    help: 'Entries and requests at the gate, by what became of them',
    labelNames: ['outcome'] as const,
    registers,
  })
  new Gauge({
    name: 'rekor_v2_build_info',
    help: 'Always 1',
    labelNames: ['version'] as const,
    registers,
  }).set({ version }, 1)
  return {
    logged: (count) => entries.inc(count),
    workRefused: (reason) => refusedWork.inc({ reason }),
    decided: (outcome) => admissions.inc({ outcome }),
    measure: (app, prepared) => {
      const answered = (code: string, method: string, milliseconds: number) => {
        requests.inc({ code, method })
        latency.observe({ code, method }, milliseconds / 1000)
      }
      app.addHook('onResponse', (request, reply, done) => {
        // Calls of gRPC are counted by their own names.
        if (request.headers['content-type']?.startsWith('application/grpc') !== true)
          answered(String(reply.statusCode), request.method.toLowerCase(), reply.elapsedTime)
        done()
      })
      prepared?.onAnswered((_answer, milliseconds) => answered('200', 'get', milliseconds))
    },
  }
}
