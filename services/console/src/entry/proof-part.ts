/** The proof that an entry is in the log: drawn, as a table, and with what a browser needs to check it itself. */
import { toBase64, toHex } from '@sigstack/crypto'
import type { Hash, InclusionStep } from '@sigstack/merkle'
import { type Html, html } from '../html/html.ts'
import { bytes } from '../html/page.ts'
import type { EntryProof } from '../sources/rekor.ts'
import { drawProof } from './proof-drawing.ts'

export type ShownProof = {
  readonly proof: EntryProof
  readonly leaf: Hash
  /** Undefined where the proof leads nowhere. */
  readonly steps?: readonly InclusionStep[]
  /** DER of the log's key, and how its lines are marked in a checkpoint. Undefined where it is not trusted. */
  readonly key?: { readonly spki: Uint8Array; readonly hint: Uint8Array }
  /** Where a browser gets the bytes of the leaf; undefined where readers do not see them. */
  readonly bytesAt?: string
}

export function proofPart({ proof, leaf, steps, key, bytesAt }: ShownProof): Html {
  // What a browser checks is what is read here.
  return html`<section aria-labelledby="proof" id="proof-part" data-leaf-index="${proof.leafIndex}" data-tree-size="${proof.treeSize}" data-root="${toHex(proof.rootHash)}"${key !== undefined && html` data-log-key="${toBase64(key.spki)}" data-key-hint="${toHex(key.hint)}"`}${bytesAt !== undefined && html` data-body="${bytesAt}"`}>
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
