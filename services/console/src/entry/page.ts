/** The page of one entry: a sentence first, then what backs it, then the bytes. */
import { toBase64, toHex } from '@sigstack/crypto'
import { type Html, html } from '../html/html.ts'
import { bytes, stateMark, time } from '../html/page.ts'
import type { Fact } from './body.ts'
import { type CertificateWords, keyWords } from './certificate.ts'
import type { Check } from './checks.ts'
import { commandsFor } from './commands.ts'
import { drawProof } from './proof-drawing.ts'
import type { EntryView } from './read-entry.ts'
import { longestShown, type ShownStatement } from './statement.ts'

/** `isHidden`: bytes that hold e-mail addresses are left out. */
export function entryPart(view: EntryView, isHidden: boolean): Html {
  const { entry, body, certificate, statement } = view
  return html`<h1>Entry ${entry.logIndex}</h1>
<p class="sentence">${sentence(view)}</p>
${
  body.fault !== undefined &&
  html`<p class="warning">${body.fault}</p>
`
}${checkList(view)}
<section aria-labelledby="what"><h2 id="what">What was signed</h2>
${factList([{ name: 'Kind', value: `${body.kind} ${body.apiVersion}` }, ...body.facts])}${
  body.digests.length > 0 &&
  html`<p>${body.digests.map((digest, at) => html`${at > 0 && ' · '}<a href="/search?q=${encodeURIComponent(digest)}">Other entries of ${at === 0 ? 'this digest' : digest.slice(0, 24)}</a>`)}</p>
`
}</section>
${statement !== undefined && statementPart(view, statement)}${signerPart(view, certificate)}${proofPart(view, isHidden)}
<section aria-labelledby="log"><h2 id="log">In the log</h2>
<dl class="facts">
<dt>UUID</dt><dd>${bytes(entry.uuid)}</dd>
<dt>Index</dt><dd>${entry.logIndex} of the whole log${entry.proof !== undefined && html`, ${entry.proof.leafIndex} in its tree`}</dd>
<dt>Logged</dt><dd>${time(entry.integratedTime)}, as the log says</dd>
<dt>Log</dt><dd>${view.origin}${view.logUrl !== undefined && html`, at ${view.logUrl}`}</dd>
<dt>ID of the log (SHA-256 of its key)</dt><dd>${bytes(toHex(entry.logId))}</dd>
${
  entry.promise !== undefined &&
  html`<dt>Promise (SET)</dt><dd>${bytes(toBase64(entry.promise))}</dd>
`
}</dl></section>
${commandPart(view)}
<section aria-labelledby="raw"><h2 id="raw">The bytes</h2>
${
  isHidden
    ? html`<p>The body holds the signer's e-mail address, so it is shown to operators alone.</p>
`
    : html`<details><summary>Body of the entry, ${entry.body.length.toLocaleString('en')} bytes</summary><pre class="raw" tabindex="0">${laidOut(body.json, body.text)}</pre></details>
<p class="downloads"><a download href="/entry/${entry.uuid}/body">Body, byte for byte</a>${
        body.signed !== undefined &&
        entry.proof?.checkpoint !== undefined &&
        html` · <a download href="/entry/${entry.uuid}/bundle">Bundle of signature and proof</a>`
      }${entry.attestation !== undefined && html` · <a download href="/entry/${entry.uuid}/attestation">What was attested</a>`}</p>
`
}</section>
`
}

function sentence({ entry, body, origin, statement }: EntryView): Html {
  const [signer] = body.signers
  const [subject] = signer?.subjects ?? []
  const who =
    subject !== undefined
      ? html`<strong>${subject}</strong>${signer?.tokenIssuer !== undefined && html`, as vouched for by <strong>${signer.tokenIssuer}</strong>,`}`
      : signer !== undefined
        ? html`The holder of the key <strong>${signer.keyHash.slice(0, 16)}…</strong>`
        : html`Somebody`
  const name = statement?.subjects[0]?.name
  const [digest] = body.digests
  const what =
    name !== undefined && name !== ''
      ? html`a statement about <strong>${name}</strong>${(statement?.subjects.length ?? 0) > 1 && html` and ${(statement?.subjects.length ?? 1) - 1 + (statement?.moreSubjects ?? 0)} more`}`
      : digest !== undefined
        ? html`an artifact with the digest <strong>${digest.slice(0, 23)}…</strong>`
        : html`what this entry holds`
  return html`${who} signed ${what}. It was logged on ${time(entry.integratedTime)} as number <strong>${entry.logIndex}</strong> of the log <strong>${origin}</strong>.`
}

function checkList({ checks, trust }: EntryView): Html {
  return html`<section aria-labelledby="checks"><h2 id="checks">What was checked</h2>
<table class="checks"><caption class="unseen">Checks of this entry</caption>
<thead><tr><th scope="col">By this server</th><th scope="col" class="by-browser" hidden>By this browser</th><th scope="col">What</th></tr></thead>
<tbody>
${checks.map((check) => checkRow(check, true))}</tbody></table>
<p class="quiet">${
    trust === undefined
      ? html`There is no trusted root to check against.`
      : html`Against the trusted root of ${trust.from}, SHA-256 ${bytes(trust.sha256)}.`
  } A page proves little to whoever distrusts who serves it: <a href="#commands">check it yourself</a>.</p></section>
`
}

export function checkRow({ name, state, what, why }: Check, byBrowserToo: boolean): Html {
  return html`<tr data-check="${name}"><td>${stateMark(state)}</td>${byBrowserToo && html`<td class="by-browser" hidden></td>`}<td>${what}${
    why !== undefined &&
    html` <span class="why">${state === 'failed' ? 'Failed' : 'Not checked'}: ${why}.</span>`
  }</td></tr>
`
}

function signerPart({ body }: EntryView, certificate: CertificateWords | undefined): Html {
  const [signer] = body.signers
  if (signer === undefined) return html``
  const more = body.signers.length - 1
  const also = html`${
    more > 0 &&
    html`<p>${more} more signed it; the body has them.</p>
`
  }`
  if (certificate === undefined)
    return html`<section aria-labelledby="signer"><h2 id="signer">Who signed: a key</h2>
<dl class="facts"><dt>Key</dt><dd>${keyWords(signer.key)}</dd><dt>SHA-256 of the key</dt><dd>${bytes(signer.keyHash)}</dd></dl>
<p><a href="/search?q=${signer.keyHash}&amp;as=key">Other entries by this key</a></p>${also}</section>
`
  return html`<section aria-labelledby="signer"><h2 id="signer">Who signed: the certificate</h2>
${certificate.warnings.map(
  (warning) => html`<p class="warning">${warning}</p>
`,
)}<dl class="facts">
${certificate.rows.map(
  ({ name, value, href }) =>
    html`<dt>${name}</dt><dd>${href === undefined ? value : html`<a href="${href}" rel="noreferrer">${value}</a>`}</dd>
`,
)}</dl>
<p><a href="/search?q=${encodeURIComponent(signer.subjects[0] ?? '')}">Other entries by this name</a> · <a href="/search?q=${certificate.serial}&amp;as=serial">by this certificate</a></p>${also}</section>
`
}

function statementPart({ entry }: EntryView, statement: ShownStatement): Html {
  const { predicateType, subjects, moreSubjects, build, predicate, isCut } = statement
  return html`<section aria-labelledby="statement"><h2 id="statement">The statement</h2>
${factList([{ name: 'Type of the predicate', value: predicateType }, ...build])}<div class="wide" role="group" tabindex="0" aria-label="What the statement is about"><table><caption class="unseen">What the statement is about</caption>
<thead><tr><th scope="col">Subject</th><th scope="col">Digest</th></tr></thead><tbody>
${subjects.map(
  ({
    name,
    digests,
  }) => html`<tr><td>${name}</td><td>${digests.map((digest) => html`${bytes(digest)} `)}</td></tr>
`,
)}</tbody></table></div>${moreSubjects > 0 && html`<p>${moreSubjects.toLocaleString('en')} more subjects are in the download.</p>`}
<details><summary>Predicate</summary><pre class="raw" tabindex="0">${predicate}${isCut && '…'}</pre></details>
${
  isCut &&
  html`<p class="quiet">Shown are the first ${longestShown.toLocaleString('en')} characters; <a download href="/entry/${entry.uuid}/attestation">the download</a> has all of it.</p>
`
}</section>
`
}

function proofPart({ entry, leaf, steps, logKey }: EntryView, isHidden: boolean): Html {
  const { proof } = entry
  if (proof === undefined) return html``
  // What a browser checks is what is read here.
  return html`<section aria-labelledby="proof" id="proof-part" data-leaf-index="${proof.leafIndex}" data-tree-size="${proof.treeSize}" data-root="${toHex(proof.rootHash)}"${logKey !== undefined && html` data-log-key="${toBase64(logKey)}"`}${!isHidden && html` data-body="/entry/${entry.uuid}/body"`}>
<h2 id="proof">The proof</h2>
<p>The entry is leaf ${proof.leafIndex} of a tree of ${proof.treeSize} leaves. Each step hashes two neighbours into their parent, up to the root that the log has signed.</p>
${
  steps === undefined
    ? html`<p class="warning">The proof does not fit the place of the entry, so it leads nowhere.</p>
`
    : html`<div class="wide" role="group" tabindex="0" aria-label="The proof as a drawing">${drawProof(leaf, steps)}</div>
<details><summary>The steps as a table</summary>
<div class="wide" role="group" tabindex="0" aria-label="The steps of the proof"><table id="steps"><caption class="unseen">Steps of the proof, from the leaf to the root</caption>
<thead><tr><th scope="col">Step</th><th scope="col">Given by the log</th><th scope="col">on the</th><th scope="col">Together they make</th></tr></thead><tbody>
<tr><th scope="row">leaf</th><td></td><td></td><td>${bytes(toHex(leaf))}</td></tr>
${steps.map(
  ({ sibling, side, hash }, at) =>
    html`<tr data-sibling="${toHex(sibling)}"><th scope="row">${at + 1}</th><td>${bytes(toHex(sibling))}</td><td>${side}</td><td>${bytes(toHex(hash))}</td></tr>
`,
)}</tbody></table></div></details>
`
}${
  proof.checkpoint !== undefined &&
  html`<details open><summary>The tree head that the log signed</summary><pre id="checkpoint" class="raw" tabindex="0">${proof.checkpoint}</pre></details>
`
}</section>`
}

function commandPart(view: EntryView): Html {
  const commands = commandsFor(view)
  return html`<section aria-labelledby="commands"><h2 id="commands">Check it yourself</h2>
${commands.map(
  ({
    what,
    command,
  }) => html`<p class="command-name">${what}</p><pre class="command" tabindex="0">${command}</pre>
`,
)}${
  commands.length === 0 &&
  html`<p>There is no command for this kind of entry.</p>
`
}</section>`
}

function factList(facts: readonly Fact[]): Html {
  return html`<dl class="facts">
${facts.map(
  ({
    name,
    value,
  }) => html`<dt>${name}</dt><dd>${/^[a-z0-9]+:[0-9a-f]{16,}$/.test(value) ? bytes(value) : value}</dd>
`,
)}</dl>
`
}

/** As JSON where it is some, bounded: the download has all. */
function laidOut(json: unknown, text: string): string {
  const whole = json === undefined ? text : JSON.stringify(json, undefined, 2)
  return whole.length > longestShown ? `${whole.slice(0, longestShown)}…` : whole
}
