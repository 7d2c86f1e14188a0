/** The query of `/api/v1/search`: JSON of a POST, or parameters of a GET with the same names. */

import { hash } from 'node:crypto'
import { escaped, isObject } from '@sigstack/crypto'
import {
  entryKinds,
  isEntryKind,
  isSearchKeyFormat,
  normalSerial,
  searchKeyFormats,
} from '@sigstack/rekor-entries'
import {
  type Fact,
  type FactName,
  numberInLine,
  type SearchedLog,
  type SearchKey,
  unmarkedKind,
} from '@sigstack/rekor-log'
import { badMember, badQuery } from './errors.ts'
import { byKey, keysOfPublicKey } from './public-key.ts'
import { searchSchemas } from './schemas.ts'

type JsonObject = Readonly<Record<string, unknown>>

export type OwnSearchQuery = {
  readonly criteria: readonly (readonly SearchKey[])[]
  readonly operator: 'and' | 'or'
  readonly required: readonly (readonly SearchKey[])[]
  readonly excluded: readonly SearchKey[]
  /** Milliseconds since the epoch, whole seconds: `after` and later, before `before`. */
  readonly afterMs: number | undefined
  readonly beforeMs: number | undefined
  readonly order: 'newest' | 'oldest'
  readonly limit: number
  /** The only one to be searched, of Rekor v2 with those that follow it. */
  readonly log: 'rekor-v1' | 'rekor-v2' | undefined
  /** Where the page before this one ended in each log; `undefined` where nothing was left. Absent in a first page. */
  readonly from: ReadonlyMap<SearchedLog, bigint | undefined> | undefined
  /** Of everything but limit and cursor: a cursor belongs to the query that gave it. */
  readonly fingerprint: string
}

const mostValues = 10
const longestValue = 512

const { properties } = searchSchemas.SearchQuery
const { default: defaultLimit, maximum: mostPerPage } = properties.limit
type Name = keyof typeof properties
const names = Object.keys(properties)
const kindsOfLogs: readonly ('rekor-v1' | 'rekor-v2')[] = properties.log.enum

export async function parseOwnSearch(query: unknown, now: Date): Promise<OwnSearchQuery> {
  if (!isObject(query)) throw badQuery('the query is not an object')
  const unknown = Object.keys(query).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw badMember('not_in_list', `${escaped(unknown, 50)} in query should be one of [${names.join(' ')}]`)
  }
  const kinds = textsOf(query, 'kind').map((kind) => {
    if (!isEntryKind(kind))
      throw badMember('not_in_list', `kind in query should be one of [${entryKinds.join(' ')}]`)
    return kind
  })
  const order = oneOf(query, 'order', ['newest', 'oldest'] as const) ?? 'newest'
  const parsed = {
    criteria: await criteriaOf(query, now),
    operator: oneOf(query, 'operator', ['and', 'or'] as const) ?? 'and',
    ...kindFilter(kinds),
    afterMs: timeOf(query, 'after'),
    beforeMs: timeOf(query, 'before'),
    order,
    log: oneOf(query, 'log', kindsOfLogs),
  }
  const fingerprint = hash('sha256', JSON.stringify(parsed), 'hex').slice(0, 16)
  return { ...parsed, limit: limitOf(query), from: parseCursor(query, fingerprint), fingerprint }
}

async function criteriaOf(query: JsonObject, now: Date): Promise<readonly (readonly SearchKey[])[]> {
  const criteria = [
    ...textsOf(query, 'digest').map((digest) => [digestKey(digest)]),
    ...(['email', 'uri', 'subject'] as const).flatMap((name) => textsOf(query, name).map((text) => [text])),
    ...textsOf(query, 'issuer').map((issuer) => [fact('issuer', issuer)]),
    ...textsOf(query, 'keyHash').map((text) => {
      if (!/^[0-9a-fA-F]{64}$/.test(text))
        throw badMember('pattern', `keyHash in query should match '^[0-9a-fA-F]{64}$'`)
      return byKey(text)
    }),
    ...textsOf(query, 'serial').map((serial) => {
      if (!/^[0-9a-fA-F:]{1,120}$/.test(serial))
        throw badMember('pattern', 'serial in query should be hexadecimal')
      return [fact('serial', normalSerial(serial))]
    }),
    ...(await publicKeyOf(query, now)),
  ]
  if (criteria.length > 2 * mostValues) {
    throw badMember('too_many_items', `a query may have ${2 * mostValues} criteria, not ${criteria.length}`)
  }
  return criteria
}

function fact(name: FactName, value: string): Fact {
  return { fact: name, value }
}

const kindFact = (kind: string): Fact => fact('kind', kind)

/** Entries of the unmarked kind are those under no other kind's key. */
function kindFilter(kinds: readonly string[]): Pick<OwnSearchQuery, 'required' | 'excluded'> {
  if (kinds.length === 0) return { required: [], excluded: [] }
  if (!kinds.includes(unmarkedKind)) return { required: [kinds.map(kindFact)], excluded: [] }
  const others = entryKinds.filter((kind) => kind !== unmarkedKind && !kinds.includes(kind))
  return { required: [], excluded: others.map(kindFact) }
}

const algorithmByDigits: Readonly<Record<number, string>> = {
  40: 'sha1',
  64: 'sha256',
  96: 'sha384',
  128: 'sha512',
}

function digestKey(text: string): string {
  const [, algorithm, hex] = /^(?:([a-z0-9_-]{1,20}):)?([0-9a-fA-F]{1,256})$/.exec(text) ?? []
  const name = algorithm ?? algorithmByDigits[hex?.length ?? 0]
  if (hex === undefined || name === undefined) {
    throw badMember(
      'pattern',
      "digest in query should be like 'sha256:<hex>', or hex of the length of a SHA digest",
    )
  }
  return `${name}:${hex}`
}

async function publicKeyOf(query: JsonObject, now: Date): Promise<readonly (readonly SearchKey[])[]> {
  const publicKey = query['publicKey']
  if (publicKey === undefined || publicKey === null) return []
  const content = isObject(publicKey) ? publicKey['content'] : publicKey
  const format = isObject(publicKey) ? (publicKey['format'] ?? 'x509') : 'x509'
  if (!isSearchKeyFormat(format)) {
    throw badMember(
      'not_in_list',
      `publicKey.format in query should be one of [${searchKeyFormats.join(' ')}]`,
    )
  }
  return [await keysOfPublicKey(format, typeof content === 'string' ? content : '', now)]
}

/** One text or a list of them. */
function textsOf(query: JsonObject, name: Name): readonly string[] {
  const value = query[name]
  if (value === undefined || value === null) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > mostValues) {
    throw badMember('too_many_items', `${name} in query should have at most ${mostValues} items`)
  }
  return list.map((text) => {
    if (typeof text !== 'string') throw badMember('wrong_type', `${name} in query must be of type string`)
    if (text === '') throw badMember('too_short', `${name} in query should be at least 1 chars long`)
    if (text.length > longestValue) {
      throw badMember('too_long', `${name} in query should be at most ${longestValue} chars long`)
    }
    return text
  })
}

function oneOf<T extends string>(query: JsonObject, name: Name, allowed: readonly T[]): T | undefined {
  const value = query[name]
  if (value === undefined || value === null) return undefined
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined)
    throw badMember('not_in_list', `${name} in query should be one of [${allowed.join(' ')}]`)
  return found
}

/** Seconds since the epoch, or RFC 3339. */
function timeOf(query: JsonObject, name: 'after' | 'before'): number | undefined {
  const value = query[name]
  if (value === undefined || value === null) return undefined
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  const seconds = /^\d{1,11}$/.test(text) ? Number(text) : parseRfc3339(text)
  if (seconds === undefined) {
    throw badMember(
      'wrong_type',
      `${name} in query must be a time like 2026-01-31T12:00:00Z, or seconds since 1970`,
    )
  }
  return seconds * 1000
}

function parseRfc3339(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))?$/.test(text))
    return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : Math.ceil(ms / 1000)
}

function limitOf(query: JsonObject): number {
  const value = query['limit']
  if (value === undefined || value === null) return defaultLimit
  const limit = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value
  if (typeof limit !== 'number' || !Number.isInteger(limit)) {
    throw badMember('wrong_type', 'limit in query must be of type integer')
  }
  if (limit < 1) throw badMember('below_minimum', 'limit in query should be greater than or equal to 1')
  if (limit > mostPerPage) {
    throw badMember('above_maximum', `limit in query should be less than or equal to ${mostPerPage}`)
  }
  return limit
}

/** That of Rekor v1 first, then those of Rekor v2 in their order; one that is not here or has nothing left is empty. */
export function encodeCursor(
  next: ReadonlyMap<SearchedLog, bigint | undefined>,
  fingerprint: string,
): string {
  const last = Math.max(1, ...[...next.keys()].map(placeOf))
  const places = Array.from({ length: last + 1 }, (_, place) => String(next.get(logAt(place)) ?? ''))
  return Buffer.from([fingerprint, ...places].join('.')).toString('base64url')
}

function placeOf(log: SearchedLog): number {
  return log === 'rekor-v1' ? 0 : 1 + numberInLine(log)
}

function logAt(place: number): SearchedLog {
  return place === 0 ? 'rekor-v1' : place === 1 ? 'rekor-v2' : `rekor-v2/${place - 1}`
}

function parseCursor(query: JsonObject, fingerprint: string): OwnSearchQuery['from'] {
  const cursor = query['cursor']
  if (cursor === undefined || cursor === null) return undefined
  const text =
    typeof cursor === 'string' && cursor.length <= properties.cursor.maxLength
      ? Buffer.from(cursor, 'base64url').toString('latin1')
      : ''
  const [, owner, places = ''] = /^([0-9a-f]{16})((?:\.\d{0,19}){2,100})$/.exec(text) ?? []
  if (owner === undefined) throw badMember('pattern', 'cursor in query is not one that this log gave')
  if (owner !== fingerprint) {
    throw badQuery(
      'the cursor belongs to another query: send the query again with nothing changed but cursor and limit',
    )
  }
  const read = (place: string) => (place === '' ? undefined : BigInt(place))
  return new Map(
    places
      .slice(1)
      .split('.')
      .map((place, at) => [logAt(at), read(place)]),
  )
}
