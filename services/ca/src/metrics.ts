/** Every metric of the CA. The first three have Fulcio's names and labels, because dashboards ask for them. */
import { version } from '@sigstack/server/version'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CtLogState, CtLogs } from './adapters/ct-logs.ts'
import type { CtLog } from './issuance/dependencies.ts'

export type CaMetrics = {
  readonly registry: Registry
  readonly newCertificates: Counter
  /** `reason`: a refusal of a token, or the code of any other failure; both lists are closed. */
  readonly refusals: Counter<'reason'>
  readonly ctSubmissionSeconds: Histogram<'outcome'>
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

/** How long before its end a chain is to have its successor. */
export const dueDays = 30

/** `chainEnds` tells when the first certificate of the issuing chain ends. */
export function createMetrics(registry: Registry, chainEnds: () => Date): CaMetrics {
  const registers = [registry]
  new Gauge({
    name: 'ca_chain_end_timestamp_seconds',
    help: 'When the first certificate of the issuing chain ends',
    registers,
    collect() {
      this.set(chainEnds().getTime() / 1000)
    },
  })
  new Gauge({
    name: 'ca_chain_ends_soon',
    help: '1 when the issuing chain ends within 30 days: its successor is due',
    registers,
    collect() {
      this.set(chainEnds().getTime() - Date.now() < dueDays * 86_400_000 ? 1 : 0)
    },
  })
  new Gauge({
    name: 'fulcio_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'revision', 'build_date', 'goversion'] as const,
    registers,
  }).set({ version, revision: '', build_date: '', goversion: `node ${process.version}` }, 1)
  return {
    registry,
    newCertificates: new Counter({ name: 'fulcio_new_certs', help: 'Certificates issued', registers }),
    refusals: new Counter({
      name: 'ca_refusals_total',
      help: 'Applications refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
    ctSubmissionSeconds: new Histogram({
      name: 'ca_ct_submission_seconds',
      help: 'From a precertificate to the promise of a CT log, with all that was tried',
      labelNames: ['outcome'],
      buckets: seconds,
      registers,
    }),
  }
}

/** Counts and times requests by status and method, the method in lower case as Fulcio has it. */
export function measureRequests(app: FastifyInstance, registry: Registry): void {
  const labelNames = ['code', 'method'] as const
  const registers = [registry]
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered',
    labelNames,
    registers,
  })
  const latency = new Histogram({
    name: 'fulcio_api_latency',
    help: 'Seconds from request to answer',
    labelNames,
    buckets: seconds,
    registers,
  })
  app.addHook('onResponse', (request, reply, done) => {
    // Calls of gRPC have metrics of their own, and all of them have status 200.
    if (request.headers['content-type']?.startsWith('application/grpc') === true) return done()
    const method = methods.has(request.method) ? request.method.toLowerCase() : 'other'
    const labels = { code: String(reply.statusCode), method }
    requests.inc(labels)
    latency.observe(labels, reply.elapsedTime / 1000)
    done()
  })
}

/** Which CT log the next certificate goes to, and which are passed over for now; `log_id` as in the trusted root. */
export function tellCtLogs(registry: Registry, ctLogs: Pick<CtLogs, 'states'>): void {
  const tell = (name: string, help: string, isSo: (state: CtLogState) => boolean): void => {
    new Gauge({
      name,
      help,
      labelNames: ['log_id'] as const,
      registers: [registry],
      collect() {
        this.reset()
        for (const state of ctLogs.states()) this.set({ log_id: state.logId }, isSo(state) ? 1 : 0)
      },
    })
  }
  tell('ca_ct_log_current', '1 for the CT log that the next certificate goes to', (log) => log.isCurrent)
  tell(
    'ca_ct_log_resting',
    '1 for a CT log that takes no certificates, or did not answer, and is passed over for now',
    (log) => log.rest !== undefined,
  )
}

/** Times what a promise takes, by whichever log. */
export function measureCtLog(ctLog: CtLog, { ctSubmissionSeconds }: CaMetrics): CtLog {
  return {
    async addPreChain(precertificate, chain) {
      const begun = performance.now()
      const observe = (outcome: string): void =>
        ctSubmissionSeconds.observe({ outcome }, (performance.now() - begun) / 1000)
      try {
        const promise = await ctLog.addPreChain(precertificate, chain)
        observe('ok')
        return promise
      } catch (error) {
        observe('failed')
        throw error
      }
    },
  }
}
