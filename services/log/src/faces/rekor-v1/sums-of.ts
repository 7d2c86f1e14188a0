/** Sum and count of a histogram under another name: a summary without quantiles, for which prom-client would digest every value. */
import type { Histogram, Metric, Registry } from 'prom-client'

export function registerSumsOf(
  histogram: Histogram,
  { name, help, registry }: { readonly name: string; readonly help: string; readonly registry: Registry },
): void {
  const sums = {
    name,
    help,
    type: 'summary',
    aggregator: 'sum',
    get: async () => {
      const { name: ofHistogram, values } = await histogram.get()
      const isSum = ({ metricName = '' }) =>
        metricName === `${ofHistogram}_sum` || metricName === `${ofHistogram}_count`
      const renamed = values
        .filter(isSum)
        .map((value) => ({ ...value, metricName: value.metricName?.replace(ofHistogram, name) }))
      return { name, help, type: 'summary', aggregator: 'sum', values: renamed }
    },
    reset: () => {},
  }
  // All that a registry asks of a metric.
  registry.registerMetric(sums as unknown as Metric)
}
