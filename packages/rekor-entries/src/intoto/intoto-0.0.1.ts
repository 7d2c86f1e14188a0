/** intoto 0.0.1: the hashes of a DSSE envelope, and the one key that verifies it. */
import { canonicalJson, parseBase64, sha256Hex, utf8 } from '@sigstack/crypto'
import { type Envelope, parseEnvelope, preAuthenticationEncoding } from '../dsse/envelope.ts'
import { inTotoPayloadType, statementSearchKeys } from '../dsse/statement.ts'
import { isSignedBy, keySearchKeys, thresholdNotMet } from '../dsse/verifier.ts'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt } from '../hash-fields.ts'
import { isObject, type JsonObject, memberOf, objectAt, parseBase64At, required, textAt } from '../json.ts'
import {
  type CanonicalKey,
  encodeCanonicalKey,
  keyContentLimit,
  parseCanonicalKey,
  verifyCanonicalChain,
} from '../keys/canonical-key.ts'
import { sshFingerprint } from '../keys/ssh/public-key.ts'
import type { EntryVersion } from '../kinds.ts'

export const intoto001 = { verify, searchKeysOf } satisfies EntryVersion

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const content = objectAt(spec, 'content', 'content')
  const key = parseKey(spec)
  const envelopeText = memberOf(content, 'envelope')
  if (typeof envelopeText !== 'string' || envelopeText === '') throw withoutEnvelope(content)
  const envelope = parseEnvelope(envelopeText)
  await verifyEnvelope(envelope, key)
  if (envelope.payloadType === '' || envelope.payload.length === 0)
    throw new EntryError('not_insertable', 'entry not insertable into log: invalid DSSE envelope')
  const hash = sha256Hex(envelopeText.toWellFormed())
  const payloadHash = sha256Hex(envelope.payload)
  return {
    kind: 'intoto',
    apiVersion: '0.0.1',
    body: encodeBody(hash, payloadHash, key),
    searchKeys: indexForm([
      `sha256:${hash}`,
      ...keySearchKeys(key),
      `sha256:${payloadHash}`,
      ...(envelope.payloadType === inTotoPayloadType ? statementSearchKeys(envelope.payload) : []),
    ]),
    attestation: { key: `sha256:${payloadHash}`, bytes: envelope.payload },
  }
}

/** Entries of old servers have no `payloadHash`. */
function searchKeysOf(spec: JsonObject): readonly string[] {
  const content = objectAt(spec, 'content', 'content')
  return indexForm([
    hashKeyAt(content, 'hash', 'content.hash'),
    ...keySearchKeys(parseKey(spec)),
    ...(isObject(memberOf(content, 'payloadHash'))
      ? [hashKeyAt(content, 'payloadHash', 'content.payloadHash')]
      : []),
  ])
}

function parseKey(spec: JsonObject): CanonicalKey {
  return parseCanonicalKey(
    parseBase64At(textAt(spec, 'publicKey', 'publicKey'), 'publicKey', keyContentLimit),
  )
}

/** A body of the log is a proposal of itself but for the envelope. */
function withoutEnvelope(content: JsonObject): EntryError {
  return isObject(memberOf(content, 'hash'))
    ? new EntryError('not_insertable', 'entry not insertable into log: missing envelope content')
    : required('content.envelope')
}

async function verifyEnvelope(envelope: Envelope, key: CanonicalKey): Promise<void> {
  await verifyCanonicalChain(key)
  const message = preAuthenticationEncoding(envelope)
  const fingerprint = sshFingerprint(key.publicKey)
  for (const { keyId, bytes } of envelope.signatures) {
    if (keyId !== '' && keyId !== fingerprint) continue
    if (await isSignedBy(key, message, bytes)) return assertStandardBase64(envelope.payloadText)
  }
  throw new EntryError('envelope_not_verified', thresholdNotMet)
}

/** DSSE allows the URL alphabet; this kind does not, for the payload. */
export function assertStandardBase64(payloadText: string): void {
  try {
    parseBase64(payloadText)
  } catch (cause) {
    throw new EntryError('bad_envelope', 'could not decode envelope payload: illegal base64 data', { cause })
  }
}

function encodeBody(hash: string, payloadHash: string, key: CanonicalKey): Uint8Array {
  const sha256 = (value: string) => ({ algorithm: 'sha256', value })
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'intoto',
      spec: {
        content: { hash: sha256(hash), payloadHash: sha256(payloadHash) },
        publicKey: encodeCanonicalKey(key),
      },
    }),
  )
}
