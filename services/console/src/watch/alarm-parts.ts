/** Alarms in words, and what people do about them. */
import type { Act } from '@sigstack/monitor-api'
import { type Html, html } from '../html/html.ts'
import { time } from '../html/page.ts'
import type { Alarm } from '../sources/monitor.ts'
import { adviceOn, urgency } from './advice.ts'
import type { LinkEntry } from './entry-links.ts'
import { evidencePart } from './evidence.ts'

/** Names, and places of entries, by the numbers that alarms tell. */
export type Names = {
  readonly logs: ReadonlyMap<string, string>
  readonly watches: ReadonlyMap<string, string>
  readonly entry: LinkEntry
}

export const secondsOf = (date: Date) => Math.floor(date.getTime() / 1000)

const marks: Readonly<Record<string, readonly [string, string]>> = {
  open: ['!', 'failed'],
  acknowledged: ['–', 'unknown'],
  closed: ['✓', 'ok'],
}

export function alarmState(state: string): Html {
  const [mark, look] = marks[state] ?? ['?', 'unknown']
  return html`<span class="state ${look}"><span aria-hidden="true">${mark}</span> ${state}</span>`
}

/** What, where, since when, how often, and what to do next. */
export function alarmPart(alarm: Alarm, names: Names): Html {
  const { id, kind, severity, summary, state } = alarm
  const { what, next } = adviceOn(kind)
  return html`<article class="alarm ${severity === 'page' && 'page'}" aria-labelledby="alarm-${id}">
<h3 id="alarm-${id}"><a href="/watch/alarms/${id}">${what}</a></h3>
<p>${alarmState(state)} · ${urgency(severity)} · ${whereOf(alarm, names)}</p>
<p>${summary}</p>
<p class="quiet">${metPart(alarm)}</p>
<p><strong>What to do next:</strong> ${next}</p>
${actsForm(alarm, what)}</article>
`
}

function metPart({ times, firstAt, lastAt }: Alarm): Html {
  return times === '1'
    ? html`Met once, at ${time(secondsOf(firstAt))}.`
    : html`Since ${time(secondsOf(firstAt))}, met ${times} times, last at ${time(secondsOf(lastAt))}.`
}

/** A watch may have met the same in several logs, of which the sentence of the alarm names the last. */
export function whereOf({ log, watch }: Alarm, names: Names): string {
  if (watch !== undefined) return `watch ${names.watches.get(watch) ?? `number ${watch}`}`
  return log === undefined ? 'of no log alone' : `log ${names.logs.get(log) ?? `number ${log}`}`
}

const possible: Readonly<Record<string, readonly (readonly [Act, string])[]>> = {
  open: [
    ['acknowledge', 'Acknowledge'],
    ['close', 'Close'],
  ],
  acknowledged: [['close', 'Close']],
  closed: [['reopen', 'Open again']],
}

function actsForm({ id, state }: Alarm, what: string): Html {
  const acts = possible[state] ?? []
  const [first] = acts
  if (first === undefined) return html``
  return html`<form class="acts" method="post" action="/watch/alarms/${id}/${first[0]}">
<label>Note <input name="note" type="text" maxlength="2000" autocomplete="off"></label>
${acts.map(([act, word], at) => html`<button${at > 0 && html` class="second"`} formaction="/watch/alarms/${id}/${act}" aria-label="${word}: ${what}">${word}</button> `)}</form>
`
}

/** One alarm with its evidence and what was done. */
export function alarmPage(alarm: Alarm, names: Names): Html {
  const { kind, severity, summary, state, detail, log, acts } = alarm
  const { what, next } = adviceOn(kind)
  return html`<h1>${what}</h1>
<p class="sentence">${summary}</p>
<dl class="facts"><dt>State</dt><dd>${alarmState(state)}</dd><dt>Urgency</dt><dd>${urgency(severity)}</dd><dt>Where</dt><dd>${whereOf(alarm, names)}</dd><dt>Since and how often</dt><dd>${metPart(alarm)}</dd><dt>What to do next</dt><dd>${next}</dd></dl>
${actsForm(alarm, what)}<section aria-labelledby="evidence"><h2 id="evidence">Evidence of the last time</h2>
${evidencePart(detail, log, names)}</section>
<section aria-labelledby="acts"><h2 id="acts">What was done about it</h2>
${
  acts.length === 0
    ? html`<p>Nothing yet.</p>`
    : html`<div class="wide" role="group" tabindex="0" aria-label="What was done"><table><caption class="unseen">What was done</caption>
<thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Note</th></tr></thead><tbody>
${acts.map(
  ({
    at,
    by,
    act,
    note,
  }) => html`<tr><td>${time(secondsOf(at))}</td><td>${by}</td><td>${act}</td><td class="who">${note}</td></tr>
`,
)}</tbody></table></div>`
}</section>
<p><a href="/watch">All that is open</a></p>
`
}

export function alarmTable(alarms: readonly Alarm[], names: Names): Html {
  return html`<div class="wide" role="group" tabindex="0" aria-label="Alarms"><table><caption class="unseen">Alarms</caption>
<thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Where</th><th scope="col">Since</th><th scope="col">Last</th><th scope="col" class="number">Times</th></tr></thead><tbody>
${alarms.map(
  (
    alarm,
  ) => html`<tr><td class="who"><a href="/watch/alarms/${alarm.id}">${adviceOn(alarm.kind).what}</a><br><span class="quiet">${alarm.summary}</span></td><td>${alarmState(alarm.state)}</td><td>${whereOf(alarm, names)}</td><td>${time(secondsOf(alarm.firstAt))}</td><td>${time(secondsOf(alarm.lastAt))}</td><td class="number">${alarm.times}</td></tr>
`,
)}</tbody></table></div>
`
}
