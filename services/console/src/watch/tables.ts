/** The tables of the watch room as rows of texts, of which the first names the columns. */
import type { Alarm, FollowedLog, Watch } from '../sources/monitor.ts'
import { wanted } from './watch-parts.ts'

type Rows = readonly (readonly string[])[]

export function alarmRows(alarms: readonly Alarm[]): Rows {
  const header = ['id', 'kind', 'severity', 'state', 'summary', 'log', 'watch', 'times', 'firstAt', 'lastAt']
  const rows = alarms.map(({ id, kind, severity, state, summary, log, watch, times, firstAt, lastAt }) => [
    id,
    kind,
    severity,
    state,
    summary,
    log ?? '',
    watch ?? '',
    times,
    firstAt.toISOString(),
    lastAt.toISOString(),
  ])
  return [header, ...rows]
}

export function watchRows(watches: readonly Watch[]): Rows {
  const header = [
    'id',
    'name',
    'wanted',
    'alarmOn',
    'paused',
    'source',
    'createdBy',
    'findings',
    'lastFoundAt',
  ]
  const rows = watches.map((watch) => [
    watch.id,
    watch.name,
    wanted(watch).join('; '),
    watch.alarmOn.join(' '),
    String(watch.paused),
    watch.source,
    watch.createdBy,
    watch.findings,
    watch.lastFoundAt?.toISOString() ?? '',
  ])
  return [header, ...rows]
}

export function logRows(logs: readonly FollowedLog[]): Rows {
  const header = ['id', 'name', 'kind', 'url', 'state', 'verified', 'newest', 'seenAt']
  const rows = logs.map(({ id, name, kind, url, state, verified, newest, seenAt }) => [
    id,
    name,
    kind,
    url,
    state,
    verified,
    newest ?? '',
    seenAt?.toISOString() ?? '',
  ])
  return [header, ...rows]
}
