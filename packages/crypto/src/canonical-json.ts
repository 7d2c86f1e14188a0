/** Canonical JSON (RFC 8785) for the values that logs hold: strings, integers, booleans, null, lists and objects. */
import { CryptoError } from './errors.ts'

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined }

/** Members sorted by UTF-16 code units, no white space; members that are `undefined` are left out. */
export function canonicalJson(value: JsonValue): string {
  // Ours are mostly written in order, and are then the engine's own JSON, which is twice as quick.
  return isInOrder(value) ? JSON.stringify(value) : ordered(value)
}

/** Whether it is canonical as it stands. */
function isInOrder(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return value !== undefined
  if (isList(value)) return value.every(isInOrder)
  let last = ''
  for (const name of Object.keys(value)) {
    if (name < last || !name.isWellFormed() || !isInOrder(value[name])) return false
    last = name
  }
  return true
}

function ordered(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') {
    // RFC 8785 section 3.2.2.2: a lone surrogate has no UTF-8 form, so no bytes to sign.
    if (!value.isWellFormed()) throw new CryptoError('bad_json', 'a string holds a lone surrogate')
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CryptoError('bad_json', `${value} is no JSON number`)
    return JSON.stringify(value)
  }
  if (isList(value)) return `[${value.map(ordered).join(',')}]`
  const members: string[] = []
  for (const name of Object.keys(value).sort()) {
    const member = value[name]
    if (member !== undefined) members.push(`${ordered(name)}:${ordered(member)}`)
  }
  return `{${members.join(',')}}`
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
