/** The log as a whole: how large, how fast, who signed its heads. */
import { drawBars } from '../html/bars.ts'
import { type Html, html } from '../html/html.ts'
import { bytes, stateMark, time } from '../html/page.ts'
import type { LogInfo, LogShard } from '../sources/rekor.ts'
import { leafPath, type TreeName } from '../tree/tree-name.ts'
import type { Growth, Span } from './growth.ts'
import type { Head, HeadLine, Witness } from './heads.ts'
import { logNames } from './names.ts'
import type { LogName } from './newest.ts'

export type LogView = {
  /** Of Rekor v1, or why it cannot be told: other logs are shown all the same. Undefined where there is no such log. */
  readonly info?: { readonly value: LogInfo } | { readonly fault: string } | undefined
  /** Those that are shown. */
  readonly logs: readonly LogName[]
  readonly growths: readonly { readonly log: LogName; readonly growth: Growth }[]
  readonly heads: readonly (ShownHead | { readonly name: string; readonly fault: string })[]
  readonly witness?: Witness | undefined
  readonly speed: readonly { readonly name: string; readonly value: string }[]
}

/** With the name of its tree where entries are found by that. */
type ShownHead = Head & { readonly tree?: TreeName }

export function logPart({ info, logs, growths, heads, witness, speed }: LogView): Html {
  const shards = info !== undefined && 'value' in info ? [...info.value.inactive, info.value.active] : []
  return html`<h1>${logs.length > 1 ? 'The logs' : 'The log'}</h1>
${
  info !== undefined &&
  ('value' in info
    ? sizePart(shards, growths.find(({ log }) => log === 'rekor-v1')?.growth)
    : html`<p class="warning">How large the Rekor log is cannot be told now: ${info.fault}.</p>
`)
}<p>Watch entries come: ${logs.map((log, at) => html`${at > 0 && ' · '}<a href="/log/tail?log=${log}">${logNames[log]}</a>`)}. Or compare a log with <a href="/log/consistency">an older head</a> of it.</p>
${
  growths.length > 0 &&
  html`<section aria-labelledby="growth"><h2 id="growth">Growth</h2>
${growths.map(({ log, growth }) => growthPart(logNames[log], growth))}</section>
`
}<section aria-labelledby="heads"><h2 id="heads">Heads and who signed them</h2>
${heads.map((head) =>
  'fault' in head
    ? html`<h3>${head.name}</h3><p class="warning">${head.fault}</p>
`
    : headPart(head, witness),
)}</section>
${shards.length > 0 && shardPart(shards)}${
  speed.length > 0 &&
  html`<section aria-labelledby="speed"><h2 id="speed">Speed since its start</h2>
<dl class="facts">${speed.map(({ name, value }) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>
`
}`
}

function sizePart(shards: readonly LogShard[], growth: Growth | undefined): Html {
  const total = shards.reduce((sum, { treeSize }) => sum + treeSize, 0n)
  return html`<p class="sentence">The Rekor log holds <strong>${total.toLocaleString('en')}</strong> entries in ${shards.length === 1 ? 'one tree' : html`${shards.length} trees`}.${
    growth !== undefined &&
    html` In the last 24 hours it grew by ${growth.hours.reduce((sum, { entries }) => sum + entries, 0n).toLocaleString('en')}.`
  }</p>
`
}

function growthPart(name: string, { hours, days }: Growth): Html {
  return html`<h3>${name}: entries an hour, the last 24</h3>
${drawBars(`${name}: entries an hour`, barsOf(hours, 16))}<h3>${name}: entries a day, the last 30</h3>
${drawBars(`${name}: entries a day`, barsOf(days, 10))}`
}

function shardPart(shards: readonly LogShard[]): Html {
  return html`<section aria-labelledby="shards"><h2 id="shards">Trees of the Rekor log</h2>
<div class="wide" role="group" tabindex="0" aria-label="Trees of the Rekor log"><table><caption class="unseen">Trees of the Rekor log</caption>
<thead><tr><th scope="col">Tree ID</th><th scope="col">State</th><th scope="col" class="number">Entries</th><th scope="col" class="number">First index</th><th scope="col">Root</th></tr></thead><tbody>
${shards.map(
  ({ treeId, treeSize, rootHash }, at) =>
    html`<tr><td>${bytes(treeId)}</td><td>${at === shards.length - 1 ? 'active' : 'frozen'}</td><td class="number">${treeSize.toLocaleString('en')}</td><td class="number">${shards
      .slice(0, at)
      .reduce((sum, each) => sum + each.treeSize, 0n)
      .toLocaleString('en')}</td><td>${bytes(rootHash)}</td></tr>
`,
)}</tbody></table></div></section>
`
}

function barsOf(spans: readonly Span[], digits: number) {
  return spans.map(({ fromMs, entries }) => ({
    label: new Date(fromMs).toISOString().replace('T', ' ').slice(0, digits),
    value: entries,
  }))
}

function headPart(head: ShownHead, witness: Witness | undefined): Html {
  const { name, url, note, origin, size, root, lines, tree } = head
  const witnessed = witness?.logs.find((log) => log.origin === origin)
  return html`<h3>${name}</h3>
<dl class="facts"><dt>Origin</dt><dd>${origin}</dd><dt>Entries</dt><dd>${size.toLocaleString('en')}${tree !== undefined && size > 0n && html`, the newest is <a href="${leafPath(tree, size - 1n)}">number ${size - 1n}</a>`}</dd><dt>Root</dt><dd>${bytes(root)}</dd>
${
  witness !== undefined &&
  html`<dt>Witness ${witness.name}</dt><dd>${
    witnessed === undefined
      ? 'has cosigned nothing of it yet'
      : html`cosigned ${witnessed.size.toLocaleString('en')} entries at ${witnessed.at}${size > witnessed.size && html`, ${(size - witnessed.size).toLocaleString('en')} behind`}`
  }</dd>`
}</dl>
<div class="wide" role="group" tabindex="0" aria-label="Signatures under the head of ${name}"><table><caption class="unseen">Signatures under the head of ${name}</caption>
<thead><tr><th scope="col">Signature</th><th scope="col">Name</th><th scope="col">Key ID</th><th scope="col">Whose</th><th scope="col">Time</th></tr></thead><tbody>
${lines.map(lineRow)}</tbody></table></div>
<details><summary>The head as it was signed</summary><pre class="raw" tabindex="0">${note}</pre><p class="quiet">From ${url}. Keep it, and see later whether <a href="/log/consistency">the log has only grown</a>.</p></details>
`
}

const whose = { log: 'the log', witness: 'a witness', unknown: 'not known here' }

function lineRow({ name, keyId, by, state, timeSeconds }: HeadLine): Html {
  return html`<tr><td>${stateMark(state)}</td><td>${name}</td><td>${bytes(keyId)}</td><td>${whose[by]}</td><td>${timeSeconds !== undefined && time(Number(timeSeconds))}</td></tr>
`
}
