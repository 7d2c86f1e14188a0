/** What is trusted, until when, and whether what runs is what is published. */
import { type Html, html } from '../html/html.ts'
import { bytes, stateMark } from '../html/page.ts'
import type { Trust } from '../sources/trust.ts'
import type { Drift } from './drift.ts'
import { dayOf, type TrustedKey } from './keys.ts'
import type { Repository } from './repository.ts'

export type TrustView = {
  readonly trust: Trust
  readonly fault?: string | undefined
  readonly keys: readonly TrustedKey[]
  readonly drift: readonly Drift[]
  readonly repository?: Repository | undefined
  readonly now: Date
}

export function trustPart({ trust, fault, keys, drift, repository, now }: TrustView): Html {
  const [first] = keys
    .filter(({ end }) => end !== undefined && end > now)
    .toSorted((a, b) => endOf(a) - endOf(b))
  return html`<h1>What is trusted</h1>
<p class="sentence">${keys.length} keys and chains are published.${first !== undefined && html` The first to end is the ${first.role.toLowerCase()} <strong>${first.name}</strong>, which ${first.next}.`}</p>
${
  fault !== undefined &&
  html`<p class="warning">A newer one could not be had: ${fault}</p>
`
}<p class="downloads"><a download href="/trust/trusted_root.json">trusted_root.json</a></p>
<dl class="facts"><dt>From</dt><dd>${trust.from}</dd><dt>SHA-256 of the file</dt><dd>${bytes(trust.sha256)}</dd></dl>
<p class="quiet">Whoever trusts it for the first time compares this digest by another way than this page.</p>
<section aria-labelledby="keys"><h2 id="keys">Keys and chains</h2>
${keys.map((key) => keyPart(key, keys, now))}</section>
<section aria-labelledby="drift"><h2 id="drift">Whether what runs is what is published</h2>
<div class="wide" role="group" tabindex="0" aria-label="Services and what is published of them"><table><caption class="unseen">Services and what is published of them</caption><thead><tr><th scope="col">Service</th><th scope="col">State</th><th scope="col">Why</th></tr></thead><tbody>
${drift.map(
  ({ service, state, why }) => html`<tr><td>${service}</td><td>${stateMark(state)}</td><td>${why}</td></tr>
`,
)}</tbody></table></div></section>
${repository !== undefined && repositoryPart(repository, now)}`
}

function keyPart(key: TrustedKey, keys: readonly TrustedKey[], now: Date): Html {
  const { role, name, about, id, next, pem } = key
  return html`<h3>${role} <span class="quiet">${name}</span></h3>
${drawWindow(key, keys, now)}<dl class="facts"><dt>${about === '' ? 'Key' : 'What'}</dt><dd>${about}</dd><dt>SHA-256</dt><dd>${bytes(id)}</dd><dt>Window</dt><dd>${key.start === undefined ? 'from ever' : dayOf(key.start)} to ${key.end === undefined ? 'no end' : dayOf(key.end)}; ${next}</dd></dl>
<details><summary>PEM of ${role.toLowerCase()} ${name}</summary><pre class="raw" tabindex="0">${pem}</pre></details>
`
}

const width = 640

/** All bars are over the same time, so that they can be compared. */
function drawWindow(key: TrustedKey, keys: readonly TrustedKey[], now: Date): Html {
  const times = [...keys.flatMap(({ start, end }) => [start, end]), now].flatMap(
    (date) => date?.getTime() ?? [],
  )
  const from = Math.min(...times)
  const span = Math.max(...times) - from || 1
  const at = (date: Date) => Math.round(((date.getTime() - from) / span) * width)
  const left = key.start === undefined ? 0 : at(key.start)
  const right = key.end === undefined ? width : at(key.end)
  return html`<svg class="window" viewBox="0 0 ${width} 14" width="${width}" role="img" aria-label="Window of ${key.role.toLowerCase()}: ${key.next}">
<path class="axis" d="M0 7H${width}"/><rect class="${key.end === undefined ? 'bar open' : 'bar'}" x="${left}" y="3" width="${Math.max(3, right - left)}" height="8"/><path class="now" d="M${at(now)} 0V14"/>
</svg>
`
}

function repositoryPart({ files, threshold, keys }: Repository, now: Date): Html {
  return html`<section aria-labelledby="tuf"><h2 id="tuf">The TUF repository</h2>
<p>Its root needs ${threshold} of ${keys} signatures.</p>
<div class="wide" role="group" tabindex="0" aria-label="Files of the TUF repository"><table><caption class="unseen">Files of the TUF repository</caption><thead><tr><th scope="col">Role</th><th scope="col" class="number">Version</th><th scope="col">Expires</th><th scope="col">State</th></tr></thead><tbody>
${files.map(({ role, version, expires }) => {
  const isOver = !(Date.parse(expires) > now.getTime())
  const days = Math.floor((Date.parse(expires) - now.getTime()) / 86_400_000)
  return html`<tr><td>${role}</td><td class="number">${version}</td><td>${expires}</td><td>${isOver ? html`<span class="state failed"><span aria-hidden="true">✗</span> expired</span>` : html`${days} days left`}</td></tr>
`
})}</tbody></table></div></section>
`
}

function endOf({ end }: TrustedKey): number {
  return end?.getTime() ?? Number.POSITIVE_INFINITY
}
