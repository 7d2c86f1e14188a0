/** The monitor by its API: alarms, watches, and the logs that it follows. */
import type * as api from '@sigstack/monitor-api'
import {
  type Act,
  type AlarmState,
  readAlarm,
  readAlarms,
  readLogs,
  readWatches,
  type Told,
} from '@sigstack/monitor-api'
import { type Ask, ask, jsonOf } from './ask.ts'
import { SourceError } from './errors.ts'

/** Of each body what the pages show: times as Dates, counts as decimal texts. */
export type Alarm = Pick<
  Told<api.Alarm>,
  'id' | 'kind' | 'severity' | 'summary' | 'state' | 'log' | 'watch'
> & {
  /** The evidence of the last time: any JSON. */
  readonly detail: unknown
  readonly times: string
  readonly firstAt: Date
  readonly lastAt: Date
  /** Of one alarm alone, oldest first. */
  readonly acts: readonly {
    readonly act: string
    readonly at: Date
    readonly by: string
    readonly note: string
  }[]
}

export type Watch = Pick<Told<api.Watch>, 'id' | 'name' | 'alarmOn' | 'source' | 'paused' | 'createdBy'> & {
  /** Members of its definition that say whom it looks for, and when, as JSON. */
  readonly definition: Readonly<Record<string, unknown>>
  readonly findings: string
  readonly lastFoundAt?: Date
}

export type FollowedLog = Pick<Told<api.Log>, 'id' | 'name' | 'shard' | 'kind' | 'url' | 'state'> & {
  /** Entries up to which every leaf was hashed. */
  readonly verified: string
  /** Entries that were read and hashed. */
  readonly reached: string
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
  act(id: string, act: Act, body: { readonly by: string; readonly note: string }): Promise<Alarm | undefined>
  watches(cursor?: string): Promise<Listed<'watches', Watch>>
  addWatch(definition: unknown): Promise<void>
  /** False where there is none. */
  removeWatch(id: string): Promise<boolean>
  logs(): Promise<readonly FollowedLog[]>
}

export function createMonitor(url: string, token: string | undefined): Monitor {
  return {
    async alarms(states, cursor) {
      const path = `/alarms?limit=200&state=${states.join(',')}${cursorPart(cursor)}`
      const { alarms, ...more } = await list(readAlarms, path)
      return { alarms: alarms.map(alarmOf), ...more }
    },
    alarm: (id) => one(`/alarms/${id}`, {}),
    act: (id, act, body) => one(`/alarms/${id}/${act}`, { method: 'POST', body }),
    async watches(cursor) {
      const { watches, ...more } = await list(readWatches, `/watches?limit=200${cursorPart(cursor)}`)
      return { watches: watches.map(watchOf), ...more }
    },
    async addWatch(body) {
      if ((await asked('/watches', { method: 'POST', body })) === undefined) return malformed()
    },
    removeWatch: async (id) => (await asked(`/watches/${id}`, { method: 'DELETE' })) !== undefined,
    logs: async () => (await list(readLogs, '/logs')).logs.map(logOf),
  }

  async function one(path: string, how: Ask): Promise<Alarm | undefined> {
    const answer = await asked(path, how)
    return answer && alarmOf(readAlarm(jsonOf(answer)) ?? malformed())
  }

  async function list<Page>(read: (json: unknown) => Page | undefined, path: string): Promise<Page> {
    const answer = await asked(path, {})
    return (answer && read(jsonOf(answer))) ?? malformed()
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

function alarmOf(told: Told<api.Alarm>): Alarm {
  const { id, kind, severity, summary, detail, state, times, firstAt, lastAt, log, watch, acts = [] } = told
  return {
    id,
    kind,
    severity,
    summary,
    detail: withoutBigints(detail),
    state,
    times: String(times),
    firstAt: new Date(firstAt),
    lastAt: new Date(lastAt),
    ...(log !== undefined && { log }),
    ...(watch !== undefined && { watch }),
    acts: acts.map(({ act, at, by, note }) => ({ act, at: new Date(at), by, note })),
  }
}

const definitionMembers = ['logs', 'subject', 'issuer', 'repository', 'key', 'hours'] as const

function watchOf(told: Told<api.Watch>): Watch {
  const { id, name, alarmOn, source, paused, createdBy, findings, lastFoundAt } = told
  const definition = Object.fromEntries(
    definitionMembers.flatMap((each) => (told[each] === undefined ? [] : [[each, told[each]]])),
  )
  return {
    id,
    name,
    definition,
    alarmOn,
    source,
    paused,
    createdBy,
    findings: String(findings),
    ...(lastFoundAt !== undefined && { lastFoundAt: new Date(lastFoundAt) }),
  }
}

function logOf({ id, name, shard, kind, url, state, verified, reached, newest }: Told<api.Log>): FollowedLog {
  return {
    id,
    name,
    ...(shard !== undefined && { shard }),
    kind,
    url,
    state,
    verified: verified.size,
    reached: reached ?? verified.size,
    ...(newest !== undefined && { newest: newest.size, seenAt: new Date(newest.seenAt) }),
  }
}

function malformed(): never {
  throw new SourceError('malformed', 'the monitor answers in another form than its API has')
}
