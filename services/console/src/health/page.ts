/** How the services and the issuers are, in words and figures. */
import { type Html, html } from '../html/html.ts'
import type { Reader } from '../reader.ts'
import type { Issuer, IssuerDocument } from './issuers.ts'
import type { Health, ServiceFigures } from './probe.ts'

const marks = { ok: ['✓', 'ok'], failed: ['✗', 'failed'], unknown: ['–', 'unknown'] } as const

/** Whoever is no operator sees names and states alone, where the console tells the two apart. */
export function healthPart(services: readonly Health[], ageSeconds: number, { seesDetails }: Reader): Html {
  const bad = services.filter(({ state }) => state === 'failed')
  return html`<h1>How the services are</h1>
<p class="sentence">${
    bad.length === 0
      ? html`All ${services.length} services that are asked say that they are well.`
      : html`${bad.length} of ${services.length} services ${bad.length === 1 ? 'is' : 'are'} not well: <strong>${bad.map(({ service }) => service).join(', ')}</strong>.`
  }</p>
<div class="wide" role="group" tabindex="0" aria-label="Services"><table><caption class="unseen">Services</caption>
<thead><tr><th scope="col">Service</th><th scope="col">State</th>${seesDetails && html`<th scope="col">What it says</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Errors</th><th scope="col" class="number">Half within</th><th scope="col" class="number">99 % within</th>`}</tr></thead><tbody>
${services.map((each) => serviceRow(each, seesDetails))}</tbody></table></div>
<p class="quiet">Asked ${ageSeconds} seconds ago.</p>
`
}

function serviceRow({ service, url, state, checks, metrics }: Health, seesDetails: boolean): Html {
  const [mark, word] = marks[state]
  return html`<tr><td>${service}${seesDetails && html` <span class="quiet">${url}</span>`}</td><td><span class="state ${state}"><span aria-hidden="true">${mark}</span> ${word}</span></td>${
    seesDetails &&
    html`<td>${checks.map(([name, how], at) => html`${at > 0 && '; '}${name}: ${how}`)}</td>${figureCells(metrics)}`
  }</tr>
`
}

function figureCells(figures: ServiceFigures | undefined): Html {
  const ms = (value: number | undefined) =>
    value === undefined || !Number.isFinite(value) ? '' : `${value.toLocaleString('en')} ms`
  if (figures === undefined) return html`<td></td><td></td><td></td><td></td>`
  const { requests, errorShare, p50Ms, p99Ms } = figures
  return html`<td class="number">${requests.toLocaleString('en')}</td><td class="number">${(errorShare * 100).toFixed(1)} %</td><td class="number">${ms(p50Ms)}</td><td class="number">${ms(p99Ms)}</td>`
}

export function issuersPart(issuers: readonly Issuer[]): Html {
  return html`<h1>Whose tokens are taken</h1>
<p class="sentence">The certificate authority takes identity tokens of ${issuers.length === 1 ? 'one issuer' : `${issuers.length} issuers`}.</p>
${issuers.map(
  ({ url, type, audience, documents }) => html`<section><h2>${url}</h2>
<dl class="facts"><dt>Type</dt><dd>${type}</dd><dt>Audience</dt><dd>${audience}</dd>${documents.map(documentRow)}</dl>
<p><a href="/search?q=${encodeURIComponent(url)}&amp;as=issuer">Entries by its identities</a></p></section>
`,
)}`
}

function documentRow({ name, lastSuccess, ageSeconds, fault }: IssuerDocument): Html {
  return html`<dt>${name}</dt><dd>${lastSuccess === undefined ? 'never had' : html`had ${ageSeconds} seconds ago, at ${lastSuccess}`}${fault !== undefined && html`; last fault: ${fault}`}</dd>`
}
