/** An NTP server (RFC 5905), asked by the library. */
import { time } from '@hapi/sntp'
import type { ClockMetrics } from '../metrics.ts'
import type { OtherClock } from './clock-guard.ts'

const attempts = 3
const timeoutMs = 5_000

export function ntpClock(
  { host, port }: { readonly host: string; readonly port: number },
  metrics: Pick<ClockMetrics, 'latency' | 'syncs'>,
): OtherClock {
  const ask = async (): Promise<number> => {
    const begun = performance.now()
    try {
      const { t: differenceMs } = await time({ host, port, timeout: timeoutMs })
      if (!Number.isFinite(differenceMs)) throw new Error('the NTP server answers with no time')
      metrics.latency.observe({ host }, (performance.now() - begun) / 1000)
      metrics.syncs.inc({ host, failed: 'false' })
      return differenceMs
    } catch (error) {
      metrics.syncs.inc({ host, failed: 'true' })
      throw error
    }
  }
  return {
    name: host,
    kind: 'ntp',
    async readDifference() {
      for (let left = attempts; ; left--) {
        try {
          return await ask()
        } catch (error) {
          if (left <= 1) throw error
        }
      }
    },
  }
}
