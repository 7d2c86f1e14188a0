/** TUF metadata (specification section 4): a signed document, and a root that says who may sign which. */
import {
  canonicalJson,
  isObject,
  type JsonValue,
  memberAt,
  NestingError,
  parseBoundedJson,
  parseHex,
  parseUtf8,
  quoted,
  sha256Hex,
  utf8,
} from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { isList, type JsonObject } from '../json.ts'
import { bytesPerUnit, spend } from '../work.ts'
import { parseTufKey, type TufKey } from './key.ts'
import { olpcJson } from './olpc-json.ts'

export type Signed = {
  readonly type: string
  readonly version: number
  readonly specVersion: string
  readonly expires: string
  readonly document: JsonObject
  readonly signatures: readonly Signature[]
  /** Canonical JSON (RFC 8785) of document and signatures: what a body holds. */
  readonly canonical: Uint8Array
  /** Hex SHA-256 of `canonical`. */
  readonly hash: string
}

type Signature = { readonly keyId: string; readonly bytes: Uint8Array }

const depthLimit = 32
const signatureLimit = 256
const keyLimit = 1024
/** Reading a key, its point on the curve included, in checks of P-256. */
const keyCost = 1 / 4
/** Values of a document, members and items alike, for the price of one check: it is written in two canonical forms. */
const valuesPerUnit = 512
/** What `expires` is: RFC 3339. */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** Parses a document from JSON text. Throws `bad_format`. */
export function parseSignedBytes(bytes: Uint8Array): Signed {
  let value: unknown
  try {
    value = parseBoundedJson(parseUtf8(bytes) ?? '')
  } catch (cause) {
    const fault = cause instanceof NestingError ? 'nested too deeply' : 'not JSON'
    throw new EntryError('bad_format', `tuf: the metadata is ${fault}`, { cause })
  }
  return parseSigned(value)
}

/** Parses a document that came as JSON within JSON. Throws `bad_format`. */
export function parseSigned(value: unknown): Signed {
  measure(value)
  const document = memberAt(value, 'signed')
  if (!isObject(value) || !isObject(document)) throw malformed('the metadata is not signed')
  const signatures = parseSignatures(memberAt(value, 'signatures'))
  const version = memberAt(document, 'version') ?? 0
  const expires = memberAt(document, 'expires')
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) throw malformed('version is no integer')
  if (typeof expires !== 'string' || !timestamp.test(expires)) throw malformed('expires is no time')
  const canonical = utf8(
    canonicalJson({
      signatures: signatures.map(({ keyId, bytes }) => ({
        keyid: keyId,
        sig: Buffer.from(bytes).toString('hex'),
      })),
      signed: document as { readonly [name: string]: JsonValue },
    }),
  )
  return {
    type: textOf(document, '_type'),
    version,
    specVersion: textOf(document, 'spec_version'),
    expires,
    document,
    signatures,
    canonical,
    hash: sha256Hex(canonical),
  }
}

export type Root = {
  readonly signed: Signed
  readonly keys: ReadonlyMap<string, TufKey>
  readonly roles: ReadonlyMap<string, Role>
}

export type VerifiedRoot = Root & { readonly signers: readonly TufKey[] }

type Role = { readonly keyIds: ReadonlySet<string>; readonly threshold: number }

function parseRoot(signed: Signed): Root {
  const keys = new Map<string, TufKey>()
  for (const [id, key] of membersOf(signed.document, 'keys')) {
    spend(keyCost)
    keys.set(id, parseTufKey(key))
  }
  const roles = new Map<string, Role>()
  for (const [name, role] of membersOf(signed.document, 'roles')) roles.set(name, parseRole(role))
  return { signed, keys, roles }
}

/** A root that is signed by its own root role, and has not expired. */
export async function parseVerifiedRoot(signed: Signed, now: Date): Promise<VerifiedRoot> {
  const root = parseRoot(signed)
  return { ...root, signers: await verifyRole(root, 'root', signed, now) }
}

/** The keys of the role that signed the document, which are enough of them, and it has not expired. */
export async function verifyRole(
  root: Root,
  role: string,
  signed: Signed,
  now: Date,
): Promise<readonly TufKey[]> {
  const { candidates, threshold, message } = candidatesOf(root, role, signed)
  const signers: TufKey[] = []
  for (const { key, bytes } of candidates)
    if (!signers.some(isSame(key)) && (await key.verify(message, bytes))) signers.push(key)
  if (signers.length < threshold)
    throw new EntryError('bad_signature', 'tuf: valid signatures did not meet threshold')
  assertCurrent(signed, now)
  return signers
}

function assertCurrent({ expires }: Signed, now: Date): void {
  const expiresMs = Date.parse(expires)
  if (Number.isNaN(expiresMs)) throw malformed('expires is no time')
  if (expiresMs <= now.getTime()) throw new EntryError('bad_signature', `tuf: expired at ${expires}`)
}

/** Who signed a root and the metadata under it, both of a stored entry: it may have expired since. */
export function storedSigners(rootDocument: Signed, metadata: Signed): readonly TufKey[] {
  const root = parseRoot(rootDocument)
  const signers: TufKey[] = []
  for (const [role, signed] of [['root', rootDocument] as const, [metadata.type, metadata] as const]) {
    const { candidates, message } = candidatesOf(root, role, signed)
    for (const { key, bytes } of candidates)
      if (!signers.some(isSame(key)) && key.verifyNow(message, bytes)) signers.push(key)
  }
  return signers
}

/** By key, not by ID: one key under two IDs would otherwise count twice. */
export function isSame(key: TufKey): (other: TufKey) => boolean {
  return ({ fingerprint }) => fingerprint === key.fingerprint
}

type Candidate = { readonly key: TufKey; readonly bytes: Uint8Array }
type Candidates = {
  readonly candidates: readonly Candidate[]
  readonly threshold: number
  readonly message: Uint8Array
}

/** The signatures that say they are by keys of the role, and what they are over. */
function candidatesOf({ keys, roles }: Root, role: string, signed: Signed): Candidates {
  if (signed.signatures.length === 0) throw malformed('data has no signatures')
  const { keyIds, threshold } = roles.get(role) ?? {}
  if (keyIds === undefined || threshold === undefined)
    throw new EntryError('bad_signature', `tuf: unknown role ${quoted(role, 100)}`)
  if (signed.type.toLowerCase() !== role.toLowerCase()) throw malformed('meta file has wrong type')
  const candidates = signed.signatures.flatMap(({ keyId, bytes }) => {
    const key = keyIds.has(keyId) ? keys.get(keyId) : undefined
    return key === undefined ? [] : [{ key, bytes }]
  })
  return { candidates, threshold, message: utf8(olpcJson(signed.document)) }
}

function parseSignatures(value: unknown): readonly Signature[] {
  if (!isList(value)) return []
  if (value.length > signatureLimit) throw malformed(`more than ${signatureLimit} signatures`)
  return value.map((signature) => {
    if (!isObject(signature)) throw malformed('a signature is no object')
    return { keyId: textOf(signature, 'keyid'), bytes: parseHex(textOf(signature, 'sig')) }
  })
}

function parseRole(role: unknown): Role {
  if (!isObject(role)) throw malformed('root contains a role that is no object')
  const keyIds = memberAt(role, 'keyids')
  const threshold = memberAt(role, 'threshold')
  if (!isList(keyIds) || keyIds.some((id) => typeof id !== 'string')) throw malformed('invalid key id')
  if (typeof threshold !== 'number' || !Number.isSafeInteger(threshold) || threshold < 1)
    throw malformed('invalid role threshold')
  return { keyIds: new Set(keyIds.map(String)), threshold }
}

function membersOf(document: JsonObject, name: string): readonly (readonly [string, unknown])[] {
  const value = memberAt(document, name)
  if (!isObject(value)) return []
  const members = Object.entries(value)
  if (members.length > keyLimit) throw malformed(`more than ${keyLimit} ${name}`)
  return members
}

function textOf(object: JsonObject, name: string): string {
  const value = memberAt(object, name) ?? ''
  if (typeof value !== 'string') throw malformed(`${name} is no string`)
  return value
}

/** Without recursion, which is what the limit of depth guards. What is within is paid for before it is sorted and written. */
function measure(value: unknown): void {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthLimit) throw malformed('the metadata is nested too deeply')
    spend(level.length / valuesPerUnit)
    level = level.flatMap((item) => {
      if (typeof item === 'string') spend(item.length / bytesPerUnit)
      if (typeof item !== 'object' || item === null) return []
      if (!isList(item)) for (const name of Object.keys(item)) spend(name.length / bytesPerUnit)
      return Object.values(item)
    })
  }
}

export function malformed(reason: string): EntryError {
  return new EntryError('bad_format', `tuf: ${reason}`)
}
