/** How it stands with the logs, by the API of the monitor. */
import { counted, escaped, parseUtf8, reasonOf, withoutEnd } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { type Alarm, type Log, readAlarms, readLogs, type Told } from '@sigstack/monitor-api'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError, ExitWith } from '../../errors.ts'
import { type Io, setting } from '../../io.ts'

export type MonitorStatusOptions = {
  readonly url?: string
  readonly data?: string
  readonly json?: boolean
}

const limits = { timeoutMs: 10_000, maxBytes: 8_388_608 }
const mostShown = 50
/** Of a text that the monitor tells, in a line for people. */
const longestShown = 500

export async function monitorStatus(io: Io, options: MonitorStatusOptions): Promise<void> {
  const url = options.url ?? (await readEndpoints(dataFolder(io, options.data))).services['monitor']
  if (url === undefined)
    throw new CliError('bad_endpoints', 'this stack runs no monitor', {
      advice: 'Start it with SIGSTACK_MONITOR=own, or name another one with --url.',
    })
  const token = setting(io, 'MONITOR_TOKEN')
  const monitor = { api: `${withoutEnd(url, '/')}/api/v1`, token }
  const { logs } = await ask(monitor, 'logs', readLogs)
  const { alarms } = await ask(monitor, `alarms?state=open&limit=${mostShown}`, readAlarms)
  if (options.json === true) io.out(`${JSON.stringify({ logs, alarms })}\n`)
  else io.out(describe(logs, alarms))
  const isWrong =
    logs.some(({ state }) => state === 'inconsistent') || alarms.some(({ severity }) => severity === 'page')
  if (isWrong) throw new ExitWith(1)
}

function describe(logs: readonly Told<Log>[], alarms: readonly Told<Alarm>[]): string {
  const lines = logs.map((log) => `${nameOf(log)}: ${sentenceOf(log)}`)
  const found = alarms.map(
    ({ id, severity, kind, times, summary, lastAt }) =>
      `  ${id} ${shown(severity)} ${shown(kind)}, met ${times} times, last ${lastAt}: ${shown(summary)}`,
  )
  const heading =
    alarms.length === 0
      ? 'no open alarms'
      : `${counted(alarms.length, 'open alarm', 'open alarms')}${alarms.length === mostShown ? ' at least' : ''}:`
  return [...lines, heading, ...found, ''].join('\n')
}

function nameOf({ name, shard }: Told<Log>): string {
  return shard === undefined ? shown(name) : `${shown(name)}, shard ${shown(shard)}`
}

function sentenceOf({ state, verified, reached, newest }: Told<Log>): string {
  if (state === 'inconsistent')
    return `INCONSISTENT: it has shown a head that does not fit the ${verified.size} entries that were read`
  if (newest === undefined) return 'no head was seen yet'
  return state === 'behind'
    ? `${reached ?? verified.size} of ${newest.size} entries read`
    : `${verified.size} entries, all read`
}

function shown(text: string): string {
  return escaped(text, longestShown)
}

type Monitor = { readonly api: string; readonly token: string | undefined }

/** What `read` makes of the answer. Throws `unreachable` where there is none that is a monitor's. */
async function ask<Body>(
  { api, token }: Monitor,
  path: string,
  read: (json: unknown) => Body | undefined,
): Promise<Body> {
  const url = `${api}/${path}`
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const { status, bytes } = await requestBounded(url, { ...limits, headers }).catch((cause: unknown) => {
    throw new CliError('unreachable', `the monitor at ${url} does not answer: ${reasonOf(cause)}`, { cause })
  })
  if (status === 401)
    throw new CliError('unreachable', 'the monitor wants its token', { advice: 'Put it into MONITOR_TOKEN.' })
  const body = status === 200 ? read(jsonOf(bytes)) : undefined
  if (body === undefined)
    throw new CliError('unreachable', `what ${url} answers (status ${status}) is not of a monitor`, {
      advice: 'Name the monitor itself with --url, as http://127.0.0.1:7390, and one of this version.',
    })
  return body
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(parseUtf8(bytes) ?? '')
  } catch {
    return undefined
  }
}
