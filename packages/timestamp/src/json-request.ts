/** The same request in the JSON of Sigstore's timestamp authority. A nonce may have more digits than a number has. */
import { isObject, parseBase64, parseUtf8 } from '@sigstack/crypto'
import type { TimestampRequest } from './encode-request.ts'
import { malformed, TimestampError } from './errors.ts'
import { hashOid, sha1Oid } from './oids.ts'
import { checkedImprint } from './request.ts'

/** What is longer means nothing, and the digits of a nonce cost the square of their count. */
const longestBytes = 1024
const mostArcs = 129

const hashNames: ReadonlyMap<string, string> = new Map([...Object.entries(hashOid), ['sha1', sha1Oid]])

/** Unknown members are passed over, as the original does. Throws a {@link TimestampError}. */
export function parseJsonRequest(bytes: Uint8Array): TimestampRequest {
  if (bytes.length > longestBytes)
    throw new TimestampError('too_large', `a request in JSON may have ${longestBytes} bytes`)
  const { members, nonce } = readMembers(bytes)
  const text = (name: string): string => {
    const value = members.get(name) ?? ''
    if (typeof value !== 'string') throw malformed(`${name} is no text`)
    return value
  }
  const certificates = members.get('certificates') ?? false
  if (typeof certificates !== 'boolean') throw malformed('certificates is neither true nor false')
  const hash = hashNames.get(text('hashAlgorithm').toLowerCase())
  if (hash === undefined) throw new TimestampError('unsupported_hash', 'the hash is none that is stamped')
  if (hash === sha1Oid) throw new TimestampError('weak_hash', 'SHA-1 is not stamped')
  const policy = text('tsaPolicyOID')
  if (policy !== '' && !isOid(policy))
    throw new TimestampError('bad_policy', 'the policy is no object identifier')
  return {
    ...checkedImprint(hash, digestIn(text('artifactHash'))),
    ...(policy !== '' && { policy: withoutZeros(policy) }),
    ...(nonce !== undefined && { nonce: integerContent(nonce) }),
    certificates,
    hasExtensions: false,
  }
}

const names = ['artifactHash', 'certificates', 'hashAlgorithm', 'nonce', 'tsaPolicyOID']
const nameOf = new Map(names.map((name) => [name.toLowerCase(), name]))

/** As Go reads them: names in any case, the last of several counts, and null is as nothing. */
function readMembers(bytes: Uint8Array): { members: ReadonlyMap<string, unknown>; nonce?: bigint } {
  const sources = new Map<unknown, string>()
  let root: unknown
  try {
    root = JSON.parse(parseUtf8(bytes) ?? '', (_name, value: unknown, context?: { source?: string }) => {
      // The digits of a number, where the number itself would have lost some.
      if (typeof value !== 'number' || context?.source === undefined) return value
      const digits = new Number(value)
      sources.set(digits, context.source)
      return digits
    })
  } catch (cause) {
    throw malformed('the request is no JSON', cause)
  }
  if (root !== null && !isObject(root)) throw malformed('the request is no object')
  const members = new Map<string, unknown>()
  for (const [name, value] of Object.entries(root ?? {})) {
    const known = nameOf.get(name.toLowerCase())
    if (known !== undefined && value !== null) members.set(known, value)
  }
  if (!members.has('nonce')) return { members }
  const digits = sources.get(members.get('nonce')) ?? ''
  if (!/^-?\d+$/.test(digits)) throw malformed('the nonce is no integer')
  return { members, nonce: BigInt(digits) }
}

function digestIn(text: string): Uint8Array {
  try {
    // Go's decoder passes over line breaks.
    return parseBase64(text.replaceAll(/[\r\n]/g, ''))
  } catch (cause) {
    throw malformed('artifactHash is not base64', cause)
  }
}

function isOid(text: string): boolean {
  const arcs = text.split('.')
  return arcs.length <= mostArcs && arcs.every((arc) => /^\d{1,19}$/.test(arc))
}

/** `2.05` is as `2.5`. */
function withoutZeros(oid: string): string {
  return oid
    .split('.')
    .map((arc) => BigInt(arc).toString())
    .join('.')
}

/** Two's complement, in as few bytes as hold it. */
export function integerContent(value: bigint): Uint8Array {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0')
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}
