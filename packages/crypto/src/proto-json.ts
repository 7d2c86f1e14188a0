/**
 * Proto3 JSON, read strictly: as the Go clients read it, so that what passes here passes there.
 * Unknown and repeated members are refused, an explicit `null` counts as absent.
 */
import { parseStrictJson, StrictJsonError } from './strict-json.ts'
import { quoted } from './text.ts'
import { isObject } from './unknown.ts'

/** Stable: callers may decide by these codes. Messages may change. */
export type ProtoJsonErrorCode =
  /** The document has more characters than its kind may have. */
  | 'too_large'
  /** The text is not JSON, or has a name twice. */
  | 'not_json'
  /** A member that the message does not have. */
  | 'unknown_member'
  /** A member is missing, there in two spellings, or of a type or value that it may not have. */
  | 'bad_member'

/** Why a document was refused. The message names the member, as in `tlogs[0].logId`. */
export class ProtoJsonError extends Error {
  override readonly name = 'ProtoJsonError'
  readonly code: ProtoJsonErrorCode
  constructor(code: ProtoJsonErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A JSON value together with its place in the document, which every complaint names. */
export type JsonNode = { readonly value: unknown; readonly path: string }

export type Members<Name extends string> = Readonly<Record<Name, JsonNode | undefined>>

/** The largest files that are about hold some hundreds. */
const mostNames = 20_000

/** `what` the text is, in words. */
export function parseProtoJson(text: string, what: string, maximumCharacters: number): JsonNode {
  if (text.length > maximumCharacters) {
    throw new ProtoJsonError('too_large', `the ${what} is larger than ${maximumCharacters} characters`)
  }
  try {
    return { value: parseStrictJson(text, { mostNames }), path: '' }
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    const reason = cause.cause === undefined ? `: ${cause.message}` : ''
    throw new ProtoJsonError('not_json', `the ${what} is not JSON${reason}`, { cause })
  }
}

/** By the names in JSON, which are few and the same in every message. The envelope of DSSE has lowerCamelCase in its proto file too. */
const protoNames = new Map([['payloadType', 'payloadType']])

/** The name that the proto file has for a member of a message of ours. */
export function protoNameOf(name: string): string {
  const known = protoNames.get(name)
  if (known !== undefined) return known
  const proto = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  protoNames.set(name, proto)
  return proto
}

/**
 * The members of an object; names that `known` lacks are refused. Proto3 JSON has two spellings of a name,
 * lowerCamelCase and that of the proto file, which is snake_case, and files with the second are about.
 */
export function membersOf<Name extends string>(node: JsonNode, known: readonly Name[]): Members<Name> {
  const { value, path } = node
  if (!isObject(value)) throw badMember(path, 'must be an object')
  const names: readonly string[] = known
  const found: Record<string, JsonNode | undefined> = {}
  for (const [spelling, member] of Object.entries(value)) {
    const name = names.includes(spelling) ? spelling : names.find((each) => protoNameOf(each) === spelling)
    if (name === undefined) {
      throw new ProtoJsonError('unknown_member', `${inside(path, shown(spelling))} is not a known member`)
    }
    if (Object.hasOwn(found, name)) throw badMember(inside(path, name), 'is there in two spellings')
    if (member !== null) found[name] = { value: member, path: inside(path, name) }
  }
  return found as Members<Name>
}

export function itemsOf(node: JsonNode | undefined, maximum: number): readonly JsonNode[] {
  if (node === undefined) return []
  if (!Array.isArray(node.value)) throw badMember(node.path, 'must be an array')
  if (node.value.length > maximum) throw badMember(node.path, `has more than ${maximum} items`)
  return node.value.map((value: unknown, position) => ({ value, path: `${node.path}[${position}]` }))
}

export function present(node: JsonNode | undefined, parent: JsonNode, name: string): JsonNode {
  if (node === undefined) throw badMember(inside(parent.path, name), 'is missing')
  return node
}

export function textOf(node: JsonNode, maximum = 2048): string {
  if (typeof node.value !== 'string') throw badMember(node.path, 'must be a string')
  if (node.value.length > maximum) throw badMember(node.path, `is longer than ${maximum} characters`)
  return node.value
}

export function oneOf<Value extends string>(node: JsonNode, allowed: readonly Value[]): Value {
  const found = allowed.find((value) => value === node.value)
  if (found === undefined) throw badMember(node.path, `must be one of ${allowed.join(', ')}`)
  return found
}

/**
 * Base64 as proto3 JSON allows it: either alphabet, with or without padding. Line ends are skipped, which `base64` and
 * `openssl` put between: other clients read such bundles.
 */
export function bytesOf(node: JsonNode, maximum: number): Uint8Array {
  const longest = Math.ceil(maximum / 3) * 4
  const text = textOf(node, 2 * longest).replaceAll(/[\r\n]/g, '')
  if (text.length > longest) throw badMember(node.path, `is longer than ${longest} characters`)
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const digits = text.length - padding
  const urlSafe = text.includes('-') || text.includes('_')
  const foreign = urlSafe ? /[^A-Za-z0-9_-]/ : /[^A-Za-z0-9+/]/
  // Four characters make three bytes; a last group of one makes none.
  const complete = padding === 0 ? digits % 4 !== 1 : text.length % 4 === 0
  if (!complete || foreign.test(text.slice(0, digits))) throw badMember(node.path, 'is not base64')
  return Buffer.from(text, 'base64')
}

const largestInt64 = 2n ** 63n - 1n

/** An int64 that counts something: a decimal in quotes, or a number where a number is exact. */
export function countOf(node: JsonNode): bigint {
  const { value } = node
  const decimal = typeof value === 'string' && /^(?:0|[1-9]\d{0,18})$/.test(value)
  const count = decimal ? BigInt(value) : isExactCount(value) ? BigInt(value) : undefined
  if (count === undefined || count > largestInt64)
    throw badMember(node.path, `must be a decimal from 0 to ${largestInt64}, not ${quoted(value, 40)}`)
  return count
}

function isExactCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

export function integerOf(node: JsonNode): number {
  const { value } = node
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw badMember(node.path, 'must be a whole number from 0 to 2147483647')
  }
  return value
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** RFC 3339; what is finer than a millisecond is cut off. */
export function timeOf(node: JsonNode): Date {
  const text = textOf(node, 40)
  const time = new Date(text)
  if (!rfc3339.test(text) || Number.isNaN(time.getTime()))
    throw badMember(node.path, 'is not an RFC 3339 time')
  return time
}

export function badMember(path: string, complaint: string): ProtoJsonError {
  return new ProtoJsonError('bad_member', `${path === '' ? 'the document' : path} ${complaint}`)
}

/** Names that are written as programmers write them need no quotes. */
function shown(name: string): string {
  return /^[\w.-]{1,100}$/.test(name) ? name : quoted(name, 100)
}

function inside(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
