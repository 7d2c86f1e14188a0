/** dsse 0.0.1: the hashes and signatures of a DSSE envelope, which itself is not kept. */
import { canonicalJson, sha256Hex, utf8 } from '@sigstack/crypto'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt } from '../hash-fields.ts'
import { isList, isObject, type JsonObject, memberOf, required, textAt } from '../json.ts'
import { type CanonicalKey, encodeCanonicalKey, verifyCanonicalChain } from '../keys/canonical-key.ts'
import type { EntryVersion } from '../kinds.ts'
import { type Envelope, parseEnvelope, preAuthenticationEncoding, signatureLimit } from './envelope.ts'
import { inTotoPayloadType, statementSearchKeys } from './statement.ts'
import { isSignedBy, keySearchKeys, parseVerifier, thresholdNotMet } from './verifier.ts'

export const dsse001 = { verify, searchKeysOf } satisfies EntryVersion

type Signed = { readonly signature: string; readonly key: CanonicalKey }

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const content = proposedContent(spec)
  const envelopeText = textAt(content, 'envelope', 'proposedContent.envelope')
  const verifiers = parseVerifiers(content)
  const envelope = parseEnvelope(envelopeText)
  const signed = await verifyEnvelope(envelope, verifiers)
  const envelopeHash = sha256Hex(envelopeText.toWellFormed())
  const payloadHash = sha256Hex(envelope.payload)
  return {
    kind: 'dsse',
    apiVersion: '0.0.1',
    body: encodeBody(envelopeHash, payloadHash, signed),
    searchKeys: indexForm([
      ...signed.flatMap(({ key }) => keySearchKeys(key)),
      `sha256:${payloadHash}`,
      `sha256:${envelopeHash}`,
      ...(envelope.payloadType === inTotoPayloadType ? statementSearchKeys(envelope.payload) : []),
    ]),
  }
}

/** The search keys of a stored `spec`. Subjects and materials of a statement are missing: the body does not hold them. */
function searchKeysOf(spec: JsonObject): readonly string[] {
  const signatures = memberOf(spec, 'signatures')
  if (!isList(signatures)) throw required('signatures')
  const keys = signatures.flatMap((signature) => {
    if (!isObject(signature)) throw required('signatures.verifier')
    return keySearchKeys(parseVerifier(memberOf(signature, 'verifier'), 'signatures.verifier'))
  })
  return indexForm([
    ...keys,
    hashKeyAt(spec, 'payloadHash', 'payloadHash'),
    hashKeyAt(spec, 'envelopeHash', 'envelopeHash'),
  ])
}

function proposedContent(spec: JsonObject): JsonObject {
  const content = memberOf(spec, 'proposedContent')
  const signatures = memberOf(spec, 'signatures')
  const computed = [
    isObject(memberOf(spec, 'envelopeHash')),
    isObject(memberOf(spec, 'payloadHash')),
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
  const verifiers = memberOf(content, 'verifiers')
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

/** Each signature with the key that verified it. Where several did, the last one counts. */
async function verifyEnvelope(envelope: Envelope, verifiers: readonly unknown[]): Promise<readonly Signed[]> {
  const message = preAuthenticationEncoding(envelope)
  const keyOfSignature = new Map<string, CanonicalKey>()
  for (const [i, content] of verifiers.entries()) {
    if (keyOfSignature.size === envelope.signatures.length) break
    const key = parseVerifier(content, `proposedContent.verifiers.${i}`)
    await verifyCanonicalChain(key)
    let found = 0
    for (const { text, bytes } of envelope.signatures) {
      if (!(await isSignedBy(key, message, bytes))) continue
      keyOfSignature.set(text, key)
      found++
    }
    if (found === 0)
      throw new EntryError('envelope_not_verified', `could not verify envelope: ${thresholdNotMet}`)
  }
  if (keyOfSignature.size < envelope.signatures.length)
    throw new EntryError('envelope_not_verified', 'all signatures must have a key that verifies it')
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
