/** Watches, and the form for one more. */
import { isObject } from '@sigstack/crypto'
import { reasons } from '@sigstack/monitor-api'
import { type Html, html } from '../html/html.ts'
import { time } from '../html/page.ts'
import type { Watch } from '../sources/monitor.ts'
import { secondsOf } from './alarm-parts.ts'
import { conditionForm, days, fieldOf, forms, hasHours, subjects } from './definition.ts'

export function watchTable(watches: readonly Watch[]): Html {
  if (watches.length === 0) return html`<p class="empty">Nobody is watched yet.</p>`
  return html`<div class="wide" role="group" tabindex="0" aria-label="Watches"><table><caption class="unseen">Watches</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Whose entries</th><th scope="col">Alarm for</th><th scope="col" class="number">Found</th><th scope="col">Last</th><th scope="col">By</th><th scope="col"><span class="unseen">Remove</span></th></tr></thead><tbody>
${watches.map(watchRow)}</tbody></table></div>
`
}

function watchRow(watch: Watch): Html {
  const { id, name, alarmOn, paused, source, createdBy, findings, lastFoundAt } = watch
  return html`<tr><td class="who">${name}${paused && html` <span class="quiet">(paused)</span>`}</td><td class="who">${wanted(watch).map((line, at) => html`${at > 0 && html`<br>`}${line}`)}</td><td>${alarmOn.join(', ')}</td><td class="number">${findings}</td><td>${lastFoundAt !== undefined && time(secondsOf(lastFoundAt))}</td><td class="who">${createdBy}</td><td>${
    source === 'api'
      ? html`<details><summary aria-label="Remove ${name}">Remove</summary><form method="post" action="/watch/watches/${id}/remove"><p>All that it has found goes with it.</p><button aria-label="Remove ${name} for good">Remove it</button></form></details>`
      : html`<span class="quiet">of the file</span>`
  }</td></tr>
`
}

/** Whom it looks for, a line for each condition. */
export function wanted({ definition }: Watch): readonly string[] {
  return Object.entries(definition).map(([name, value]) => {
    if (typeof value === 'string') return `${name} ${value}`
    if (Array.isArray(value)) return `${name} ${value.join(', ')}`
    const parts = isObject(value) ? Object.entries(value) : []
    return `${name} ${parts.map(([part, text]) => `${part === 'exact' ? '' : `${part} `}${Array.isArray(text) ? text.join(',') : String(text)}`).join(' ')}`
  })
}

const labels: Readonly<Record<string, string>> = {
  subject: 'Subject: a name in the certificate',
  issuer: 'Issuer of the identity token',
  repository: 'Source repository',
  exact: 'exactly',
  glob: 'with stars (*)',
  regex: 'expression (RE2)',
  'identity-seen': 'every entry',
  'new-workflow': 'a workflow that was not met before',
  'outside-hours': 'an entry outside the hours below',
}

/** `fault` says why the monitor did not take it. */
export function watchForm(form: URLSearchParams, fault: string | undefined): Html {
  const text = (name: string) => fieldOf(form, name)
  return html`<form class="watch" method="post" action="/watch/watches" aria-labelledby="add">
<p>All that is filled in must hold; one of subject, issuer, repository and key is needed. It meets the entries that are read from then on.</p>
${fault !== undefined && html`<p class="warning" role="alert">${fault}</p>`}
<div class="field"><label for="name">Name of the watch</label><input id="name" name="name" type="text" maxlength="100" required value="${text('name')}" autocomplete="off"></div>
${subjects.map(
  (
    name,
  ) => html`<div class="field"><label for="${name}">${labels[name]}</label><div class="box"><select name="${name}Form" aria-label="How the ${name} is meant">${forms.map((each) => html`<option value="${each}"${each === conditionForm(form, name) && html` selected`}>${labels[each]}</option>`)}</select><input id="${name}" name="${name}" type="text" maxlength="2048" value="${text(name)}" autocomplete="off" spellcheck="false"></div></div>
`,
)}<div class="field"><label for="key">Key: its SHA-256 in hexadecimal</label><input id="key" name="key" type="text" maxlength="128" value="${text('key')}" autocomplete="off" spellcheck="false"></div>
<fieldset><legend>An alarm for</legend><div class="filters">${reasons.map((reason) => box(form, 'alarmOn', reason, labels[reason] ?? reason))}</div></fieldset>
<details${hasHours(form) && html` open`}><summary>Hours at which entries are expected</summary>
<div class="filters"><label>Time zone <input name="timeZone" type="text" maxlength="100" placeholder="Europe/Berlin" value="${text('timeZone')}" autocomplete="off"></label>
<label>From <input name="from" type="text" maxlength="5" placeholder="08:00" value="${text('from')}"></label>
<label>To <input name="to" type="text" maxlength="5" placeholder="18:00" value="${text('to')}"></label></div>
<div class="filters" role="group" aria-label="Days">${days.map((day) => box(form, 'days', day, day))}</div></details>
<button>Add the watch</button>
</form>
`
}

function box(form: URLSearchParams, name: string, value: string, label: string): Html {
  return html`<label><input type="checkbox" name="${name}" value="${value}"${form.getAll(name).includes(value) && html` checked`}> ${label}</label>
`
}
