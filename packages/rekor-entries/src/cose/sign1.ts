/** COSE_Sign1 (RFC 9052 section 4.2): parsing a tagged message, and the bytes that its signature is over. */
import { quoted } from '@sigstack/crypto'
import { decode, encode, Tag } from 'cbor2'
import { EntryError } from '../errors.ts'
import { parsing } from '../foreign.ts'

export type Sign1 = {
  /** From the protected header. */
  readonly algorithm: Algorithm | undefined
  /** What the other header says of it, which is signed with external data at best. */
  readonly unprotectedAlgorithm: Algorithm | undefined
  /** From the protected header, where it is a text. */
  readonly contentType: string | undefined
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  /** What is signed, for external data of which COSE knows nothing more than that it is signed too. */
  readonly signedBytes: (externalAad: Uint8Array) => Uint8Array
}

/** RFC 9052 section 3.1: a registered number, or a private name. */
export type Algorithm = number | string

type Header = ReadonlyMap<unknown, unknown>

const sign1Tag = 18
const algorithmLabel = 1n
const criticalLabel = 2n
const contentTypeLabel = 3n

const itemLimit = 1000

/** Tags and streams have no place inside. Integers become bigints, so that no float and no bignum is taken for one. */
const options = {
  createObject: (members: readonly (readonly [unknown, unknown, Uint8Array])[]) => {
    const map = new Map(members.map(([key, value]) => [key, value]))
    if (map.size < members.length) throw malformed('a map has a key twice')
    return map
  },
  ignoreGlobalTags: true,
  maxDepth: 16,
  preferBigInt: true,
  rejectDuplicateKeys: true,
  rejectStreaming: true,
}

/** Throws `bad_format`. */
export async function parseSign1(message: Uint8Array): Promise<Sign1> {
  // RFC 9052 section 2: the tagged form, an array of four.
  if (message[0] !== 0xd2 || message[1] !== 0x84) throw malformed('invalid COSE_Sign1_Tagged object')
  assertFewItems(message)
  const tagged = await parsing('cbor', () => decode(message, options))
  const members: unknown = tagged instanceof Tag && tagged.tag === sign1Tag ? tagged.contents : undefined
  const [protectedHeader, unprotectedHeader, payload, signature] = Array.isArray(members)
    ? (members as readonly unknown[])
    : []
  if (
    !(protectedHeader instanceof Uint8Array) ||
    !(unprotectedHeader instanceof Map) ||
    !(signature instanceof Uint8Array)
  )
    throw malformed('invalid COSE_Sign1_Tagged object')
  if (payload === null) throw new EntryError('bad_format', 'missing payload')
  if (!(payload instanceof Uint8Array)) throw malformed('the payload is no byte string')
  if (signature.length === 0) throw new EntryError('bad_format', 'empty signature')
  const header = await parseProtected(protectedHeader)
  assertLabels(header)
  assertLabels(unprotectedHeader)
  for (const label of unprotectedHeader.keys())
    if (header.has(label)) throw malformed(`header ${nameOf(label)} is protected and unprotected`)
  if (header.has(criticalLabel)) throw malformed('critical headers are not supported')
  if (unprotectedHeader.has(criticalLabel)) throw malformed('critical headers must be protected')
  const contentType = header.get(contentTypeLabel)
  return {
    algorithm: algorithmIn(header),
    unprotectedAlgorithm: algorithmIn(unprotectedHeader),
    contentType: typeof contentType === 'string' ? contentType : undefined,
    payload,
    signature,
    signedBytes: (externalAad) =>
      encodeSigStructure(header.size === 0 ? empty : protectedHeader, externalAad, payload),
  }
}

const empty = new Uint8Array()

/** RFC 9052 section 1.4. */
function assertLabels(header: Header): void {
  for (const label of header.keys())
    if (typeof label !== 'bigint' && typeof label !== 'string')
      throw malformed('a header label is neither an integer nor a text')
}

function algorithmIn(header: Header): Algorithm | undefined {
  const algorithm = header.get(algorithmLabel)
  if (algorithm === undefined && !header.has(algorithmLabel)) return undefined
  if (typeof algorithm === 'bigint') return Number(algorithm)
  if (typeof algorithm !== 'string') throw malformed('the algorithm is neither an integer nor a text')
  return algorithm
}

function nameOf(label: unknown): string {
  return typeof label === 'bigint' ? String(label) : quoted(label)
}

async function parseProtected(bytes: Uint8Array): Promise<Header> {
  if (bytes.length === 0) return new Map()
  assertFewItems(bytes)
  const header = await parsing('cbor', () => decode(bytes, options))
  if (!(header instanceof Map)) throw malformed('the protected header is no map')
  return header as Header
}

/**
 * A megabyte of CBOR may hold a million items, for each of which the library makes an object. So they are counted first: to
 * walk from head to head (RFC 8949 section 3) takes no knowledge of how they are nested.
 */
function assertFewItems(bytes: Uint8Array): void {
  let count = 0
  for (let at = 0; at < bytes.length; count++) {
    if (count === itemLimit) throw new EntryError('too_large', `cbor: more than ${itemLimit} items`)
    const head = bytes[at] ?? 0
    const information = head & 0x1f
    const argumentBytes = information < 24 ? 0 : 2 ** (information - 24)
    if (argumentBytes > 8) throw malformed('a head without an argument')
    let argument = information < 24 ? information : 0
    for (let i = 1; i <= argumentBytes; i++) argument = argument * 256 + (bytes[at + i] ?? 0)
    const isString = head >> 5 === 2 || head >> 5 === 3
    at += 1 + argumentBytes + (isString ? argument : 0)
  }
}

/** RFC 9052 section 4.4. An empty header is signed as an empty string, however it was sent. */
function encodeSigStructure(header: Uint8Array, externalAad: Uint8Array, payload: Uint8Array): Uint8Array {
  return encode(['Signature1', plain(header), plain(externalAad), plain(payload)])
}

/** The encoder takes a Buffer for an object with members. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function malformed(reason: string): EntryError {
  return new EntryError('bad_format', `cbor: ${reason}`)
}
