/** Two heads of a log: the form for the older one, and whether the log has only grown since. */
import { toBase64, toHex } from '@sigstack/crypto'
import type { ConsistencyPath } from '@sigstack/merkle'
import { checkList } from '../entry/check-part.ts'
import { drawPath } from '../entry/proof-drawing.ts'
import { type Html, html } from '../html/html.ts'
import { bytes } from '../html/page.ts'
import type { Comparison } from './compare.ts'

export type ConsistencyForm = {
  /** The older head as it was brought. */
  readonly brought: string
  /** Why nothing could be compared. */
  readonly fault?: string | undefined
}

export function consistencyPart({ brought, fault }: ConsistencyForm, found: Comparison | undefined): Html {
  return html`<h1>Has the log only grown?</h1>
${found !== undefined && comparisonPart(found)}${
  fault !== undefined &&
  html`<p class="warning" role="alert">${fault}</p>
`
}<form class="verify" action="/log/consistency" method="post">
<p>A log that was rewritten cannot prove that its new tree begins with an old one. So bring an older head that you have from elsewhere than from here today: one that you kept, a witness's or a mirror's, or a bundle, which has one in it.</p>
<div class="field"><label for="head">An older signed tree head, or a bundle</label><textarea id="head" name="head" rows="7" spellcheck="false" required>${brought}</textarea></div>
<p><button>Compare</button> <button type="button" id="recall" class="second" hidden>Take the one kept in this browser</button> <span id="kept-state" role="status"></span></p>
</form>
`
}

function comparisonPart(found: Comparison): Html {
  const { older, newer, path, checks, signer, hashes } = found
  const [oldHead, newHead] = [older.head.treeHead, newer.head.treeHead]
  return html`<p class="sentence">${sentence(found)}</p>
${checkList({ checks, ...(found.trust !== undefined && { trust: found.trust }) }, html`keep heads where it cannot reach, or have a monitor elsewhere follow the log`)}
<section aria-labelledby="proof" id="consistency-part" data-old-size="${oldHead.size}" data-new-size="${newHead.size}" data-old-root="${toHex(oldHead.rootHash)}" data-new-root="${toHex(newHead.rootHash)}" data-hashes="${hashes.map((hash) => toHex(hash)).join(' ')}"${signer !== undefined && html` data-log-key="${toBase64(signer.log.publicKey)}" data-key-hint="${toHex(signer.hint)}"`}>
<h2 id="proof">The proof</h2>
${path === undefined ? noPath(found) : pathPart(path)}
<div class="pair"><div><h3>The older head</h3><pre id="older" class="raw" tabindex="0">${older.note}</pre></div>
<div><h3>The newer head</h3><pre id="newer" class="raw" tabindex="0">${newer.note}</pre><p><button type="button" id="keep" class="second" hidden>Keep it in this browser</button></p></div></div></section>
`
}

function sentence({ older, newer, checks }: Comparison): Html {
  const [oldSize, newSize] = [older.head.treeHead.size, newer.head.treeHead.size]
  const log = html`The log <strong>${newer.head.origin}</strong>`
  const state = checks.find(({ name }) => name === 'consistency')?.state
  if (oldSize > newSize)
    return html`${log} shows ${newSize} entries now, and the older head has ${oldSize}: what answers is behind, or was put back to an older state.`
  if (state === 'failed')
    return html`${log} does not prove that its ${newSize} entries begin with the ${oldSize} of the older head. <strong>If the log has signed both, it has shown two histories</strong>: keep both heads.`
  return oldSize === newSize
    ? html`${log} has still the same <strong>${newSize}</strong> entries.`
    : html`${log} grew from <strong>${oldSize}</strong> to <strong>${newSize}</strong> entries, and nothing was changed in the first ${oldSize}.`
}

function noPath({ older, newer }: Comparison): Html {
  const [oldSize, newSize] = [older.head.treeHead.size, newer.head.treeHead.size]
  if (oldSize === newSize)
    return html`<p>Trees of one size are the same when their roots are: nothing else is to prove.</p>`
  return html`<p>${oldSize === 0n ? 'An empty tree proves nothing.' : 'There is none that leads from one to the other.'}</p>`
}

function pathPart({ start, steps }: ConsistencyPath): Html {
  const title = `The proof as a tree: ${steps.length} hashes lead from what the older tree ends with to the root of the newer.`
  const drawn = steps.map(({ sibling, side, newHash }) => ({ sibling, side, hash: newHash }))
  return html`<p>Below is the last whole part of the older tree. What stands to its left is in both trees, what stands to its right in the newer alone; so the same hashes lead to both roots.</p>
<div class="wide" role="group" tabindex="0" aria-label="The proof as a drawing">${drawPath(start, drawn, { title, start: 'subtree' })}</div>
<details><summary>The steps as a table</summary>
<div class="wide" role="group" tabindex="0" aria-label="The steps of the proof"><table><caption class="unseen">Steps of the proof, up to both roots</caption>
<thead><tr><th scope="col">Step</th><th scope="col">Given by the log</th><th scope="col">in</th><th scope="col">Older tree so far</th><th scope="col">Newer tree so far</th></tr></thead><tbody>
<tr><th scope="row">begin</th><td></td><td>both</td><td>${bytes(toHex(start))}</td><td>${bytes(toHex(start))}</td></tr>
${steps.map(
  ({ sibling, side, oldHash, newHash }, at) =>
    html`<tr><th scope="row">${at + 1}</th><td>${bytes(toHex(sibling))}</td><td>${side === 'left' ? 'both' : 'the newer'}</td><td>${bytes(toHex(oldHash))}</td><td>${bytes(toHex(newHash))}</td></tr>
`,
)}</tbody></table></div></details>
`
}
