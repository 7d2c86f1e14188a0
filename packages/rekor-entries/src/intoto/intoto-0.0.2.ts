/**
 * intoto 0.0.2: a DSSE envelope without its payload, each signature with its key. Payload and signatures are base64 twice: the
 * outer one is that of the API, the inner one the text of DSSE. Here "text" always means the inner one.
 */
import {
  asBuffer,
  canonicalJson,
  isObject,
  memberAt,
  preAuthenticationEncoding,
  sha256Hex,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import { parseEitherBase64, signatureLimit } from '../dsse/envelope.ts'
import { inTotoPayloadType, statementDigests } from '../dsse/statement.ts'
import { keyDigests, parseStoredVerifier, parseVerifier, thresholdNotMet } from '../dsse/verifier.ts'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt, parseSha256 } from '../hash-fields.ts'
import { isList, type JsonObject, objectAt, parseBase64At, required, textAt } from '../json.ts'
import {
  type CanonicalKey,
  encodeCanonicalKey,
  keyContentLimit,
  verifierOf,
  verifyCanonicalChain,
} from '../keys/canonical-key.ts'
import { createVerifier } from '../keys/checks.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'
import { assertStandardBase64, payloadKeyOf } from './intoto-0.0.1.ts'

export const intoto002: EntryVersion = { verify, factsOf, attestationKeyOf: payloadKeyOf }

type Signature = {
  /** Plays no part but is logged. */
  readonly keyId: string
  readonly text: string
  readonly bytes: Uint8Array
  readonly key: CanonicalKey
  /** base64 of its PEM as it is logged. */
  readonly keyContent: string
}

/** base64 twice of a signature by the largest RSA key. */
const signatureTextLimit = 12_000
/** Of what is logged as it was sent, and signed by nobody. */
const labelLimit = 1024

async function verify(spec: JsonObject): Promise<Verified> {
  const content = objectOrEmpty(spec, 'content')
  const envelope = objectOrEmpty(content, 'envelope')
  const payloadType = labelOf(envelope, 'payloadType', 'content.envelope.payloadType')
  if (payloadType === '') throw required('content.envelope.payloadType')
  const signatures = parseSignatures(envelope)
  const payloadText = memberAt(envelope, 'payload')
  if (typeof payloadText !== 'string' || payloadText === '')
    throw new EntryError('not_insertable', 'entry not insertable into log: missing envelope content')
  const payload = parsePayload(payloadText)
  await verifySignatures(signatures, preAuthenticationEncoding({ payloadType, payload }))
  const hash = parseHash(content)
  const payloadHash = sha256Hex(payload)
  const verifiers = signatures.map(({ key }) => verifierOf(key))
  return {
    body: encodeBody(payloadType, signatures, hash, payloadHash),
    verifiers,
    searchKeys: searchKeysOf({
      ...foundByVerifiers(verifiers),
      digests: [
        ...keyDigests(verifiers),
        `sha256:${payloadHash}`,
        ...(payloadType === inTotoPayloadType ? statementDigests(payload) : []),
      ],
    }),
    attestation: { key: `sha256:${payloadHash}`, bytes: payload },
  }
}

function factsOf(spec: JsonObject): EntryFacts {
  const content = objectAt(spec, 'content', 'content')
  const signatures = memberAt(objectAt(content, 'envelope', 'content.envelope'), 'signatures')
  if (!isList(signatures)) throw required('content.envelope.signatures')
  const verifiers = signatures.map((signature, i) => {
    const path = `content.envelope.signatures.${i}.publicKey`
    if (!isObject(signature)) throw required(path)
    return parseStoredVerifier(memberAt(signature, 'publicKey'), path)
  })
  const digests = [...keyDigests(verifiers), hashKeyAt(content, 'payloadHash', 'content.payloadHash')]
  return { verifiers, searchKeys: searchKeysOf({ ...foundByVerifiers(verifiers), digests }) }
}

/** What is missing is told by the first member inside it, as Rekor does. */
function objectOrEmpty(object: JsonObject, name: string): JsonObject {
  const value = memberAt(object, name)
  return isObject(value) ? value : {}
}

function parseSignatures(envelope: JsonObject): readonly Signature[] {
  const path = 'content.envelope.signatures'
  const list = memberAt(envelope, 'signatures')
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
  const key = parseVerifier(keyContent, `${path}.publicKey`)
  return {
    keyId: labelOf(item, 'keyid', `${path}.keyid`),
    text,
    bytes: parseEitherBase64(text, 'signature'),
    key,
    keyContent: loggedKey(key, parseBase64At(keyContent, `${path}.publicKey`, keyContentLimit)),
  }
}

/** Some clients leave out the last line feed, and look for that very form; any other is logged in the canonical one. */
function loggedKey(key: CanonicalKey, sent: Uint8Array): string {
  const withoutLineFeed = Buffer.from(key.pem.slice(0, -1), 'latin1')
  return withoutLineFeed.equals(sent) ? toBase64(withoutLineFeed) : encodeCanonicalKey(key)
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
  const label = memberAt(object, name)
  if (typeof label !== 'string') return ''
  if (label.length > labelLimit)
    throw new EntryError('bad_field', `${path} in body should be at most ${labelLimit} chars long`)
  return label.toWellFormed()
}

/** Clients differ in what they hash, so it cannot be checked; only that it is a hash. */
function parseHash(content: JsonObject): string {
  const hash = memberAt(content, 'hash')
  if (!isObject(hash)) throw new EntryError('bad_field', 'missing envelope digest')
  return parseSha256(hash, 'content.hash')
}

/** Each signature by the key beside it, since that is what the entry will say. */
async function verifySignatures(signatures: readonly Signature[], message: Uint8Array): Promise<void> {
  const isSignedBy = createVerifier('sha256', message)
  for (const { key, bytes } of signatures) {
    await verifyCanonicalChain(key)
    if (!(await isSignedBy(key.publicKey, bytes)))
      throw new EntryError('envelope_not_verified', `could not verify envelope: ${thresholdNotMet}`)
  }
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
