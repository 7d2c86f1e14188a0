import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { asListenError, urlOf } from './listen.ts'
import { measureLoopLag } from './loop-lag.ts'
import { createPlainServer } from './plain-server.ts'
import type { PreparedAnswers } from './prepared/prepared-answers.ts'

export type { Registry } from 'prom-client'

/** Never: it wakes a process that has nothing to do. See ./loop-lag.ts. */
const loopSampleMs = 2 ** 31 - 1

/** A registry with the metrics of the Node process. Pass `processMetrics: false` where several share one process. */
export function createRegistry(options: { readonly processMetrics?: boolean } = {}): Registry {
  const registry = new Registry()
  if (options.processMetrics !== false) {
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopSampleMs })
    measureLoopLag(registry)
  }
  return registry
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

/**
 * Counts requests by method, status code and route pattern, and times them by method and route. What matches no
 * route is `unmatched`, so that a scanner cannot grow the label set.
 */
export function measureRequests(app: FastifyInstance, registry: Registry, prepared?: PreparedAnswers): void {
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered',
    labelNames: ['method', 'code', 'route'] as const,
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the request line to the end of the answer',
    labelNames: ['method', 'route'] as const,
    buckets: SECONDS,
    registers: [registry],
  })
  prepared?.onAnswered(({ route }, milliseconds) => {
    requests.inc({ method: 'GET', code: 200, route })
    durations.observe({ method: 'GET', route }, milliseconds / 1000)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const method = METHODS.has(request.method) ? request.method : 'other'
    const route = request.routeOptions.url ?? 'unmatched'
    requests.inc({ method, code: reply.statusCode, route })
    durations.observe({ method, route }, reply.elapsedTime / 1000)
    done()
  })
}

/** Serves `/metrics` on a listener of its own, away from the public one. */
export async function listenMetrics(
  registry: Registry,
  address: { readonly host: string; readonly port: number; readonly portVariable?: string },
): Promise<{ readonly url: string; readonly port: number; stop(): Promise<void> }> {
  const server = createPlainServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    exposition(registry).then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  }).catch((error: unknown) => {
    throw asListenError(error, { portVariable: 'the metrics port', ...address })
  })
  const { port } = server.address() as AddressInfo
  return {
    url: urlOf(address.host, port),
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const renderings = new WeakMap<Registry, Promise<string>>()

/** The registry as text. Who asks while it is made for another gets the same. */
export function exposition(registry: Registry): Promise<string> {
  const begun = renderings.get(registry)
  if (begun !== undefined) return begun
  const rendering = render(registry).finally(() => renderings.delete(registry))
  renderings.set(registry, rendering)
  return rendering
}

/** As Go's client writes them, with which dashboards and tests were made: labels in the order of their names, `le` behind them. */
async function render(registry: Registry): Promise<string> {
  return (await registry.metrics()).replace(
    /^(\w+)\{(.*)\} (\S+)$/gm,
    (_line, name: string, labels: string, value: string) => {
      const pairs = [...labels.matchAll(/(?<!\w)(\w+)="(?:[^"\\]|\\.)*"/g)].map(([pair, label = '']) => ({
        pair,
        label,
      }))
      const sorted = pairs.toSorted((a, b) => (rank(a.label) < rank(b.label) ? -1 : 1))
      return `${name}{${sorted.map(({ pair }) => pair).join(',')}} ${value}`
    },
  )
}

/** `~` is behind every letter. */
function rank(label: string): string {
  return label === 'le' || label === 'quantile' ? `~${label}` : label
}
