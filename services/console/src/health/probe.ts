/** How every service is, asked now and then and kept, so that the page answers when they do not. */
import { escaped, isObject, memberAt, reasonOf } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import type { ServiceUrls } from '../config.ts'
import { type Metrics, parseMetrics, quantileOf, sumOf } from '../sources/metrics.ts'

export type Health = {
  readonly service: string
  readonly url: string
  readonly state: 'ok' | 'failed' | 'unknown'
  /** What it says of what it needs, or why nothing is known. */
  readonly checks: readonly (readonly [string, string])[]
  readonly metrics?: ServiceFigures
}

export type ServiceFigures = {
  readonly requests: number
  /** Share of answers with a status of 500 and more. */
  readonly errorShare: number
  /** Milliseconds, upper bounds of the histogram's buckets. */
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly startedAt?: Date
}

const names = {
  rekor: 'Rekor',
  rekorV2: 'Rekor v2',
  ct: 'Log of certificates',
  ca: 'Certificate authority',
  tsa: 'Timestamp authority',
  oidcProxy: 'OIDC proxy',
  trust: 'Trust',
  witness: 'Witness',
  monitor: 'Monitor',
} as const satisfies Record<keyof ServiceUrls, string>

const timeoutMs = 2_000

/** Never throws. */
export function probeServices(urls: ServiceUrls): Promise<readonly Health[]> {
  return Promise.all(
    (Object.keys(names) as (keyof ServiceUrls)[]).flatMap((key) => {
      const url = urls[key]
      return url === undefined ? [] : [probe(names[key], url)]
    }),
  )
}

async function probe(service: string, url: string): Promise<Health> {
  const common = { service, url }
  try {
    const answer = await get(url, '/readyz')
    // A service of upstream is asked as its own probes ask.
    const ready = answer.status === 404 ? await get(url, '/ping') : answer
    const told = memberAt(parse(ready.text()), 'checks')
    const checks = isObject(told)
      ? Object.entries(told).map(([name, how]) => [escaped(name), escaped(String(how), 300)] as const)
      : []
    const state = ready.status === 200 ? 'ok' : ready.status === 404 ? 'unknown' : 'failed'
    const metrics = await figuresOf(url).catch(() => undefined)
    return { ...common, state, checks, ...(metrics !== undefined && { metrics }) }
  } catch (error) {
    return { ...common, state: 'failed', checks: [['answer', escaped(reasonOf(error), 300)]] }
  }
}

async function figuresOf(url: string): Promise<ServiceFigures | undefined> {
  const answer = await get(url, '/metrics')
  return answer.status === 200 ? figuresIn(parseMetrics(answer.text())) : undefined
}

export function figuresIn(metrics: Metrics): ServiceFigures {
  const requests = sumOf(metrics, 'http_requests_total')
  const errors = sumOf(metrics, 'http_requests_total', ({ code = '' }) => code.startsWith('5'))
  const [p50, p99] = [0.5, 0.99].map((share) => quantileOf(metrics, 'http_request_duration_seconds', share))
  const [started] = metrics.get('process_start_time_seconds') ?? []
  return {
    requests,
    errorShare: requests === 0 ? 0 : errors / requests,
    ...(p50 !== undefined && { p50Ms: p50 * 1000 }),
    ...(p99 !== undefined && { p99Ms: p99 * 1000 }),
    ...(started !== undefined && { startedAt: new Date(started.value * 1000) }),
  }
}

function get(url: string, path: string) {
  return requestBounded(url.replace(/\/$/, '') + path, { timeoutMs, maxBytes: 4 * 1024 * 1024 })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
