/** The monitor by its API: alarms, watches, and the logs that it follows. */
import { memberAt } from '@sigstack/crypto'
import { type Ask, ask, jsonOf } from './ask.ts'
import { SourceError } from './errors.ts'

export type AlarmState = 'open' | 'acknowledged' | 'closed'
export type AlarmAct = 'acknowledge' | 'close' | 'reopen'

export type Alarm = {
  /** Decimal, as all numbers of the monitor. */
  readonly id: string
  readonly kind: string
  readonly severity: string
  readonly summary: string
  /** The evidence of the last time: any JSON. */
  readonly detail: unknown
  readonly state: string
  readonly times: string
  readonly firstAt: Date
  readonly lastAt: Date
  /** Numbers of them. */
  readonly log?: string
  readonly watch?: string
  /** Of one alarm alone, oldest first. */
  readonly acts: readonly {
    readonly act: string
    readonly at: Date
    readonly by: string
    readonly note: string
  }[]
}

export type Watch = {
  readonly id: string
  readonly name: string
  /** Members of its definition that say whom it looks for, and when, as JSON. */
  readonly definition: Readonly<Record<string, unknown>>
  readonly alarmOn: readonly string[]
  readonly source: string
  readonly paused: boolean
  readonly createdBy: string
  readonly findings: string
  readonly lastFoundAt?: Date
}

export type FollowedLog = {
  readonly id: string
  readonly name: string
  /** Of Rekor v1: the ID of the tree. */
  readonly shard?: string
  readonly kind: string
  readonly url: string
  readonly state: string
  /** Entries up to which every leaf was hashed. */
  readonly verified: string
  readonly newest?: string
  readonly seenAt?: Date
}

export type Listed<Name extends string, Row> = { readonly [name in Name]: readonly Row[] } & {
  readonly next?: string
}

/** Every call throws {@link SourceError}; undefined is a row that is not there. */
export type Monitor = {
  /** Newest first, at most 200. */
  alarms(states: readonly AlarmState[], cursor?: string): Promise<Listed<'alarms', Alarm>>
  alarm(id: string): Promise<Alarm | undefined>
  act(
    id: string,
    act: AlarmAct,
    body: { readonly by: string; readonly note: string },
  ): Promise<Alarm | undefined>
  watches(cursor?: string): Promise<Listed<'watches', Watch>>
  addWatch(definition: unknown): Promise<void>
  /** False where there is none. */
  removeWatch(id: string): Promise<boolean>
  logs(): Promise<readonly FollowedLog[]>
}

export function createMonitor(url: string, token: string | undefined): Monitor {
  return {
    async alarms(states, cursor) {
      const told = await listOf(`/alarms?limit=200&state=${states.join(',')}${cursorPart(cursor)}`, 'alarms')
      return { alarms: told.rows.map(alarmIn), ...told.more }
    },
    alarm: (id) => one(`/alarms/${id}`, {}),
    act: (id, act, body) => one(`/alarms/${id}/${act}`, { method: 'POST', body }),
    async watches(cursor) {
      const told = await listOf(`/watches?limit=200${cursorPart(cursor)}`, 'watches')
      return { watches: told.rows.map(watchIn), ...told.more }
    },
    async addWatch(body) {
      if ((await asked('/watches', { method: 'POST', body })) === undefined) throw malformed()
    },
    removeWatch: async (id) => (await asked(`/watches/${id}`, { method: 'DELETE' })) !== undefined,
    logs: async () => (await listOf('/logs', 'logs')).rows.map(logIn),
  }

  async function one(path: string, how: Ask): Promise<Alarm | undefined> {
    const answer = await asked(path, how)
    return answer && alarmIn(jsonOf(answer))
  }

  async function listOf(path: string, name: string) {
    const answer = await asked(path, {})
    const told = answer && jsonOf(answer)
    const rows = memberAt(told, name)
    if (!Array.isArray(rows)) throw malformed()
    const cursor = memberAt(told, 'next')
    return { rows: rows as readonly unknown[], more: typeof cursor === 'string' ? { next: cursor } : {} }
  }

  async function asked(path: string, how: Ask) {
    try {
      return await ask(url, `/api/v1${path}`, { ...how, ...(token !== undefined && { token }) })
    } catch (error) {
      if (!(error instanceof SourceError) || error.code === 'refused') throw error
      throw new SourceError(error.code, `the monitor cannot be asked now: ${error.message}`, { cause: error })
    }
  }
}

/** So that it can be written as JSON again. */
function withoutBigints(told: unknown): unknown {
  const plainly = (_name: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
  return told === undefined ? undefined : JSON.parse(JSON.stringify(told, plainly))
}

function cursorPart(cursor: string | undefined): string {
  return cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
}

function alarmIn(told: unknown): Alarm {
  const acts = memberAt(told, 'acts')
  const [log, watch] = ['log', 'watch'].map((name) => memberAt(told, name))
  return {
    id: idIn(told),
    kind: textIn(told, 'kind'),
    severity: textIn(told, 'severity'),
    summary: textIn(told, 'summary'),
    detail: withoutBigints(memberAt(told, 'detail')),
    state: textIn(told, 'state'),
    times: countIn(told, 'times'),
    firstAt: timeIn(told, 'firstAt'),
    lastAt: timeIn(told, 'lastAt'),
    ...(isId(log) && { log }),
    ...(isId(watch) && { watch }),
    acts: (Array.isArray(acts) ? acts : []).map((each: unknown) => ({
      act: textIn(each, 'act'),
      at: timeIn(each, 'at'),
      by: textIn(each, 'by'),
      note: textIn(each, 'note'),
    })),
  }
}

const definitionMembers = ['logs', 'subject', 'issuer', 'repository', 'key', 'hours']

function watchIn(told: unknown): Watch {
  const [alarmOn, lastFoundAt] = ['alarmOn', 'lastFoundAt'].map((name) => memberAt(told, name))
  const definition = Object.fromEntries(
    definitionMembers.flatMap((name) => {
      const value = memberAt(told, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  return {
    id: idIn(told),
    name: textIn(told, 'name'),
    definition,
    alarmOn: Array.isArray(alarmOn) ? alarmOn.map(String) : [],
    source: textIn(told, 'source'),
    paused: memberAt(told, 'paused') === true,
    createdBy: textIn(told, 'createdBy'),
    findings: countIn(told, 'findings'),
    ...(lastFoundAt !== undefined && { lastFoundAt: timeIn(told, 'lastFoundAt') }),
  }
}

function logIn(told: unknown): FollowedLog {
  const [newest, shard] = ['newest', 'shard'].map((name) => memberAt(told, name))
  return {
    id: idIn(told),
    name: textIn(told, 'name'),
    ...(typeof shard === 'string' && { shard }),
    kind: textIn(told, 'kind'),
    url: textIn(told, 'url'),
    state: textIn(told, 'state'),
    verified: countIn(memberAt(told, 'verified'), 'size'),
    ...(newest !== undefined && { newest: countIn(newest, 'size'), seenAt: timeIn(newest, 'seenAt') }),
  }
}

/** It becomes part of addresses. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value)
}

function idIn(told: unknown): string {
  const id = memberAt(told, 'id')
  if (!isId(id)) throw malformed()
  return id
}

function textIn(told: unknown, name: string): string {
  const text = memberAt(told, name)
  if (typeof text !== 'string') throw malformed()
  return text
}

function countIn(told: unknown, name: string): string {
  const count = memberAt(told, name)
  const text = typeof count === 'number' || typeof count === 'bigint' ? String(count) : count
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text)) throw malformed()
  return text
}

function timeIn(told: unknown, name: string): Date {
  const time = new Date(textIn(told, name))
  if (Number.isNaN(time.getTime())) throw malformed()
  return time
}

function malformed(): SourceError {
  return new SourceError('malformed', 'the monitor answers in another form than its API has')
}
