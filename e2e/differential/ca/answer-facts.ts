/** What is compared of an answer of a certificate authority. */
import type { Answer } from '../exchange.ts'
import { type Facts, jsonFacts, outerFacts, shapeOf } from '../facts.ts'
import { pemForm } from '../pem-form.ts'
import { certificateFacts } from './certificate-facts.ts'

const pem = /-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n?/g

/** `spki` is the key of the request, where there was one. */
export async function answerFacts(
  answer: Answer,
  context: { readonly spki: Uint8Array | undefined; readonly logId: Uint8Array; readonly now: Date },
): Promise<Facts> {
  const { spki = new Uint8Array(), logId, now } = context
  return new Map([...outerFacts(answer), ...(await bodyFacts(answer, { spki, logId, now }))])
}

async function bodyFacts(
  answer: Answer,
  context: { readonly spki: Uint8Array; readonly logId: Uint8Array; readonly now: Date },
): Promise<[string, string][]> {
  const text = answer.body.toString('utf8')
  const pems = text.startsWith('-----BEGIN') ? (text.match(pem) ?? []) : []
  if (answer.status === 201) {
    const certificates = await certificateFacts(
      pems.map((each) => each.trimEnd()),
      context,
    )
    return [
      ['body text', text.replaceAll(pem, (each) => (each.endsWith('\n') ? '<PEM>\n' : '<PEM>'))],
      ...certificates,
    ]
  }
  if (pems.length > 0) return [['body text', text.replaceAll(pem, (each) => `<${pemForm(each)}>`)]]
  const json = parseJson(text)
  if (isIssued(json)) {
    const { certificates } = json.signedCertificateEmbeddedSct.chain
    return [
      ['body end', text.endsWith('\n') ? 'line feed' : 'none'],
      ['body shape', shapeOf(json)],
      ...(await certificateFacts(certificates, context)),
    ]
  }
  if (isConfiguration(json)) return [['body', JSON.stringify(sorted(json.issuers))]]
  return jsonFacts(answer, (value) => value.replaceAll(pem, (each) => `<${pemForm(each)}>`))
}

type Issued = { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } }

function isIssued(value: unknown): value is Issued {
  return typeof value === 'object' && value !== null && 'signedCertificateEmbeddedSct' in value
}

function isConfiguration(value: unknown): value is { issuers: { issuerUrl?: string }[] } {
  return typeof value === 'object' && value !== null && 'issuers' in value
}

/** Fulcio gives its issuers in a random order. */
function sorted(issuers: readonly { issuerUrl?: string }[]): readonly unknown[] {
  return issuers.toSorted((a, b) => (String(a.issuerUrl) < String(b.issuerUrl) ? -1 : 1))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
