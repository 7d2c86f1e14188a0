/**
 * What an entry is found by: keys of Rekor's, which are texts from outside, and facts that it tells about itself beside them. The
 * two never meet, whatever the texts say: a fact's domain stands before the log ID in what is hashed, where no text reaches.
 */
import { hash } from 'node:crypto'
import { toHex } from '@sigstack/crypto'
import type { Verifier } from '@sigstack/rekor-entries'

/** Who issued the identity token, the certificate's serial number, the kind of entry, the key that verified it. */
export type FactName = 'issuer' | 'serial' | 'kind' | 'key'
export type Fact = { readonly fact: FactName; readonly value: string }
export type SearchKey = string | Fact

const domains = { issuer: '\u0001', serial: '\u0002', kind: '\u0003', key: '\u0004' } as const

/** Most entries are of this kind, so it is the one that is not written down. */
export const unmarkedKind = 'hashedrekord'

/** What verified the entry, and what it is. The hash of a key is a fact only where Rekor does not index it. */
export function factsOf(
  kind: string,
  verifiers: readonly Verifier[],
  searchKeys: readonly string[],
): readonly Fact[] {
  const facts = new Map<string, Fact>()
  const add = (fact: FactName, value: string) => facts.set(`${fact} ${value}`, { fact, value })
  for (const { tokenIssuer, serialNumber, keyHash } of verifiers) {
    if (tokenIssuer !== undefined) add('issuer', tokenIssuer)
    if (serialNumber !== undefined) add('serial', serialNumber)
    if (!searchKeys.includes(keyHash)) add('key', keyHash)
  }
  if (kind !== '' && kind !== unmarkedKind) add('kind', kind)
  return [...facts.values()]
}

/** The start of SHA-256 over log ID and lower-cased key: nobody's e-mail address in clear. */
export function searchKeyOf(logId: Uint8Array, key: SearchKey): bigint {
  const id = hexOf(logId)
  return typeof key === 'string'
    ? hashed(`${id}${key.toLowerCase()}`)
    : hashed(`${domains[key.fact]}${id}${key.value.toLowerCase()}`)
}

/**
 * The same, and for a fact the form that it had when it was told from other keys by a NUL before its name. An index keeps those until
 * it is built anew; no entry gets another, since keys with control characters are dropped.
 */
export function searchKeysFor(logId: Uint8Array, key: SearchKey): readonly bigint[] {
  const now = searchKeyOf(logId, key)
  if (typeof key === 'string' || key.fact === 'key') return [now]
  return [now, searchKeyOf(logId, `\0${key.fact}:${key.value}`)]
}

/** Of log IDs, which are asked for with every key. */
const hexes = new WeakMap<Uint8Array, string>()

function hexOf(logId: Uint8Array): string {
  const known = hexes.get(logId)
  if (known !== undefined) return known
  const hex = toHex(logId)
  hexes.set(logId, hex)
  return hex
}

function hashed(text: string): bigint {
  const start = hash('sha256', text, 'binary').slice(0, 8)
  return Buffer.from(start, 'latin1').readBigInt64BE()
}
