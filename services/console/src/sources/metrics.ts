/** What a service tells at `/metrics` (Prometheus text format), as far as pages show it. */
import { ask } from './ask.ts'

export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number }
export type Metrics = ReadonlyMap<string, readonly Sample[]>

const mostLines = 20_000

/** Throws a `SourceError`. */
export async function readMetrics(service: string): Promise<Metrics> {
  const answer = await ask(service, '/metrics', { timeoutMs: 2_000, maxBytes: 4 * 1024 * 1024 })
  return answer === undefined ? new Map() : parseMetrics(answer.text())
}

export function parseMetrics(text: string): Metrics {
  const samples = new Map<string, Sample[]>()
  for (const line of text.split('\n').slice(0, mostLines)) {
    const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:]\w*)(?:\{([^}]*)\})? (\S+)$/.exec(line) ?? []
    if (name === '') continue
    const known = samples.get(name) ?? []
    samples.set(name, known)
    known.push({ labels: labelsIn(labels), value: Number(value) })
  }
  return samples
}

function labelsIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/(?<!\w)(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  )
}

export function sumOf(
  metrics: Metrics,
  name: string,
  counts: (labels: Sample['labels']) => boolean = () => true,
): number {
  return (metrics.get(name) ?? []).reduce((sum, { labels, value }) => sum + (counts(labels) ? value : 0), 0)
}

/** The bound below which that share of a histogram's observations lies, all its series together; undefined without any. */
export function quantileOf(metrics: Metrics, name: string, share: number): number | undefined {
  const counts = new Map<number, number>()
  for (const { labels, value } of metrics.get(`${name}_bucket`) ?? []) {
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
    counts.set(bound, (counts.get(bound) ?? 0) + value)
  }
  const bounds = [...counts].sort(([a], [b]) => a - b)
  const total = bounds.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  return bounds.find(([, count]) => count >= share * total)?.[0]
}
