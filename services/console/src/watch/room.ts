/** The first page of the watch room: what is open, whom is watched, and the logs. */
import { type Html, html } from '../html/html.ts'
import type { Alarm, FollowedLog, Watch } from '../sources/monitor.ts'
import { alarmPart, type Names } from './alarm-parts.ts'
import { followedTable } from './log-parts.ts'
import { watchForm, watchTable } from './watch-parts.ts'

export type RoomView = {
  /** Not closed, the most urgent first. */
  readonly alarms: readonly Alarm[]
  readonly hasMoreAlarms: boolean
  readonly watches: readonly Watch[]
  readonly nextWatches?: string | undefined
  readonly logs: readonly FollowedLog[]
  readonly names: Names
  /** As it was filled in, and why the monitor did not take it. */
  readonly form: URLSearchParams
  readonly fault?: string | undefined
}

export function roomPart(view: RoomView): Html {
  const { alarms, hasMoreAlarms, watches, nextWatches, logs, names, form, fault } = view
  const open = alarms.filter(({ state }) => state === 'open')
  const known = alarms.filter(({ state }) => state !== 'open')
  const urgent = open.filter(({ severity }) => severity === 'page').length
  return html`<h1>What is watched</h1>
<p class="sentence">${
    open.length === 0
      ? html`No alarm is open.`
      : html`<strong>${hasMoreAlarms && 'More than '}${open.length}</strong> ${open.length === 1 ? 'alarm is' : 'alarms are'} open${urgent > 0 && html`, of which ${urgent} cannot wait`}.`
  } <a href="/watch/alarms">All alarms</a>, those that are closed too.</p>
${
  open.length > 0 &&
  html`<section aria-labelledby="open"><h2 id="open">Open alarms</h2>
${open.map((alarm) => alarmPart(alarm, names))}</section>
`
}${
  known.length > 0 &&
  html`<section aria-labelledby="known"><h2 id="known">Acknowledged: somebody looks into them</h2>
${known.map((alarm) => alarmPart(alarm, names))}</section>
`
}<section aria-labelledby="watches"><h2 id="watches">Watches</h2>
${watchTable(watches)}${nextWatches !== undefined && html`<p><a href="/watch?watches=${nextWatches}">Older watches</a></p>`}
<p class="downloads">This table as <a href="/watch/watches.json">JSON</a>, <a href="/watch/watches.csv">CSV</a>.</p></section>
<section aria-labelledby="add"><h2 id="add">Add a watch</h2>
${watchForm(form, fault)}</section>
<section aria-labelledby="logs"><h2 id="logs">Logs that the monitor follows</h2>
${followedTable(logs)}<p class="downloads">This table as <a href="/watch/logs.json">JSON</a>, <a href="/watch/logs.csv">CSV</a>.</p></section>
`
}
