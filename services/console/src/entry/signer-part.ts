/** Who signed: the certificate in words, or the key. */
import { type Html, html } from '../html/html.ts'
import { bytes } from '../html/page.ts'
import type { EntryBody } from './body.ts'
import { type CertificateWords, keyWords } from './certificate.ts'

/** The first signer of an entry; `certificate` is theirs. */
export function signerPart({ signers }: EntryBody, certificate: CertificateWords | undefined): Html {
  const [signer] = signers
  if (signer === undefined) return html``
  const more = signers.length - 1
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
${certificateFacts(certificate)}<p><a href="/search?q=${encodeURIComponent(signer.subjects[0] ?? '')}">Other entries by this name</a> · <a href="/search?q=${certificate.serial}&amp;as=serial">by this certificate</a></p>${also}</section>
`
}

/** The certificate in words, after what is unusual in it. */
export function certificateFacts({ warnings, rows }: CertificateWords): Html {
  return html`${warnings.map(
    (warning) => html`<p class="warning">${warning}</p>
`,
  )}<dl class="facts">
${rows.map(
  ({ name, value, href }) =>
    html`<dt>${name}</dt><dd>${href === undefined ? value : html`<a href="${href}" rel="noreferrer">${value}</a>`}</dd>
`,
)}</dl>
`
}
