/** What was checked, and by whom. */
import { type Html, html } from '../html/html.ts'
import { bytes, stateMark } from '../html/page.ts'
import type { Trust } from '../sources/trust.ts'
import type { Check } from './checks.ts'

export type Checked = {
  readonly checks: readonly Check[]
  readonly trust?: Pick<Trust, 'sha256' | 'from'>
}

/** `instead` is how to do without the page. */
export function checkList(
  { checks, trust }: Checked,
  instead: Html = html`<a href="#commands">check it yourself</a>`,
): Html {
  return html`<section aria-labelledby="checks"><h2 id="checks">What was checked</h2>
<table class="checks"><caption class="unseen">Checks of this entry</caption>
<thead><tr><th scope="col">By this server</th><th scope="col" class="by-browser" hidden>By this browser</th><th scope="col">What</th></tr></thead>
<tbody>
${checks.map((check) => checkRow(check, true))}</tbody></table>
<p class="quiet">${
    trust === undefined
      ? html`There is no trusted root to check against.`
      : html`Against the trusted root of ${trust.from}, SHA-256 ${bytes(trust.sha256)}.`
  } A page proves little to whoever distrusts who serves it: ${instead}.</p></section>
`
}

export function checkRow({ name, state, what, why }: Check, byBrowserToo: boolean): Html {
  return html`<tr data-check="${name}"><td>${stateMark(state)}</td>${byBrowserToo && html`<td class="by-browser" hidden></td>`}<td>${what}${
    why !== undefined &&
    html` <span class="why">${state === 'failed' ? 'Failed' : 'Not checked'}: ${why}.</span>`
  }</td></tr>
`
}
