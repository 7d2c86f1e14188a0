/** dsse 0.0.1: the hashes and signatures of a DSSE envelope, which itself is not kept. */
import {
  canonicalJson,
  isObject,
  memberAt,
  preAuthenticationEncoding,
  sha256Hex,
  utf8,
} from '@sigstack/crypto'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt } from '../hash-fields.ts'
import { isList, type JsonObject, required, textAt } from '../json.ts'
import { type CanonicalKey, encodeCanonicalKey, verifierOf } from '../keys/canonical-key.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'
import { type Envelope, parseEnvelope, signatureLimit } from './envelope.ts'
import { matchSignatures } from './match-signatures.ts'
import { inTotoPayloadType, statementDigests } from './statement.ts'
import { keyDigests, parseStoredVerifier, parseVerifier } from './verifier.ts'

export const dsse001: EntryVersion = { verify, factsOf }

type Signed = { readonly signature: string; readonly key: CanonicalKey }

async function verify(spec: JsonObject): Promise<Verified> {
  const content = proposedContent(spec)
  const envelopeText = textAt(content, 'envelope', 'proposedContent.envelope')
  const proposed = parseVerifiers(content)
  const envelope = parseEnvelope(envelopeText)
  const signed = await verifyEnvelope(envelope, proposed)
  const envelopeHash = sha256Hex(envelopeText.toWellFormed())
  const payloadHash = sha256Hex(envelope.payload)
  const verifiers = signed.map(({ key }) => verifierOf(key))
  return {
    body: encodeBody(envelopeHash, payloadHash, signed),
    verifiers,
    searchKeys: searchKeysOf({
      ...foundByVerifiers(verifiers),
      digests: [
        ...keyDigests(verifiers),
        `sha256:${payloadHash}`,
        `sha256:${envelopeHash}`,
        ...(envelope.payloadType === inTotoPayloadType ? statementDigests(envelope.payload) : []),
      ],
    }),
  }
}

/** Subjects and materials of a statement are missing: the body does not hold them. */
function factsOf(spec: JsonObject): EntryFacts {
  const signatures = memberAt(spec, 'signatures')
  if (!isList(signatures)) throw required('signatures')
  const verifiers = signatures.map((signature) => {
    if (!isObject(signature)) throw required('signatures.verifier')
    return parseStoredVerifier(memberAt(signature, 'verifier'), 'signatures.verifier')
  })
  const digests = [
    ...keyDigests(verifiers),
    hashKeyAt(spec, 'payloadHash', 'payloadHash'),
    hashKeyAt(spec, 'envelopeHash', 'envelopeHash'),
  ]
  return { verifiers, searchKeys: searchKeysOf({ ...foundByVerifiers(verifiers), digests }) }
}

function proposedContent(spec: JsonObject): JsonObject {
  const content = memberAt(spec, 'proposedContent')
  const signatures = memberAt(spec, 'signatures')
  const computed = [
    isObject(memberAt(spec, 'envelopeHash')),
    isObject(memberAt(spec, 'payloadHash')),
    isList(signatures) && signatures.length > 0,
  ]
  if (isObject(content) && !computed.includes(true)) return content
  if (!isObject(content) && !computed.includes(false))
    throw new EntryError('not_insertable', 'entry not insertable into log: missing proposed content')
  throw new EntryError(
    'bad_field',
    'either proposedContent or envelopeHash, payloadHash, and signatures must be present but not both',
  )
}

function parseVerifiers(content: JsonObject): readonly unknown[] {
  const verifiers = memberAt(content, 'verifiers')
  if (!isList(verifiers)) throw required('proposedContent.verifiers')
  if (verifiers.length === 0)
    throw new EntryError('bad_field', 'proposedContent.verifiers in body should have at least 1 items')
  if (verifiers.length > signatureLimit)
    throw new EntryError(
      'bad_field',
      `proposedContent.verifiers in body should have at most ${signatureLimit} items`,
    )
  return verifiers
}

/** Each signature with the key that verified it. */
async function verifyEnvelope(envelope: Envelope, verifiers: readonly unknown[]): Promise<readonly Signed[]> {
  const keyOfSignature = await matchSignatures({
    signatures: new Map(envelope.signatures.map(({ text, bytes }) => [text, bytes])),
    message: preAuthenticationEncoding(envelope),
    keyCount: verifiers.length,
    keyAt: (position) => parseVerifier(verifiers[position], `proposedContent.verifiers.${position}`),
  })
  return [...keyOfSignature]
    .map(([signature, key]) => ({ signature, key }))
    .sort((a, b) => (a.signature < b.signature ? -1 : 1))
}

/** The signature texts come from outside and may hold line breaks, so this body is encoded with escaping. */
function encodeBody(envelopeHash: string, payloadHash: string, signed: readonly Signed[]): Uint8Array {
  const hash = (value: string) => ({ algorithm: 'sha256', value })
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: hash(envelopeHash),
        payloadHash: hash(payloadHash),
        signatures: signed.map(({ signature, key }) => ({ signature, verifier: encodeCanonicalKey(key) })),
      },
    }),
  )
}
