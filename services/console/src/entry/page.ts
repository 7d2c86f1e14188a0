/** The page of one entry: a sentence first, then what backs it, then the bytes. */
import { toBase64, toHex } from '@sigstack/crypto'
import { type Html, html } from '../html/html.ts'
import { bytes, time } from '../html/page.ts'
import { checkList } from './check-part.ts'
import { commandsFor, rawCommand } from './commands.ts'
import { proofPart } from './proof-part.ts'
import type { EntryView } from './read-entry.ts'
import { artifactWords, signerWords } from './sentence.ts'
import { signerPart } from './signer-part.ts'
import { longestShown, type ShownStatement } from './statement.ts'
import { artifactPart, commandPart, factList, laidOut } from './text-parts.ts'

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
${artifactPart(body)}${statement !== undefined && statementPart(view, statement)}${signerPart(body, certificate)}${proofOf(view, isHidden)}
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
${commandPart(commandsFor({ ...view, raw: rawCommand(view) }))}
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
  return html`${signerWords(body)} signed ${artifactWords(body, statement)}. It was logged on ${time(entry.integratedTime)} as number <strong>${entry.logIndex}</strong> of the log <strong>${origin}</strong>.`
}

function proofOf({ entry, logKey, ...rest }: EntryView, isHidden: boolean): Html {
  const { proof, uuid, logId } = entry
  if (proof === undefined) return html``
  return proofPart({
    ...rest,
    proof,
    ...(logKey !== undefined && { key: { spki: logKey, hint: logId.subarray(0, 4) } }),
    ...(!isHidden && { bytesAt: `/entry/${uuid}/body` }),
  })
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
