/** Upstream's own metrics, by its names and units, so that dashboards made for it go on working (rekor-v1.md section 13.3). */
import type { PreparedAnswers, Registry } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, Summary } from 'prom-client'
import type { GateOutcome } from '../../admission/gate.ts'
import type { AttestationOutcome } from '../../attestations/store.ts'
import type { WorkRefusal } from '../../verification/refusal.ts'
import type { Route } from './route.ts'
import { operationAt, operationOf, upstreamPath } from './routes.ts'
import { registerSumsOf } from './sums-of.ts'

export type RekorMetrics = {
  /** One search of the index. */
  searched(isSuccess: boolean, seconds: number): void
  /** A proposal that met a bound of work. */
  workRefused(reason: WorkRefusal): void
  attested(outcome: AttestationOutcome): void
  decided(outcome: GateOutcome): void
  /** Counts and times the answers of the API's operations. */
  /** What is answered there, by its routes and from what they keep. */
  measure(app: FastifyInstance, prepared?: PreparedAnswers): void
}

const nanoseconds = 1_000_000
/** Ten, from 1 ms to 60 s. */
const nanosecondBuckets = Array.from({ length: 10 }, (_, i) => nanoseconds * 60_000 ** (i / 9))

export function createRekorMetrics(registry: Registry, version: string): RekorMetrics {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, ...labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const summary = <Label extends string>(name: string, help: string, ...labelNames: readonly Label[]) =>
    new Summary({ name, help, percentiles: [], labelNames, registers })
  const histogram = <Label extends string>(name: string, help: string, ...labelNames: readonly Label[]) =>
    new Histogram({ name, help, buckets: nanosecondBuckets, labelNames, registers })

  const nanosecondsOfAnswer = 'Nanoseconds from the request line to the end of the answer'
  const latency = histogram('rekor_api_latency', nanosecondsOfAnswer, 'path', 'code')
  registerSumsOf(latency, { name: 'rekor_api_latency_summary', help: 'The same, sum and count', registry })
  const latencyByApi = histogram('rekor_latency_by_api', 'The same by method', 'path', 'method')
  const requests = counter('rekor_qps_by_api', 'Requests answered', 'path', 'method', 'code')
  const indexLatency = summary(
    'rekor_index_storage_latency_summary',
    'Nanoseconds of one search of the index, sum and count',
    'success',
  )
  const refusedWork = counter(
    'log_work_refused_total',
    'Proposals that were not verified: too costly, too slow, or no room for them',
    'reason',
  )
  const attestations = counter(
    'log_attestations_total',
    'Attestations of new entries, by what became of them',
    'outcome',
  )
  const admissions = counter(
    'log_admissions_total',
    'Entries and requests at the gate, by what became of them',
    'outcome',
  )
  new Gauge({
    name: 'rekor_build_info',
    help: 'Always 1',
    labelNames: ['version', 'revision', 'build_date', 'goversion'] as const,
    registers,
  }).set({ version, revision: '', build_date: '', goversion: `node ${process.version}` }, 1)

  function answered(operation: Route | undefined, code: string, milliseconds: number): void {
    if (operation === undefined) return
    const { method } = operation
    const path = upstreamPath(operation.path)
    const elapsed = milliseconds * nanoseconds
    latency.observe({ path, code }, elapsed)
    latencyByApi.observe({ path, method }, elapsed)
    requests.inc({ path, method, code })
  }

  return {
    searched: (isSuccess, seconds) => indexLatency.observe({ success: String(isSuccess) }, seconds * 1e9),
    workRefused: (reason) => refusedWork.inc({ reason }),
    attested: (outcome) => attestations.inc({ outcome }),
    decided: (outcome) => admissions.inc({ outcome }),
    measure: (app, prepared) => {
      app.addHook('onResponse', (request, reply, done) => {
        answered(operationOf(request), String(reply.statusCode), reply.elapsedTime)
        done()
      })
      prepared?.onAnswered(({ route }, milliseconds) =>
        answered(operationAt('GET', route), '200', milliseconds),
      )
    },
  }
}
