/** DSSE envelopes as a proposal carries them: JSON text whose bytes are hashed, and a parsed copy that is verified. */
import { CryptoError, isObject, parseBase64, parseBase64Url, parseBoundedJson } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { isList, type JsonObject } from '../json.ts'

export type EnvelopeSignature = {
  /** As it stands in the envelope. */
  readonly text: string
  /** Empty when there is none. */
  readonly keyId: string
  readonly bytes: Uint8Array
}

export type Envelope = {
  readonly payloadType: string
  /** As it stands in the envelope. */
  readonly payloadText: string
  readonly payload: Uint8Array
  /** At least one; equal texts count once. */
  readonly signatures: readonly EnvelopeSignature[]
}

/** What they cost is bounded by itself (work.ts). */
export const signatureLimit = 32

/** Member names are matched without case, as Go does, and unknown ones are passed over. */
export function parseEnvelope(text: string): Envelope {
  const envelope = parseObject(text)
  const payload = textMember(envelope, 'payload')
  const payloadType = textMember(envelope, 'payloadType')
  const list = memberWithoutCase(envelope, 'signatures')
  if (!isList(list)) throw refused('signatures must be a list')
  if (list.length === 0) throw refused('no signature found')
  if (list.length > signatureLimit) throw refused(`more than ${signatureLimit} signatures`)
  const signatures = new Map<string, EnvelopeSignature>()
  for (const item of list) {
    if (!isObject(item)) throw refused('a signature must be an object')
    const sig = textMember(item, 'sig')
    const keyId = memberWithoutCase(item, 'keyid')
    signatures.set(sig, {
      text: sig,
      keyId: typeof keyId === 'string' ? keyId : '',
      bytes: parseEitherBase64(sig, 'signature'),
    })
  }
  return {
    payloadType,
    payloadText: payload,
    payload: parseEitherBase64(payload, 'payload'),
    signatures: [...signatures.values()],
  }
}

function parseObject(text: string): JsonObject {
  let value: unknown
  try {
    value = parseBoundedJson(text)
  } catch (cause) {
    throw new EntryError('bad_envelope', 'could not parse envelope: not JSON', { cause })
  }
  if (!isObject(value)) throw refused('not an object')
  return value
}

/** Of several members whose names differ in case the last one counts. */
function memberWithoutCase(object: JsonObject, name: string): unknown {
  const wanted = name.toLowerCase()
  let value: unknown
  for (const candidate of Object.keys(object)) {
    if (candidate === name || candidate.toLowerCase() === wanted) value = object[candidate]
  }
  return value
}

function textMember(object: JsonObject, name: string): string {
  const value = memberWithoutCase(object, name)
  if (typeof value !== 'string') throw refused(`${name} must be a string`)
  return value
}

/** DSSE lets the producer choose between the standard and the URL-safe alphabet. */
export function parseEitherBase64(text: string, what: string): Uint8Array {
  try {
    return parseBase64(text)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
  }
  try {
    return parseBase64Url(text)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new EntryError(
      'bad_envelope',
      `could not verify envelope: unable to base64 decode ${what} (is ${what} in the right format?)`,
      { cause },
    )
  }
}

function refused(reason: string): EntryError {
  return new EntryError('bad_envelope', `could not parse envelope: ${reason}`)
}
