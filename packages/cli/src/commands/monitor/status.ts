/** How it stands with the logs, by the API of the monitor. */
import { counted, isObject, memberAt, parseUtf8, reasonOf, withoutEnd } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError, ExitWith } from '../../errors.ts'
import { type Io, setting } from '../../io.ts'

export type MonitorStatusOptions = {
  readonly url?: string
  readonly data?: string
  readonly json?: boolean
}

type Item = Readonly<Record<string, unknown>>

const limits = { timeoutMs: 10_000, maxBytes: 8_388_608 }
const mostShown = 50

export async function monitorStatus(io: Io, options: MonitorStatusOptions): Promise<void> {
  const url = options.url ?? (await readEndpoints(dataFolder(io, options.data))).services['monitor']
  if (url === undefined)
    throw new CliError('bad_endpoints', 'this stack runs no monitor', {
      advice: 'Start it with SIGSTACK_MONITOR=own, or name another one with --url.',
    })
  const token = setting(io, 'MONITOR_TOKEN')
  const read = (where: string, member: string) =>
    listOf(`${withoutEnd(url, '/')}/api/v1/${where}`, member, token)
  const logs = await read('logs', 'logs')
  const alarms = await read(`alarms?state=open&limit=${mostShown}`, 'alarms')
  if (options.json === true) io.out(`${JSON.stringify({ logs, alarms })}\n`)
  else io.out(describe(logs, alarms))
  const isWrong =
    logs.some(({ state }) => state === 'inconsistent') || alarms.some(({ severity }) => severity === 'page')
  if (isWrong) throw new ExitWith(1)
}

function describe(logs: readonly Item[], alarms: readonly Item[]): string {
  const lines = logs.map((log) => `${nameOf(log)}: ${sentenceOf(log)}`)
  const found = alarms.map(
    ({ id, severity, kind, times, summary, lastAt }) =>
      `  ${said(id)} ${said(severity)} ${said(kind)}, met ${said(times)} times, last ${said(lastAt)}: ${said(summary)}`,
  )
  const heading =
    alarms.length === 0
      ? 'no open alarms'
      : `${counted(alarms.length, 'open alarm', 'open alarms')}${alarms.length === mostShown ? ' at least' : ''}:`
  return [...lines, heading, ...found, ''].join('\n')
}

function nameOf({ name, shard }: Item): string {
  return shard === undefined ? said(name) : `${said(name)}, shard ${said(shard)}`
}

function sentenceOf(log: Item): string {
  const verified = said(memberAt(log, 'verified', 'size'))
  const newest = memberAt(log, 'newest', 'size')
  const { state } = log
  if (state === 'inconsistent')
    return `INCONSISTENT: it has shown a head that does not fit the ${verified} entries that were read`
  if (newest === undefined) return 'no head was seen yet'
  const reached = said(memberAt(log, 'reached') ?? memberAt(log, 'verified', 'size'))
  return state === 'behind' ? `${reached} of ${said(newest)} entries read` : `${verified} entries, all read`
}

/** Texts and numbers as they are; whatever else stands there is shown as JSON. */
function said(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

async function listOf(url: string, member: string, token: string | undefined): Promise<readonly Item[]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const { status, bytes } = await requestBounded(url, { ...limits, headers }).catch((cause: unknown) => {
    throw new CliError('unreachable', `the monitor at ${url} does not answer: ${reasonOf(cause)}`, { cause })
  })
  if (status === 401)
    throw new CliError('unreachable', 'the monitor wants its token', { advice: 'Put it into MONITOR_TOKEN.' })
  const list = status === 200 ? memberAt(jsonOf(bytes), member) : undefined
  if (!Array.isArray(list) || !list.every(isObject))
    throw new CliError('unreachable', `what ${url} answers (status ${status}) is not of a monitor`)
  return list
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(parseUtf8(bytes) ?? '')
  } catch {
    return undefined
  }
}
