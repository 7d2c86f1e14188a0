/**
 * How late the event loop is, under prom-client's names. Its own sampling never rests, and counts the time between two samples as lag.
 * This one samples while the process is at work: one that waits is not late.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'
import { inStep } from './in-step.ts'

const sampleMs = 20
const lookMs = 1_000
/** Of the time since the last look. */
const busyShare = 0.05

/** In place of those that the registry has under these names: since it was last read, and 0 where nothing was at work. */
export function measureLoopLag(registry: Registry): void {
  const delays = monitorEventLoopDelay({ resolution: sampleMs })
  let before = performance.eventLoopUtilization()
  inStep(lookMs, () => {
    const now = performance.eventLoopUtilization()
    if (performance.eventLoopUtilization(now, before).utilization > busyShare) delays.enable()
    else delays.disable()
    before = now
  })
  const lag = (read: () => number) => () => Math.max(0, read() / 1e9 - sampleMs / 1_000)
  const values = {
    min: { help: 'The minimum recorded event loop delay.', seconds: lag(() => delays.min) },
    max: { help: 'The maximum recorded event loop delay.', seconds: lag(() => delays.max) },
    mean: { help: 'The mean of the recorded event loop delays.', seconds: lag(() => delays.mean) },
    stddev: {
      help: 'The standard deviation of the recorded event loop delays.',
      seconds: () => delays.stddev / 1e9,
    },
    p50: {
      help: 'The 50th percentile of the recorded event loop delays.',
      seconds: lag(() => delays.percentile(50)),
    },
    p90: {
      help: 'The 90th percentile of the recorded event loop delays.',
      seconds: lag(() => delays.percentile(90)),
    },
    p99: {
      help: 'The 99th percentile of the recorded event loop delays.',
      seconds: lag(() => delays.percentile(99)),
    },
  }
  const last = Object.keys(values).at(-1)
  for (const [what, { help, seconds }] of Object.entries(values)) {
    const name = `nodejs_eventloop_lag_${what}_seconds`
    registry.removeSingleMetric(name)
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(delays.count === 0 ? 0 : seconds())
        // They are read in their order.
        if (what === last) delays.reset()
      },
    })
  }
}
