import t from 'tap'
import { createRegistry } from '../src/index.ts'

t.test('a process that was not at work yet is not late, by any of the names', async (t) => {
  const registry = createRegistry()
  const text = await registry.metrics()
  for (const what of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) {
    const name = `nodejs_eventloop_lag_${what}_seconds`
    const samples = text.split('\n').filter((line) => line.startsWith(`${name} `))
    t.strictSame(samples, [`${name} 0`])
  }
})
