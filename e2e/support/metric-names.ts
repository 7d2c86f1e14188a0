/** Names of metrics: those that a rule or a panel asks for, and those that a service exposes. */

/** Of PromQL: every name that a selector stands behind. Ours all have one, so that nothing of other programs is counted. */
export function metricsAsked(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/\b([a-z][a-z0-9_]*)\{/g)].map(([, name = '']) => name))
}

/** Of the text format of Prometheus, with the series that histograms and summaries stand for. */
export function metricsExposed(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type = '']) => {
      if (type === 'histogram') return ['_bucket', '_sum', '_count'].map((end) => name + end)
      return type === 'summary' ? [name, `${name}_sum`, `${name}_count`] : [name]
    }),
  )
}
