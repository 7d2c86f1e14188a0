/**
 * Proto3 JSON, read strictly: as the Go clients read it, so that what passes here passes there.
 * Unknown and repeated members are refused, an explicit `null` counts as absent.
 */
import { CryptoError, parseBase64 } from '@sigstack/crypto'
import { TrustRootError } from './errors.ts'

/** A JSON value together with its place in the file, which every complaint names. */
export type Node = { readonly value: unknown; readonly path: string }

export type Members<Name extends string> = Readonly<Record<Name, Node | undefined>>

/** Larger than any published file by a factor of 50. */
const maximumTextLength = 1 << 20

export function parseJson(text: string, what: string): Node {
  if (text.length > maximumTextLength) {
    throw new TrustRootError('too_large', `the ${what} is larger than ${maximumTextLength} characters`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new TrustRootError('not_json', `the ${what} is not JSON`, { cause })
  }
  refuseRepeatedMembers(text)
  return { value, path: '' }
}

/**
 * The members of an object; names that `known` lacks are refused. Proto3 JSON has two spellings of a name,
 * lowerCamelCase and snake_case, and files with the second are about.
 */
export function membersOf<Name extends string>(node: Node, known: readonly Name[]): Members<Name> {
  const { value, path } = node
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(path, 'must be an object')
  const names: readonly string[] = known
  const found: Record<string, Node | undefined> = {}
  for (const [spelling, member] of Object.entries(value)) {
    const name = spelling.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (!names.includes(name)) {
      throw new TrustRootError('unknown_member', `${inside(path, spelling)} is not a known member`)
    }
    if (Object.hasOwn(found, name)) throw bad(inside(path, name), 'is there in two spellings')
    if (member !== null) found[name] = { value: member, path: inside(path, name) }
  }
  return found as Members<Name>
}

export function itemsOf(node: Node | undefined, maximum: number): readonly Node[] {
  if (node === undefined) return []
  if (!Array.isArray(node.value)) throw bad(node.path, 'must be an array')
  if (node.value.length > maximum) throw bad(node.path, `has more than ${maximum} items`)
  return node.value.map((value: unknown, position) => ({ value, path: `${node.path}[${position}]` }))
}

export function present(node: Node | undefined, parent: Node, name: string): Node {
  if (node === undefined) throw bad(inside(parent.path, name), 'is missing')
  return node
}

export function textOf(node: Node, maximum = 2048): string {
  if (typeof node.value !== 'string') throw bad(node.path, 'must be a string')
  if (node.value.length > maximum) throw bad(node.path, `is longer than ${maximum} characters`)
  return node.value
}

export function oneOf<Value extends string>(node: Node, allowed: readonly Value[]): Value {
  const found = allowed.find((value) => value === node.value)
  if (found === undefined) throw bad(node.path, `must be one of ${allowed.join(', ')}`)
  return found
}

export function bytesOf(node: Node, maximum: number): Uint8Array {
  const text = textOf(node, Math.ceil(maximum / 3) * 4)
  try {
    return parseBase64(text)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new TrustRootError('bad_member', `${node.path} is not base64`, { cause })
  }
}

export function integerOf(node: Node): number {
  const { value } = node
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw bad(node.path, 'must be a whole number from 0 to 2147483647')
  }
  return value
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** RFC 3339; what is finer than a millisecond is cut off. */
export function timeOf(node: Node): Date {
  const text = textOf(node, 40)
  const time = new Date(text)
  if (!rfc3339.test(text) || Number.isNaN(time.getTime())) throw bad(node.path, 'is not an RFC 3339 time')
  return time
}

export function bad(path: string, complaint: string): TrustRootError {
  return new TrustRootError('bad_member', `${path === '' ? 'the file' : path} ${complaint}`)
}

function inside(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/**
 * JSON.parse lets the last of two equal names win, other parsers the first: a file that two readers
 * understand differently must not pass. `text` is known to be valid JSON, so tokens suffice.
 */
function refuseRepeatedMembers(text: string): void {
  const open: (Set<string> | undefined)[] = []
  const tokens = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]/g
  for (const { 0: token, groups } of text.matchAll(tokens)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (groups?.['colon'] !== undefined) {
      const name: unknown = JSON.parse(token.slice(0, -groups['colon'].length))
      const names = open.at(-1)
      if (names?.has(String(name))) {
        throw new TrustRootError('not_json', `the member ${String(name)} occurs twice in one object`)
      }
      names?.add(String(name))
    }
  }
}
