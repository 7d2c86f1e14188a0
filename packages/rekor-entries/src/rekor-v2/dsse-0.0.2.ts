/**
 * Envelopes that clients send as `dsseRequestV002` (rekor-v2.md sections 3.4 and 4.3). The entry is a hashedrekord over the envelope's
 * encoding, which every current verifier takes; or, for readers of before June 2026, a dsse 0.0.2.
 */
import {
  digest,
  equalBytes,
  isObject,
  memberAt,
  preAuthenticationEncoding,
  type SignatureAlgorithm,
  sha256,
  toBase64,
  toHex,
  utf8,
} from '@sigstack/crypto'
import { inTotoPayloadType, statementDigests } from '../dsse/statement.ts'
import type { EntryFacts, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { isList, type JsonObject, objectAt, parseBase64At, required, textAt } from '../json.ts'
import { verifierOf } from '../keys/canonical-key.ts'
import { verifySignature } from '../keys/checks.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'
import type { Verifier } from '../verifier.ts'
import { hashAt, hashedRekordEntry } from './hashedrekord-0.0.2.ts'
import { hashNames } from './key-details.ts'
import type { DsseRequest } from './request.ts'
import {
  assertSigned,
  encodeVerifier,
  isSigned,
  type KnownKey,
  readKey,
  readVerifierKey,
} from './signed-digest.ts'
import { storedVerifierAt } from './stored-verifier.ts'

const mostVerifiers = 10

/** An envelope with one signature, logged as its digest. */
export async function convertDsse(
  request: DsseRequest,
  allowed: readonly SignatureAlgorithm[],
): Promise<Verified> {
  const [signature] = assertCounts(request)
  if (request.signatures.length > 1)
    throw new EntryError('bad_field', 'this log takes envelopes with one signature')
  const encoding = preAuthenticationEncoding(request)
  const keys = request.verifiers.map((message) => readKey(message, allowed))
  const [known] = keys
  // More keys than the one signature has makers: none of the others can have verified anything.
  if (known === undefined || keys.length > 1)
    throw new EntryError('bad_field', 'an envelope with one signature has one verifier')
  const hashed = digest(known.hash, encoding)
  await assertSigned(known, hashed, signature)
  const entry = hashedRekordEntry(known, hashed, signature)
  return { ...entry, tellsLess: true, searchKeys: [...new Set([...entry.searchKeys, ...digestsOf(request)])] }
}

/** An envelope with up to ten signatures, logged as one. */
export async function logDsse(
  request: DsseRequest,
  allowed: readonly SignatureAlgorithm[],
): Promise<Verified> {
  const signatures = assertCounts(request)
  const encoding = preAuthenticationEncoding(request)
  const keys = request.verifiers.map((message) => readEnvelopeKey(message, allowed))
  const made = new Map<Uint8Array, EnvelopeKey>()
  for (const known of keys) {
    if (made.size === signatures.length) break
    const before = made.size
    for (const signature of signatures)
      if (!made.has(signature) && (await known.signs(encoding, signature))) made.set(signature, known)
    if (made.size === before)
      throw new EntryError('envelope_not_verified', 'a verifier verifies none of the signatures')
  }
  if (made.size < signatures.length)
    throw new EntryError('envelope_not_verified', 'a signature is verified by none of the verifiers')
  const sorted = [...made].toSorted(([a], [b]) => Buffer.compare(a, b))
  const payloadHash = sha256(request.payload)
  const verifiers = sorted.map(([, { verifier }]) => verifier)
  const signed = sorted.map(
    ([signature, { encoded }]) => `{"content":"${toBase64(signature)}","verifier":${encoded}}`,
  )
  return {
    body: utf8(
      `{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"${hashNames.sha256}",` +
        `"digest":"${toBase64(payloadHash)}"},"signatures":[${signed.join(',')}]}}}`,
    ),
    verifiers,
    searchKeys: searchKeysOf({ ...foundByVerifiers(verifiers), digests: digestsOf(request) }),
  }
}

export function dsseFacts(spec: JsonObject): EntryFacts {
  const entry = objectAt(spec, 'dsseV002', 'dsseV002')
  const payloadHash = objectAt(entry, 'payloadHash', 'payloadHash')
  const hash = hashAt(payloadHash, 'payloadHash.algorithm')
  const hashed = parseBase64At(textAt(payloadHash, 'digest', 'payloadHash.digest'), 'payloadHash.digest', 200)
  const signatures = memberAt(entry, 'signatures')
  if (!isList(signatures)) throw required('signatures')
  const verifiers = signatures.map((signature) => {
    if (!isObject(signature)) throw required('signatures.verifier')
    return storedVerifierAt(signature, 'signatures.verifier')
  })
  const digests = [`${hash}:${toHex(hashed)}`]
  return { verifiers, searchKeys: searchKeysOf({ ...foundByVerifiers(verifiers), digests }) }
}

/** What an envelope is about, which its entry does not say. */
function digestsOf({ payload, payloadType }: DsseRequest): readonly string[] {
  const own = [`sha256:${toHex(sha256(payload))}`]
  return payloadType === inTotoPayloadType
    ? searchKeysOf({ digests: [...own, ...statementDigests(payload)] })
    : own
}

function assertCounts({ signatures, verifiers }: DsseRequest): readonly [Uint8Array, ...Uint8Array[]] {
  const [first, ...others] = signatures
  if (first === undefined) throw new EntryError('bad_envelope', 'the envelope has no signature')
  if (signatures.length > mostVerifiers || verifiers.length > mostVerifiers)
    throw new EntryError('bad_field', `more than ${mostVerifiers} signatures or verifiers`)
  if (verifiers.length === 0) throw new EntryError('bad_field', 'missing verifiers')
  if (signatures.some(({ length }) => length === 0))
    throw new EntryError('bad_envelope', 'the envelope has an empty signature')
  if (hasRepeated(verifiers.map(({ key }) => key?.rawBytes ?? new Uint8Array())))
    throw new EntryError('bad_field', 'a verifier is there twice')
  return [first, ...others]
}

function hasRepeated(all: readonly Uint8Array[]): boolean {
  return all.some((one, at) => all.slice(0, at).some((other) => equalBytes(one, other)))
}

type EnvelopeKey = {
  readonly verifier: Verifier
  /** In the body. */
  readonly encoded: string
  signs(encoding: Uint8Array, signature: Uint8Array): Promise<boolean>
}

/** As those of a hashedrekord, and pure Ed25519 besides: here the message is at hand. */
function readEnvelopeKey(
  message: DsseRequest['verifiers'][number],
  allowed: readonly SignatureAlgorithm[],
): EnvelopeKey {
  if (message.keyDetails === 'PKIX_ED25519' && allowed.includes('ed25519-ph')) {
    const key = readVerifierKey(message)
    if (key.publicKey.type !== 'ed25519')
      throw new EntryError('algorithm_not_allowed', 'the key is none of PKIX_ED25519')
    return {
      verifier: verifierOf(key),
      encoded: encodeVerifier(message),
      signs: (encoding, signature) => verifySignature(key.publicKey, 'sha512', encoding, signature),
    }
  }
  const known: KnownKey = readKey(message, allowed)
  return {
    verifier: verifierOf(known.key),
    encoded: encodeVerifier(message),
    signs: (encoding, signature) =>
      isSigned(known.key.publicKey, known.hash, digest(known.hash, encoding), signature),
  }
}
