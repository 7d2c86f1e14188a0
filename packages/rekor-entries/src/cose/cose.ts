/** cose 0.0.1: the hashes of a COSE_Sign1 message; the message itself is an attestation. */
import { canonicalJson, isObject, memberAt, type PublicKey, quoted, sha256Hex, utf8 } from '@sigstack/crypto'
import { inTotoPayloadType, statementDigests } from '../dsse/statement.ts'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { hashKeyAt, sha256KeyAt } from '../hash-fields.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import {
  type CanonicalKey,
  encodeCanonicalKey,
  keyContentLimit,
  parseCanonicalKey,
  storedVerifier,
  verifierOf,
  verifyCanonicalChain,
} from '../keys/canonical-key.ts'
import { pssOptions, verifyWith } from '../keys/verify-with.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'
import { type Algorithm, parseSign1, type Sign1 } from './sign1.ts'

/** base64 of 12 MiB. */
const messageLimit = 16 * 1024 * 1024
const es256 = -7
const ps256 = -37
const algorithmNames: ReadonlyMap<number, string> = new Map([
  [es256, 'ES256'],
  [-8, 'EdDSA'],
  [-35, 'ES384'],
  [-36, 'ES512'],
  [ps256, 'PS256'],
  [-38, 'PS384'],
  [-39, 'PS512'],
])

export const cose001: EntryVersion = { verify, factsOf, attestationKeyOf }

async function verify(spec: JsonObject): Promise<Verified> {
  const message = messageAt(spec)
  const key = parseCanonicalKey(keyAt(spec))
  const aad = aadAt(objectAt(spec, 'data', 'data'))
  const sign1 = await parseSign1(message)
  await verifyCanonicalChain(key)
  await verifySign1(sign1, key.publicKey, aad)
  const envelopeHash = sha256Hex(message)
  const payloadHash = sha256Hex(sign1.payload)
  const verifier = verifierOf(key)
  return {
    body: encodeBody(envelopeHash, payloadHash, key),
    verifiers: [verifier],
    searchKeys: searchKeysOf({
      ...foundByVerifiers([verifier]),
      digests: [
        `sha256:${envelopeHash}`,
        `sha256:${payloadHash}`,
        ...(sign1.contentType === inTotoPayloadType ? statementDigests(sign1.payload) : []),
      ],
    }),
    attestation: { key: `sha256:${envelopeHash}`, bytes: message },
  }
}

/** Subjects of a statement are missing: the body does not hold the payload. */
function factsOf(spec: JsonObject): EntryFacts {
  const data = objectAt(spec, 'data', 'data')
  const verifier = storedVerifier(keyAt(spec))
  return {
    verifiers: [verifier],
    searchKeys: searchKeysOf({
      ...foundByVerifiers([verifier]),
      digests: [
        hashKeyAt(data, 'envelopeHash', 'data.envelopeHash'),
        hashKeyAt(data, 'payloadHash', 'data.payloadHash'),
      ],
    }),
  }
}

/** The whole message is what is kept. */
function attestationKeyOf(spec: JsonObject): string | undefined {
  const data = memberAt(spec, 'data')
  return isObject(data) ? sha256KeyAt(data, 'envelopeHash') : undefined
}

function messageAt(spec: JsonObject): Uint8Array {
  const text = memberAt(spec, 'message')
  if (typeof text !== 'string' || text === '')
    throw new EntryError('not_insertable', 'entry not insertable into log: missing COSE Sign1 message')
  return parseBase64At(text, 'message', messageLimit)
}

function keyAt(spec: JsonObject): Uint8Array {
  return parseBase64At(textAt(spec, 'publicKey', 'publicKey'), 'publicKey', keyContentLimit)
}

function aadAt(data: JsonObject): Uint8Array {
  const aad = memberAt(data, 'aad')
  return typeof aad === 'string' ? parseBase64At(aad, 'aad', messageLimit) : new Uint8Array()
}

async function verifySign1(sign1: Sign1, key: PublicKey, aad: Uint8Array): Promise<void> {
  const expected = algorithmOf(key)
  // RFC 9052 section 4.4: without external data there is nothing but the header to name the algorithm.
  if (sign1.algorithm === undefined && aad.length === 0)
    throw new EntryError('bad_format', 'algorithm not found')
  for (const named of [sign1.algorithm, sign1.unprotectedAlgorithm])
    if (named !== undefined && named !== expected)
      throw new EntryError(
        'bad_signature',
        `algorithm mismatch: verifier ${nameOf(expected)}: header ${nameOf(named)}`,
      )
  const isValid = await refusing('invalid public key', () =>
    isSigned(key, sign1.signedBytes(aad), sign1.signature),
  )
  if (!isValid) throw new EntryError('bad_signature', 'verification error')
}

function algorithmOf(key: PublicKey): number {
  if (key.type === 'rsa') return ps256
  if (key.type === 'ecdsa' && key.curve === 'P-256') return es256
  if (key.type === 'ecdsa') throw new EntryError('bad_public_key', `unsupported elliptic curve ${key.curve}`)
  throw new EntryError('bad_public_key', `unsupported algorithm type ${key.type}`)
}

function nameOf(algorithm: Algorithm): string {
  if (typeof algorithm === 'string') return quoted(algorithm, 100)
  return algorithmNames.get(algorithm) ?? `Algorithm(${algorithm})`
}

/** RFC 9053 section 2.1: r‖s, never DER. RFC 8230 section 2: a salt as long as the digest. */
async function isSigned(key: PublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const options = key.type === 'rsa' ? pssOptions(key, 'digest') : { key, dsaEncoding: 'ieee-p1363' as const }
  return verifyWith('sha256', message, options, signature)
}

function encodeBody(envelopeHash: string, payloadHash: string, key: CanonicalKey): Uint8Array {
  const hash = (value: string) => ({ algorithm: 'sha256', value })
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'cose',
      spec: {
        data: { envelopeHash: hash(envelopeHash), payloadHash: hash(payloadHash) },
        publicKey: encodeCanonicalKey(key),
      },
    }),
  )
}
