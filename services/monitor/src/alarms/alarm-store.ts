/** Alarms as rows. One statement opens or counts, so that copies of the monitor over one database raise each alarm once. */
import type { Act, AlarmKind, AlarmState, Severity } from '@sigstack/monitor-api'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import { MonitorError } from '../errors.ts'
import { type PageQuery, pageOf } from '../page.ts'
import { type Alarm, type AlarmAct, alarmKinds, type Trouble } from './alarm.ts'

export type AlarmFilter = {
  readonly states?: readonly AlarmState[] | undefined
  readonly kinds?: readonly AlarmKind[] | undefined
  readonly treeId?: bigint | undefined
  readonly watchId?: bigint | undefined
}

/** Of the entries of a watch that an alarm shows; all of them are findings. */
export const mostSightings = 10

export type Raised = { readonly alarm: Alarm; readonly isNew: boolean }

type Row = {
  readonly alarm_id: bigint
  readonly kind: AlarmKind
  readonly severity: Severity
  readonly summary: string
  readonly detail: Readonly<Record<string, unknown>>
  readonly tree_id: bigint | null
  readonly watch_id: bigint | null
  readonly state: AlarmState
  readonly times: bigint
  readonly first_at: Date
  readonly last_at: Date
}

const columns =
  'alarm_id, kind, severity, summary, detail, tree_id, watch_id, state, times, first_at, last_at'

/** Of UTF-8; the table takes no more. */
const longestMatterBytes = 1_000

/** As much of it as is kept. */
function shortened(matter: string): string {
  const { read } = new TextEncoder().encodeInto(matter, new Uint8Array(longestMatterBytes))
  return matter.slice(0, read)
}

/**
 * Opens an alarm, or counts the one of the same matter that is not closed and takes over the newer evidence. To be called in a
 * transaction: the first statement holds the row until the evidence is in it too.
 */
export async function raiseAlarm(tx: Queryable, trouble: Trouble): Promise<Raised> {
  const { kind, matter, summary, detail, treeId = null, watchId = null, times = 1 } = trouble
  const { rows } = await tx.query<Row & { is_new: boolean }>({
    name: 'monitor-raise',
    text: `insert into monitor_alarm (kind, matter, severity, summary, detail, tree_id, watch_id, times)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (kind, matter) where state <> 'closed' do update
             set times = monitor_alarm.times + excluded.times, last_at = now(), summary = excluded.summary,
                 tree_id = excluded.tree_id
           returning ${columns}, (xmax = 0) as is_new`,
    values: [
      kind,
      shortened(matter),
      alarmKinds[kind].severity,
      summary,
      JSON.stringify(detail),
      treeId,
      watchId,
      times,
    ],
  })
  const [row] = rows
  if (row === undefined) throw new Error('an alarm was neither opened nor counted')
  if (row.is_new) return { alarm: alarmOf(row), isNew: true }
  const newer = renewed(row.detail, detail)
  await tx.query({
    name: 'monitor-renew',
    text: 'update monitor_alarm set detail = $2 where alarm_id = $1',
    values: [row.alarm_id, JSON.stringify(newer)],
  })
  return { alarm: alarmOf({ ...row, detail: newer }), isNew: false }
}

/** The newer evidence. Sightings go behind those that were there: a watch meets one signature in several logs. */
function renewed(before: Alarm['detail'], detail: Alarm['detail']): Alarm['detail'] {
  const { sightings: old } = before
  const { sightings } = detail
  if (!Array.isArray(old) || !Array.isArray(sightings)) return detail
  return { ...detail, sightings: [...old, ...sightings].slice(-mostSightings) }
}

/** Closes what has passed by itself. `onPassed` is called in its transaction with the alarm that was open, if there was one. */
export async function passAlarm(
  pool: Pool,
  kind: AlarmKind,
  matter: string,
  onPassed: (tx: Queryable, alarm: Alarm) => Promise<void>,
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<Row>({
      name: 'monitor-pass',
      text: `update monitor_alarm set state = 'closed' where kind = $1 and matter = $2 and state <> 'closed'
             returning ${columns}`,
      values: [kind, shortened(matter)],
    })
    const [row] = rows
    if (row === undefined) return
    await addAct(tx, row.alarm_id, { act: 'close', by: 'monitor', note: 'it has passed' })
    await onPassed(tx, alarmOf(row))
  })
}

/** Newest first. */
export async function listAlarms(
  db: Queryable,
  page: PageQuery,
  filter: AlarmFilter = {},
): Promise<{ readonly rows: readonly Alarm[]; readonly next?: string }> {
  const { states, kinds, treeId, watchId } = filter
  const { rows } = await db.query<Row>(
    `select ${columns} from monitor_alarm
     where ($1::bigint is null or alarm_id < $1)
       and ($2::text[] is null or state = any($2)) and ($3::text[] is null or kind = any($3))
       and ($4::bigint is null or tree_id = $4) and ($5::bigint is null or watch_id = $5)
     order by alarm_id desc limit $6`,
    [page.before ?? null, states ?? null, kinds ?? null, treeId ?? null, watchId ?? null, page.limit + 1],
  )
  return pageOf(rows.map(alarmOf), page, ({ id }) => id)
}

/** Throws `not_found`. */
export async function readAlarm(
  db: Queryable,
  id: bigint,
): Promise<Alarm & { readonly acts: readonly AlarmAct[] }> {
  const { rows } = await db.query<Row>(`select ${columns} from monitor_alarm where alarm_id = $1`, [id])
  if (rows[0] === undefined) throw noAlarm(id)
  const acts = await db.query<AlarmAct>(
    'select act, at, by, note from monitor_act where alarm_id = $1 order by act_id',
    [id],
  )
  return { ...alarmOf(rows[0]), acts: acts.rows }
}

const allowed = {
  acknowledge: { from: ['open'], to: 'acknowledged' },
  close: { from: ['open', 'acknowledged'], to: 'closed' },
  reopen: { from: ['acknowledged', 'closed'], to: 'open' },
} as const satisfies Readonly<Record<Act, { from: readonly AlarmState[]; to: AlarmState }>>

/** Throws `not_found`, and `conflict` where the alarm is in another state, or the same matter is open in another alarm. */
export async function actOnAlarm(
  pool: Pool,
  id: bigint,
  act: { readonly act: Act; readonly by: string; readonly note: string },
): Promise<void> {
  const { from, to } = allowed[act.act]
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ state: AlarmState; has_successor: boolean }>(
      `select state, exists (select from monitor_alarm o where o.kind = a.kind and o.matter = a.matter
         and o.state <> 'closed' and o.alarm_id <> a.alarm_id) as has_successor
       from monitor_alarm a where alarm_id = $1 for update`,
      [id],
    )
    const [row] = rows
    if (row === undefined) throw noAlarm(id)
    if (!(from as readonly AlarmState[]).includes(row.state))
      throw new MonitorError('conflict', `alarm ${id} is ${row.state}`)
    if (to !== 'closed' && row.has_successor)
      throw new MonitorError('conflict', `the matter of alarm ${id} is open in a later alarm`)
    await tx.query('update monitor_alarm set state = $2 where alarm_id = $1', [id, to])
    await addAct(tx, id, act)
  })
}

async function addAct(
  tx: Queryable,
  id: bigint,
  { act, by, note }: { readonly act: Act; readonly by: string; readonly note: string },
): Promise<void> {
  await tx.query('insert into monitor_act (alarm_id, act, by, note) values ($1, $2, $3, $4)', [
    id,
    act,
    by,
    note,
  ])
}

/** By kind and state, of those that are not closed. */
export async function countAlarms(
  db: Queryable,
): Promise<readonly { readonly kind: AlarmKind; readonly state: AlarmState; readonly count: bigint }[]> {
  const { rows } = await db.query<{ kind: AlarmKind; state: AlarmState; count: bigint }>(
    `select kind, state, count(*) as count from monitor_alarm where state <> 'closed' group by kind, state`,
  )
  return rows
}

function alarmOf(row: Row): Alarm {
  return {
    id: row.alarm_id,
    kind: row.kind,
    severity: row.severity,
    summary: row.summary,
    detail: row.detail,
    treeId: row.tree_id ?? undefined,
    watchId: row.watch_id ?? undefined,
    state: row.state,
    times: row.times,
    firstAt: row.first_at,
    lastAt: row.last_at,
  }
}

function noAlarm(id: bigint): MonitorError {
  return new MonitorError('not_found', `there is no alarm ${id}`)
}
