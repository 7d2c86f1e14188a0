/** The words with which the page of an entry begins. */
import { type Html, html } from '../html/html.ts'
import type { EntryBody } from './body.ts'
import type { ShownStatement } from './statement.ts'

export function signerWords({ signers: [signer] }: EntryBody): Html {
  const [subject] = signer?.subjects ?? []
  if (subject !== undefined) return identityWords(subject, signer?.tokenIssuer)
  return signer === undefined
    ? html`Somebody`
    : html`The holder of the key <strong>${signer.keyHash.slice(0, 16)}…</strong>`
}

export function identityWords(subject: string, tokenIssuer: string | undefined): Html {
  return html`<strong>${subject}</strong>${tokenIssuer !== undefined && html`, as vouched for by <strong>${tokenIssuer}</strong>,`}`
}

export function artifactWords({ digests: [digest] }: EntryBody, statement?: ShownStatement): Html {
  const name = statement?.subjects[0]?.name
  if (statement !== undefined && name !== undefined && name !== '') {
    const more = statement.subjects.length - 1 + statement.moreSubjects
    return html`a statement about <strong>${name}</strong>${more > 0 && html` and ${more} more`}`
  }
  return digest === undefined
    ? html`what this entry holds`
    : html`an artifact with the digest <strong>${digest.slice(0, 23)}…</strong>`
}
