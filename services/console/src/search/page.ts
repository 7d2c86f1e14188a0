/** The front page, and what was found. */
import { type Html, html } from '../html/html.ts'
import { bytes, sentenceList, time } from '../html/page.ts'
import type { FoundCertificates } from './certificates.ts'
import type { Reading } from './guess.ts'
import type { PlacedEntry } from './places.ts'
import type { Filters, Results } from './search.ts'

export type SearchForm = Filters & {
  readonly asked: string
  readonly as?: string
  /** Where the page of certificates before this one ended: it is of them alone. */
  readonly certificates?: bigint
}

export const kinds = [
  'hashedrekord',
  'dsse',
  'intoto',
  'rekord',
  'rpm',
  'alpine',
  'jar',
  'helm',
  'tuf',
  'cose',
  'rfc3161',
] as const

/** The one box. */
export function searchBox({ asked, kind, after, before, order }: SearchForm): Html {
  const isNarrowed = [kind, after, before].some((filter) => filter !== undefined) || order === 'oldest'
  return html`<form class="search" role="search" action="/search" method="get">
<label for="q">Search the log</label>
<div class="box"><input id="q" name="q" type="search" value="${asked}" autocomplete="off" spellcheck="false" autocapitalize="off" maxlength="16384" aria-describedby="q-help"><button>Search</button></div>
<p id="q-help" class="quiet">A digest, a UUID or an index; an e-mail address, a URI or an identity provider; a commit, a serial number, a key, an image by its digest.</p>
<div class="drop" id="drop" hidden><label for="file">Or a file: only its digest leaves this page.</label> <input id="file" type="file"> <span id="drop-state" role="status"></span></div>
<details${isNarrowed && html` open`}><summary>Narrow down</summary>
<div class="filters">
<label>Kind <select name="kind"><option value="">any</option>${kinds.map((each) => html`<option${each === kind && html` selected`}>${each}</option>`)}</select></label>
<label>From <input name="after" type="date" value="${after ?? ''}"></label>
<label>Before <input name="before" type="date" value="${before ?? ''}"></label>
<label>Order <select name="order"><option value="newest">newest first</option><option value="oldest"${order === 'oldest' && html` selected`}>oldest first</option></select></label>
</div></details>
</form>
`
}

export function readingsPart(
  form: SearchForm,
  readings: readonly Reading[],
  notAsked: readonly Reading[],
): Html {
  if (readings.length === 0) return html``
  const asked = readings.filter((reading) => !notAsked.includes(reading))
  return html`<p class="readings">${asked.length > 0 && html`Read as ${sentenceList(asked.map(({ words }) => words))}.`}${
    readings.length > 1 &&
    html` Only as ${readings.map((reading, at) => html`${at > 0 && ' · '}<a href="${hrefOf(form, { as: reading.as })}">${reading.words}</a>`)}.`
  }${notAsked.length > 0 && html` This log cannot be asked for ${sentenceList(notAsked.map(({ words }) => words))}.`}</p>
`
}

export function resultsPart(
  form: SearchForm,
  results: Results & { readonly entries: readonly PlacedEntry[] },
): Html {
  const { entries, indexed, isPlain } = results
  return html`${
    entries.length === 0
      ? html`<p class="empty">Nothing was found.${indexed !== undefined && html` The search index of this log reaches its first ${indexed.toLocaleString('en')} entries.`} Names are found as a whole, not by a part.</p>
`
      : html`${entryTable(entries, 'Entries that were found')}
${pager(form, results)}`
  }${
    isPlain &&
    html`<p class="quiet">This log has the plain index alone: it knows neither filters nor order.</p>
`
  }`
}

export function certificatesPart(
  form: SearchForm,
  found: FoundCertificates | { readonly fault: string },
): Html {
  return html`<section aria-labelledby="certificates"><h2 id="certificates">Certificates</h2>
${
  'fault' in found
    ? html`<p class="warning">The log of certificates cannot be asked now: ${found.fault}.</p>
`
    : html`${
        found.entries.length === 0
          ? html`<p class="empty">No certificate was found.</p>
`
          : entryTable(found.entries, 'Certificates that were found')
      }${coverage(found)}${
        found.next !== undefined &&
        html`<nav class="pager" aria-label="Pages of certificates"><a rel="next" href="${hrefOf(form, { certificates: found.next })}">More certificates</a></nav>
`
      }`
}</section>
`
}

/** What a search that found nothing did not look at. */
function coverage({ first, size, isWhole }: FoundCertificates): Html {
  if (!isWhole)
    return html`<p class="quiet">The log of certificates is still being read, from number ${first} on so far: search again in a moment.</p>
`
  return html`${
    first > 0n &&
    html`<p class="quiet">Of its ${size.toLocaleString('en')} certificates those from number ${first} on are searched.</p>
`
  }`
}

function pager(form: SearchForm, { next }: Results): Html {
  const { cursor } = form
  if (next === undefined && cursor === undefined) return html``
  return html`<nav class="pager" aria-label="Pages">${cursor !== undefined && html`<a href="${hrefOf(form, {})}">First page</a> `}${
    next !== undefined && html`<a rel="next" href="${hrefOf(form, { cursor: next })}">Next page</a>`
  }</nav>
`
}

/** The same search in another way: an address that can be kept. */
export function hrefOf(
  { asked, as, kind, after, before, order }: SearchForm,
  changed: { readonly as?: string; readonly cursor?: string; readonly certificates?: bigint },
  path = '/search',
): string {
  const parameters = new URLSearchParams({ q: asked })
  const wanted = {
    as: changed.as ?? as,
    kind,
    after,
    before,
    cursor: changed.cursor,
    certificates: changed.certificates?.toString(),
  }
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) parameters.set(name, value)
  if (order === 'oldest') parameters.set('order', order)
  return `${path}?${parameters.toString()}`
}

/** Newest entries and found ones look alike. */
export function entryTable(entries: readonly PlacedEntry[], caption: string, id?: string): Html {
  return html`<div class="wide" role="group" tabindex="0" aria-label="${caption}"><table class="entries">
<caption class="unseen">${caption}</caption>
<thead><tr><th scope="col">Index</th><th scope="col">Logged</th><th scope="col">Kind</th><th scope="col">Signed by</th><th scope="col">Vouched for by</th></tr></thead>
<tbody${id !== undefined && html` id="${id}"`}>
${entries.map(entryRow)}</tbody></table></div>
`
}

function entryRow(entry: PlacedEntry): Html {
  const { path, origin, logIndex, integratedTime, kind, subjects, issuers, keyHashes } = entry
  const [subject, ...others] = subjects
  const [keyHash] = keyHashes
  return html`<tr><td class="number">${path === undefined ? logIndex : html`<a href="${path}">${logIndex}</a>`}${origin !== undefined && html` <span class="quiet">of ${origin}</span>`}</td><td>${integratedTime === undefined ? 'not known' : time(integratedTime)}</td><td>${kind}</td><td class="who">${
    subject === undefined ? keyHash !== undefined && html`key ${bytes(keyHash)}` : subject
  }${others.length > 0 && html` <span class="quiet">and ${others.length} more</span>`}</td><td class="who">${issuers[0]}</td></tr>
`
}
