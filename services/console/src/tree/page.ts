/** The page of one leaf of a log that was read by tiles: an entry of Rekor v2, or a certificate. */
import { toHex } from '@sigstack/crypto'
import { tilePath, tileWidth, widthOfTile } from '@sigstack/merkle'
import { checkList } from '../entry/check-part.ts'
import { commandsFor, type ShellCommand, shellQuoted } from '../entry/commands.ts'
import { proofPart } from '../entry/proof-part.ts'
import { artifactWords, identityWords, signerWords } from '../entry/sentence.ts'
import { certificateFacts, signerPart } from '../entry/signer-part.ts'
import { artifactPart, commandPart, laidOut } from '../entry/text-parts.ts'
import { type Html, html } from '../html/html.ts'
import { bytes, time } from '../html/page.ts'
import type { LoggedCertificate } from './logged-certificate.ts'
import type { LeafView } from './read-leaf.ts'
import { leafPath } from './tree-name.ts'

export function leafTitle({ tree, found }: LeafView): string {
  return `${tree === 'ct' ? 'Certificate' : 'Entry'} ${found.proof.leafIndex}`
}

/** `isHidden`: bytes that hold e-mail addresses are left out. */
export function leafPart(view: LeafView, isHidden: boolean): Html {
  const { tree, found, body, logged, certificate } = view
  const { proof, origin } = found
  const here = leafPath(tree, proof.leafIndex)
  return html`<h1>${leafTitle(view)}</h1>
<p class="sentence">${body === undefined ? certificateSentence(view) : entrySentence(view)}</p>
${
  body?.fault !== undefined &&
  html`<p class="warning">${body.fault}</p>
`
}${checkList(view)}
${body === undefined ? certificatePart(view) : html`${artifactPart(body)}${signerPart(body, certificate)}`}
${proofPart({
  ...view,
  proof,
  ...(view.signer !== undefined && { key: { spki: view.signer.log.publicKey, hint: view.signer.hint } }),
  ...(!isHidden && { bytesAt: `${here}/leaf` }),
})}
<section aria-labelledby="log"><h2 id="log">In the log</h2>
<dl class="facts">
<dt>Log</dt><dd>${origin}${view.signer !== undefined && html`, at ${view.signer.log.baseUrl}`}</dd>
<dt>Index</dt><dd>${proof.leafIndex} of ${proof.treeSize}</dd>
<dt>Hash of the leaf</dt><dd>${bytes(toHex(view.leaf))}</dd>
<dt>Logged</dt><dd>${logged === undefined ? 'not known: entries of this log hold no times' : html`${time(Math.floor(logged.timestampMs / 1000))}, as the log says`}</dd>
</dl></section>
${commandPart(commandsOf(view))}
<section aria-labelledby="raw"><h2 id="raw">The bytes</h2>
${
  isHidden
    ? html`<p>They may hold an e-mail address, so they are shown to operators alone.</p>
`
    : html`${
        body !== undefined &&
        html`<details><summary>Body of the entry, ${found.leaf.length.toLocaleString('en')} bytes</summary><pre class="raw" tabindex="0">${laidOut(body.json, body.text)}</pre></details>`
      }<p class="downloads"><a download href="${`${here}/leaf`}">The leaf, byte for byte</a></p>
`
}</section>
<nav class="pager" aria-label="Neighbours">${proof.leafIndex > 0n && html`<a rel="prev" href="${leafPath(tree, proof.leafIndex - 1n)}">The one before</a> `}${
    proof.leafIndex + 1n < proof.treeSize &&
    html`<a rel="next" href="${leafPath(tree, proof.leafIndex + 1n)}">The next one</a>`
  }</nav>
`
}

function entrySentence({ body, found }: LeafView): Html {
  if (body === undefined) return html``
  const [certificate] = body.signers[0]?.certificates ?? []
  return html`${signerWords(body)} signed ${artifactWords(body)}. It is number <strong>${found.proof.leafIndex}</strong> of the log <strong>${found.origin}</strong>, whose entries hold no times${
    certificate !== undefined &&
    html`; the certificate was good from ${timeOf(certificate.notBefore)} to ${timeOf(certificate.notAfter)}`
  }.`
}

function certificateSentence({ logged, found }: LeafView): Html {
  const where = html`number <strong>${found.proof.leafIndex}</strong> of the log <strong>${found.origin}</strong>`
  if (logged === undefined) return html`This is ${where}, and cannot be read as a certificate.`
  const [subject] = logged.subjects
  const who = subject === undefined ? html`Somebody` : identityWords(subject, logged.tokenIssuer)
  return html`${who} got a certificate to sign with. The log took it on ${time(Math.floor(logged.timestampMs / 1000))} as ${where}.`
}

function certificatePart({ logged, certificate }: LeafView): Html {
  if (logged === undefined) return html``
  return html`<section aria-labelledby="certificate"><h2 id="certificate">The certificate</h2>
${certificate === undefined ? html`<p class="warning">It cannot be read.</p>` : certificateFacts(certificate)}${
  logged.issuerKeyHash !== undefined &&
  html`<p>What is logged is the precertificate, by which the log promised to publish the certificate before that was made. SHA-256 of the key that signs both: ${bytes(toHex(logged.issuerKeyHash))}</p>
`
}${certificate !== undefined && searchLinks(logged, certificate.serial)}</section>
`
}

/** What was signed with it is in the log of signatures. */
function searchLinks({ subjects: [subject] }: LoggedCertificate, serial: string): Html {
  return html`<p>What was signed <a href="/search?q=${serial}&amp;as=serial">with this certificate</a>${subject !== undefined && html` · <a href="/search?q=${encodeURIComponent(subject)}">by this name</a>`}</p>
`
}

function commandsOf({ tree, found, body, certificate, signer }: LeafView): readonly ShellCommand[] {
  const { leafIndex, treeSize } = found.proof
  const url = signer?.log.baseUrl.replace(/\/$/, '')
  const index = leafIndex / BigInt(tileWidth)
  const path =
    tree === 'ct'
      ? `ct/v1/get-entry-and-proof?leaf_index=${leafIndex}&tree_size=${treeSize}`
      : tilePath({ level: 'entries', index, width: widthOfTile(0, index, treeSize) })
  const what = tree === 'ct' ? 'The raw entry and its proof' : 'The bundle of 256 entries in which it lies'
  const raw = url === undefined ? undefined : { what, command: `curl -s ${shellQuoted(`${url}/${path}`)}` }
  if (body === undefined) return raw === undefined ? [] : [raw]
  return commandsFor({ body, raw, ...(certificate !== undefined && { certificate }) })
}

function timeOf(date: Date): Html {
  return time(Math.floor(date.getTime() / 1000))
}
