/** Reads by wrk, which takes far less of the machine than a generator of ours: two file servers are faster than that. */
import { InteropError } from '../../support/interop-error.ts'
import { runToEnd } from '../../support/run-command.ts'
import type { Turn } from './contest.ts'

/** One thread. */
export async function wrk(url: URL, options: { clients: number; seconds: number }): Promise<Turn> {
  const { clients, seconds } = options
  const { status, stdout, stderr } = await runToEnd(
    'wrk',
    ['--threads', '1', '--connections', `${clients}`, '--duration', `${seconds}s`, '--latency', url.href],
    { environment: { PATH: process.env['PATH'] ?? '' }, folder: '/', timeoutMs: (seconds + 30) * 1000 },
  )
  if (status !== 0) throw new InteropError('failed', `wrk: ${stderr.slice(0, 300)}`)
  return readWrk(stdout)
}

/** What it prints when it ends. */
export function readWrk(text: string): Turn {
  const find = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? ''
  const refused = Number(find(/^ *Non-2xx or 3xx responses: (\d+)$/m))
  const [, ...broken] =
    /^ *Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$/m.exec(text) ?? []
  const failed = broken.reduce((sum, count) => sum + Number(count), refused)
  return {
    answered: Number(find(/^ *(\d+) requests in /m)) - refused,
    failed,
    perSecond: Number(find(/^Requests\/sec: *([\d.]+)$/m)),
    p50: milliseconds(find(/^ *50% +(\S+) *$/m)),
    p99: milliseconds(find(/^ *99% +(\S+) *$/m)),
    firstFailure:
      failed === 0 ? undefined : `${refused} of another status, ${failed - refused} broken connections`,
  }
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

function milliseconds(text: string): number {
  const [, value, unit = ''] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? []
  return Number(value) * (unitMs[unit] ?? Number.NaN)
}
