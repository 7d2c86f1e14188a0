/** Changes to JSON values, and inside the base64, PEM and DER that their texts hold. */

import type { Random } from '../support/random.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { mutateDer } from './mutate-der.ts'
import { mutateText } from './mutate-text.ts'

const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  '0',
  '\0',
  [],
  {},
  [[]],
  'a'.repeat(5000),
  { a: { b: { c: [] } } },
  // Some libraries make bytes of it.
  { length: 50_000_000 },
  '\ud800',
]
const names = ['__proto__', 'constructor', 'toString', '', 'length', 'spec', 'iss']
const base64 = /^[A-Za-z0-9+/_-]{8,}={0,2}$/

/** Gives text: sometimes JSON, sometimes nearly. */
export function mutateJson(text: string, random: Random, others: readonly Uint8Array[]): string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return mutateText(text, random, others)
  }
  if (random.chance(0.1)) return mutateText(text, random, others)
  for (let i = 0; i <= random.below(3); i++) value = changed(value, random, others, 0)
  const written = JSON.stringify(value) ?? 'null'
  return random.chance(0.05) ? repeatName(written, random) : written
}

function changed(value: unknown, random: Random, others: readonly Uint8Array[], depth: number): unknown {
  if (typeof value === 'object' && value !== null && depth < 20 && random.chance(0.92)) {
    if (Array.isArray(value)) return changedList(value, random, others, depth)
    const entries = Object.entries(value)
    if (entries.length === 0 || random.chance(0.04))
      return { ...value, [random.pick(names)]: random.pick(values) }
    const index = random.below(entries.length)
    const [name, member] = entries[index] ?? ['', undefined]
    if (random.chance(0.06)) return Object.fromEntries(entries.toSpliced(index, 1))
    return Object.fromEntries(entries.with(index, [name, changed(member, random, others, depth + 1)]))
  }
  if (typeof value === 'string' && random.chance(0.8)) return changedText(value, random, others)
  return random.pick(values)
}

function changedList(
  list: readonly unknown[],
  random: Random,
  others: readonly Uint8Array[],
  depth: number,
): unknown {
  if (list.length === 0) return [random.pick(values)]
  const index = random.below(list.length)
  if (random.chance(0.1)) return list.toSpliced(index, 1)
  if (random.chance(0.1)) return [...list, list[index]]
  // Copies of copies would fill the memory.
  if (random.chance(0.02) && (JSON.stringify(list[index]) ?? '').length < 1000)
    return Array.from({ length: 3000 }, () => list[index])
  return list.with(index, changed(list[index], random, others, depth + 1))
}

function changedText(text: string, random: Random, others: readonly Uint8Array[]): string {
  if (!base64.test(text) || random.chance(0.15)) return mutateText(text, random, others)
  const inner = Buffer.from(text, 'base64')
  const first = inner[0]
  const asText = inner.toString('utf8')
  if (first === 0x7b || first === 0x5b)
    return Buffer.from(mutateJson(asText, random, others)).toString('base64')
  if (asText.startsWith('-----BEGIN'))
    return Buffer.from(mutateText(asText, random, others)).toString('base64')
  const change = first === 0x30 ? mutateDer : mutateBytes
  return Buffer.from(change(inner, random, others)).toString('base64')
}

function repeatName(text: string, random: Random): string {
  const found = [...text.matchAll(/"[a-zA-Z]+":/g)]
  if (found.length === 0) return text
  const { index, 0: name } = random.pick(found)
  return `${text.slice(0, index)}${name}1,${text.slice(index)}`
}
