/** A bundle and a file, or its digest: the question, and the answer with each check. */
import { checkRow } from '../entry/check-part.ts'
import { type Html, html } from '../html/html.ts'
import type { Question, Verdict } from './verify.ts'

export const largestBundle = 4 * 1024 * 1024

export function verifyPart(question: Question, verdict: Verdict | undefined): Html {
  const { bundle, digest, identity, issuer, key } = question
  return html`<h1>Verify a file</h1>
${verdict !== undefined && verdictPart(verdict)}<form class="verify" action="/verify" method="post">
<p>The bundle is sent to this server, which checks it and keeps nothing; of the file only the digest is sent.</p>
<div class="field"><label for="bundle">Bundle (…sigstore.json)</label><input id="bundle-file" type="file" aria-label="Choose the bundle" hidden>
<textarea id="bundle" name="bundle" rows="6" spellcheck="false" required>${bundle}</textarea></div>
<div class="field"><label for="digest">SHA-256 of the file</label><input id="artifact-file" type="file" aria-label="Choose the file, to hash it here" hidden>
<input id="digest" name="digest" type="text" value="${digest}" spellcheck="false" autocomplete="off" required>
<p id="digest-state" role="status" class="quiet"></p></div>
<div class="field"><label for="identity">Who must have signed (as it stands in the certificate)</label><input id="identity" name="identity" type="text" value="${identity}" autocomplete="off"></div>
<div class="field"><label for="issuer">Who must vouch for them (the identity provider)</label><input id="issuer" name="issuer" type="text" value="${issuer}" autocomplete="off"></div>
<details${key !== '' && html` open`}><summary>It was signed with a key</summary><div class="field"><label for="key">Public key (PEM)</label><textarea id="key" name="key" rows="4" spellcheck="false">${key}</textarea></div></details>
<button>Verify</button>
</form>
<section aria-labelledby="self"><h2 id="self">Without this page</h2>
<pre class="command" tabindex="0">sigstack verify-blob FILE --bundle FILE.sigstore.json --certificate-identity WHO --certificate-oidc-issuer ISSUER</pre></section>
`
}

const words = { verified: ['✓', 'Verified'], signed: ['–', 'Signed'], failed: ['✗', 'Not verified'] } as const

function verdictPart({ state, says, advice, certificate, checks }: Verdict): Html {
  const [mark, word] = words[state]
  return html`<section class="verdict ${state}" aria-labelledby="verdict"><h2 id="verdict"><span aria-hidden="true">${mark}</span> ${word}</h2>
<p class="sentence">${says}${advice !== undefined && html` ${advice}`}</p>
${
  checks.length > 0 &&
  html`<table class="checks"><caption class="unseen">Checks of the bundle</caption><thead><tr><th scope="col">By this server</th><th scope="col">What</th></tr></thead><tbody>
${checks.map((check) => checkRow(check, false))}</tbody></table>
`
}${
  certificate !== undefined &&
  html`<details><summary>The certificate</summary><dl class="facts">${certificate.rows.map(({ name, value }) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></details>
`
}</section>
`
}
