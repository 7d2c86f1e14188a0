/** intoto 0.0.1: the hashes of a DSSE envelope, and the one key that verifies it. */
import {
  canonicalJson,
  isObject,
  memberAt,
  parseBase64,
  preAuthenticationEncoding,
  sha256Hex,
  utf8,
} from '@sigstack/crypto'
import { type Envelope, parseEnvelope } from '../dsse/envelope.ts'
import { inTotoPayloadType, statementDigests } from '../dsse/statement.ts'
import { keyDigests, thresholdNotMet } from '../dsse/verifier.ts'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt, sha256KeyAt } from '../hash-fields.ts'
import { type JsonObject, objectAt, parseBase64At, required, textAt } from '../json.ts'
import {
  type CanonicalKey,
  encodeCanonicalKey,
  keyContentLimit,
  parseCanonicalKey,
  storedVerifier,
  verifierOf,
  verifyCanonicalChain,
} from '../keys/canonical-key.ts'
import { createVerifier } from '../keys/checks.ts'
import { sshFingerprint } from '../keys/ssh/public-key.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'

export const intoto001: EntryVersion = { verify, factsOf, attestationKeyOf: payloadKeyOf }

async function verify(spec: JsonObject): Promise<Verified> {
  const content = objectAt(spec, 'content', 'content')
  const key = parseCanonicalKey(keyAt(spec))
  const envelopeText = memberAt(content, 'envelope')
  if (typeof envelopeText !== 'string' || envelopeText === '') throw withoutEnvelope(content)
  const envelope = parseEnvelope(envelopeText)
  await verifyEnvelope(envelope, key)
  if (envelope.payloadType === '' || envelope.payload.length === 0)
    throw new EntryError('not_insertable', 'entry not insertable into log: invalid DSSE envelope')
  const hash = sha256Hex(envelopeText.toWellFormed())
  const payloadHash = sha256Hex(envelope.payload)
  const verifier = verifierOf(key)
  return {
    body: encodeBody(hash, payloadHash, key),
    verifiers: [verifier],
    searchKeys: searchKeysOf({
      ...foundByVerifiers([verifier]),
      digests: [
        `sha256:${hash}`,
        ...keyDigests([verifier]),
        `sha256:${payloadHash}`,
        ...(envelope.payloadType === inTotoPayloadType ? statementDigests(envelope.payload) : []),
      ],
    }),
    attestation: { key: `sha256:${payloadHash}`, bytes: envelope.payload },
  }
}

/** Entries of old servers have no `payloadHash`. */
function factsOf(spec: JsonObject): EntryFacts {
  const content = objectAt(spec, 'content', 'content')
  const verifier = storedVerifier(keyAt(spec))
  return {
    verifiers: [verifier],
    searchKeys: searchKeysOf({
      ...foundByVerifiers([verifier]),
      digests: [
        hashKeyAt(content, 'hash', 'content.hash'),
        ...keyDigests([verifier]),
        ...(isObject(memberAt(content, 'payloadHash'))
          ? [hashKeyAt(content, 'payloadHash', 'content.payloadHash')]
          : []),
      ],
    }),
  }
}

export function payloadKeyOf(spec: JsonObject): string | undefined {
  const content = memberAt(spec, 'content')
  return isObject(content) ? sha256KeyAt(content, 'payloadHash') : undefined
}

function keyAt(spec: JsonObject): Uint8Array {
  return parseBase64At(textAt(spec, 'publicKey', 'publicKey'), 'publicKey', keyContentLimit)
}

/** A body of the log is a proposal of itself but for the envelope. */
function withoutEnvelope(content: JsonObject): EntryError {
  return isObject(memberAt(content, 'hash'))
    ? new EntryError('only_hash', 'entry not insertable into log: missing envelope content')
    : required('content.envelope')
}

async function verifyEnvelope(envelope: Envelope, key: CanonicalKey): Promise<void> {
  await verifyCanonicalChain(key)
  const isSignedBy = createVerifier('sha256', preAuthenticationEncoding(envelope))
  const fingerprint = sshFingerprint(key.publicKey)
  for (const { keyId, bytes } of envelope.signatures) {
    if (keyId !== '' && keyId !== fingerprint) continue
    if (await isSignedBy(key.publicKey, bytes)) return assertStandardBase64(envelope.payloadText)
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
