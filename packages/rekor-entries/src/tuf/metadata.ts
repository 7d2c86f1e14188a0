/** TUF metadata (specification section 4): a signed document, and a root that says who may sign which. */
import { canonicalJson, type JsonValue, parseHex, parseUtf8, sha256Hex, utf8 } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { isList, isObject, type JsonObject, memberOf } from '../json.ts'
import { parseTufKey, type TufKey } from './key.ts'
import { olpcJson } from './olpc-json.ts'

export type Signed = {
  readonly type: string
  readonly version: number
  readonly specVersion: string
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
/** What `expires` is: RFC 3339, of which only the form counts here. */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** Parses a document from JSON text. Throws `bad_format`. */
export function parseSignedBytes(bytes: Uint8Array): Signed {
  let value: unknown
  try {
    value = JSON.parse(parseUtf8(bytes) ?? '')
  } catch (cause) {
    throw new EntryError('bad_format', 'tuf: the metadata is not JSON', { cause })
  }
  return parseSigned(value)
}

/** Parses a document that came as JSON within JSON. Throws `bad_format`. */
export function parseSigned(value: unknown): Signed {
  if (isDeeper(value, depthLimit)) throw malformed('the metadata is nested too deeply')
  const document = isObject(value) ? memberOf(value, 'signed') : undefined
  if (!isObject(value) || !isObject(document)) throw malformed('the metadata is not signed')
  const signatures = parseSignatures(memberOf(value, 'signatures'))
  const version = memberOf(document, 'version') ?? 0
  const expires = memberOf(document, 'expires')
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

type Role = { readonly keyIds: ReadonlySet<string>; readonly threshold: number }

function parseRoot(signed: Signed): Root {
  const keys = new Map<string, TufKey>()
  for (const [id, key] of membersOf(signed.document, 'keys')) keys.set(id, parseTufKey(key))
  const roles = new Map<string, Role>()
  for (const [name, role] of membersOf(signed.document, 'roles')) roles.set(name, parseRole(role))
  return { signed, keys, roles }
}

/** A root that is signed by its own root role. */
export async function parseVerifiedRoot(signed: Signed): Promise<Root> {
  const root = parseRoot(signed)
  await verifyRole(root, 'root', signed)
  return root
}

/** Whether enough keys of the role signed the document. Expiry plays no part: the log is a record, not a client. */
export async function verifyRole({ keys, roles }: Root, role: string, signed: Signed): Promise<void> {
  if (signed.signatures.length === 0) throw malformed('data has no signatures')
  const { keyIds, threshold } = roles.get(role) ?? {}
  if (keyIds === undefined || threshold === undefined)
    throw new EntryError('bad_signature', `tuf: unknown role ${JSON.stringify(role.slice(0, 100))}`)
  if (signed.type.toLowerCase() !== role.toLowerCase()) throw malformed('meta file has wrong type')
  const message = utf8(olpcJson(signed.document))
  // By key, not by ID: one key under two IDs would otherwise count twice.
  const counted = new Set<string>()
  for (const { keyId, bytes } of signed.signatures) {
    const key = keyIds.has(keyId) ? keys.get(keyId) : undefined
    if (key === undefined || counted.has(key.fingerprint)) continue
    if (await key.verify(message, bytes)) counted.add(key.fingerprint)
  }
  if (counted.size < threshold)
    throw new EntryError('bad_signature', 'tuf: valid signatures did not meet threshold')
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
  const keyIds = memberOf(role, 'keyids')
  const threshold = memberOf(role, 'threshold')
  if (!isList(keyIds) || keyIds.some((id) => typeof id !== 'string')) throw malformed('invalid key id')
  if (typeof threshold !== 'number' || !Number.isSafeInteger(threshold) || threshold < 1)
    throw malformed('invalid role threshold')
  return { keyIds: new Set(keyIds.map(String)), threshold }
}

function membersOf(document: JsonObject, name: string): readonly (readonly [string, unknown])[] {
  const value = memberOf(document, name)
  if (!isObject(value)) return []
  const members = Object.entries(value)
  if (members.length > keyLimit) throw malformed(`more than ${keyLimit} ${name}`)
  return members
}

function textOf(object: JsonObject, name: string): string {
  const value = memberOf(object, name) ?? ''
  if (typeof value !== 'string') throw malformed(`${name} is no string`)
  return value
}

/** Without recursion, which is what the limit guards. */
function isDeeper(value: unknown, limit: number): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}

export function malformed(reason: string): EntryError {
  return new EntryError('bad_format', `tuf: ${reason}`)
}
