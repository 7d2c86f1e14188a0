/**
 * intoto 0.0.2: a DSSE envelope without its payload, each signature with its key. Payload and signatures are base64 twice: the
 * outer one is that of the API, the inner one the text of DSSE. Here "text" always means the inner one.
 */
import { asBuffer, canonicalJson, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { parseEitherBase64, preAuthenticationEncoding, signatureLimit } from '../dsse/envelope.ts'
import { inTotoPayloadType, statementSearchKeys } from '../dsse/statement.ts'
import { isSignedBy, keySearchKeys, parseVerifier, thresholdNotMet } from '../dsse/verifier.ts'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt, parseSha256 } from '../hash-fields.ts'
import {
  isList,
  isObject,
  type JsonObject,
  memberOf,
  objectAt,
  parseBase64At,
  required,
  textAt,
} from '../json.ts'
import { type CanonicalKey, keyContentLimit, verifyCanonicalChain } from '../keys/canonical-key.ts'
import type { EntryVersion } from '../kinds.ts'
import { assertStandardBase64 } from './intoto-0.0.1.ts'

export const intoto002 = { verify, searchKeysOf } satisfies EntryVersion

type Signature = {
  /** Plays no part but is logged. */
  readonly keyId: string
  readonly text: string
  readonly bytes: Uint8Array
  /** As sent: this kind does not log the canonical form. */
  readonly keyContent: string
  readonly key: CanonicalKey
}

/** base64 twice of a signature by the largest RSA key. */
const signatureTextLimit = 12_000
/** Of what is logged as it was sent, and signed by nobody. */
const labelLimit = 1024

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const content = objectOrEmpty(spec, 'content')
  const envelope = objectOrEmpty(content, 'envelope')
  const payloadType = labelOf(envelope, 'payloadType', 'content.envelope.payloadType')
  if (payloadType === '') throw required('content.envelope.payloadType')
  const signatures = parseSignatures(envelope)
  const payloadText = memberOf(envelope, 'payload')
  if (typeof payloadText !== 'string' || payloadText === '')
    throw new EntryError('not_insertable', 'entry not insertable into log: missing envelope content')
  const payload = parsePayload(payloadText)
  await verifySignatures(signatures, preAuthenticationEncoding({ payloadType, payload }))
  const hash = parseHash(content)
  const payloadHash = sha256Hex(payload)
  return {
    kind: 'intoto',
    apiVersion: '0.0.2',
    body: encodeBody(payloadType, signatures, hash, payloadHash),
    searchKeys: indexForm([
      ...signatures.flatMap(({ key }) => keySearchKeys(key)),
      `sha256:${payloadHash}`,
      ...(payloadType === inTotoPayloadType ? statementSearchKeys(payload) : []),
    ]),
    attestation: { key: `sha256:${payloadHash}`, bytes: payload },
  }
}

function searchKeysOf(spec: JsonObject): readonly string[] {
  const content = objectAt(spec, 'content', 'content')
  const signatures = memberOf(objectAt(content, 'envelope', 'content.envelope'), 'signatures')
  if (!isList(signatures)) throw required('content.envelope.signatures')
  const keys = signatures.flatMap((signature, i) => {
    const path = `content.envelope.signatures.${i}.publicKey`
    if (!isObject(signature)) throw required(path)
    return keySearchKeys(parseVerifier(memberOf(signature, 'publicKey'), path))
  })
  return indexForm([...keys, hashKeyAt(content, 'payloadHash', 'content.payloadHash')])
}

/** What is missing is told by the first member inside it, as Rekor does. */
function objectOrEmpty(object: JsonObject, name: string): JsonObject {
  const value = memberOf(object, name)
  return isObject(value) ? value : {}
}

function parseSignatures(envelope: JsonObject): readonly Signature[] {
  const path = 'content.envelope.signatures'
  const list = memberOf(envelope, 'signatures')
  if (!isList(list)) throw required(path)
  if (list.length === 0) throw new EntryError('bad_field', `${path} in body should have at least 1 items`)
  if (list.length > signatureLimit)
    throw new EntryError('bad_field', `${path} in body should have at most ${signatureLimit} items`)
  return list.map((item, i) => {
    if (!isObject(item)) throw required(`${path}.${i}`)
    return parseSignature(item, `${path}.${i}`)
  })
}

function parseSignature(item: JsonObject, path: string): Signature {
  const text = innerText(textAt(item, 'sig', `${path}.sig`), `${path}.sig`, signatureTextLimit)
  const keyContent = textAt(item, 'publicKey', `${path}.publicKey`)
  return {
    keyId: labelOf(item, 'keyid', `${path}.keyid`),
    text,
    bytes: parseEitherBase64(text, 'signature'),
    keyContent: toBase64(parseBase64At(keyContent, `${path}.publicKey`, keyContentLimit)),
    key: parseVerifier(keyContent, `${path}.publicKey`),
  }
}

function parsePayload(content: string): Uint8Array {
  const text = innerText(content, 'content.envelope.payload', Number.MAX_SAFE_INTEGER)
  const payload = parseEitherBase64(text, 'payload')
  assertStandardBase64(text)
  if (payload.length === 0)
    throw new EntryError('not_insertable', 'entry not insertable into log: missing envelope content')
  return payload
}

function innerText(content: string, path: string, limit: number): string {
  return asBuffer(parseBase64At(content, path, limit)).toString('latin1')
}

function labelOf(object: JsonObject, name: string, path: string): string {
  const label = memberOf(object, name)
  if (typeof label !== 'string') return ''
  if (label.length > labelLimit)
    throw new EntryError('bad_field', `${path} in body should be at most ${labelLimit} chars long`)
  return label.toWellFormed()
}

/** Clients differ in what they hash, so it cannot be checked; only that it is a hash. */
function parseHash(content: JsonObject): string {
  const hash = memberOf(content, 'hash')
  if (!isObject(hash)) throw new EntryError('bad_field', 'missing envelope digest')
  return parseSha256(hash, 'content.hash')
}

/** Each key has verified a signature, and each signature has been verified. */
async function verifySignatures(signatures: readonly Signature[], message: Uint8Array): Promise<void> {
  const texts = new Map(signatures.map(({ text, bytes }) => [text, bytes]))
  const keys = new Map(signatures.map(({ key }) => [key.pem, key]))
  const verified = new Set<string>()
  for (const key of keys.values()) {
    await verifyCanonicalChain(key)
    let found = 0
    for (const [text, bytes] of texts) {
      if (!(await isSignedBy(key, message, bytes))) continue
      verified.add(text)
      found++
    }
    if (found === 0)
      throw new EntryError('envelope_not_verified', `could not verify envelope: ${thresholdNotMet}`)
  }
  if (verified.size < texts.size)
    throw new EntryError('envelope_not_verified', 'all signatures must have a key that verifies it')
}

function encodeBody(
  payloadType: string,
  signatures: readonly Signature[],
  hash: string,
  payloadHash: string,
): Uint8Array {
  const logged = signatures.map(({ keyId, text, keyContent }) => ({
    ...(keyId === '' ? {} : { keyid: keyId }),
    publicKey: keyContent,
    sig: toBase64(Buffer.from(text, 'latin1')),
  }))
  return utf8(
    canonicalJson({
      apiVersion: '0.0.2',
      kind: 'intoto',
      spec: {
        content: {
          envelope: { payloadType, signatures: logged },
          hash: { algorithm: 'sha256', value: hash },
          payloadHash: { algorithm: 'sha256', value: payloadHash },
        },
      },
    }),
  )
}
