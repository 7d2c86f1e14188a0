/** What the log holds, read again: for an index that can be made anew without its clients, for events and for answers. */
import { asBuffer, isObject, memberAt, parseUtf8 } from '@sigstack/crypto'
import type { EntryFacts } from './entry.ts'
import { EntryError } from './errors.ts'
import type { JsonObject } from './json.ts'
import { factsReaderOf, kinds } from './kinds.ts'

export type StoredEntry = EntryFacts & { readonly kind: string; readonly apiVersion: string }

/**
 * The facts of a stored canonical body. They are those of {@link verifyProposal} as far as the body holds them: of dsse and
 * intoto the subjects and materials of a statement are missing, since only its hash is logged. A kind or version that is not
 * known here has none. Throws `bad_body` for what is no body at all, and the errors of its kind for a broken one.
 */
export function readStoredEntry(body: Uint8Array): StoredEntry {
  const entry = parseBody(body)
  const kind = memberAt(entry, 'kind')
  const apiVersion = memberAt(entry, 'apiVersion')
  const spec = specOf(entry)
  if (typeof kind !== 'string' || typeof apiVersion !== 'string')
    return { kind: '', apiVersion: '', verifiers: [], searchKeys: [] }
  const facts = factsReaderOf(kind, apiVersion)?.(spec)
  return { kind, apiVersion, verifiers: facts?.verifiers ?? [], searchKeys: facts?.searchKeys ?? [] }
}

/** Canonical bodies begin alike, so what an entry is can be told by its first bytes. */
const start = /^\{"apiVersion":"([^"]{1,64})","kind":"([^"]{1,64})",/
const longestStart = 170

/** Under which key the entry's attestation is kept. Of kinds without attestations nothing is parsed. */
export function attestationKeyOf(body: Uint8Array): string | undefined {
  const [, apiVersion = '', kind = ''] =
    start.exec(asBuffer(body.subarray(0, longestStart)).toString('latin1')) ?? []
  const version = kinds.get(kind)?.get(apiVersion)
  return version?.attestationKeyOf?.(specOf(parseBody(body)))
}

function parseBody(body: Uint8Array): JsonObject {
  let entry: unknown
  try {
    entry = JSON.parse(parseUtf8(body) ?? '')
  } catch (cause) {
    throw new EntryError('bad_body', 'the stored body is not JSON', { cause })
  }
  if (!isObject(entry)) throw new EntryError('bad_body', 'the stored body is not a JSON object')
  return entry
}

function specOf(entry: JsonObject): JsonObject {
  const spec = memberAt(entry, 'spec')
  if (!isObject(spec)) throw new EntryError('bad_body', 'the stored body has no spec')
  return spec
}
