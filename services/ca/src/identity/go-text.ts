/** Claim values as text, the way Go prints them: what templates and issuer claims are made of. */
import type { JsonValue } from '@sigstack/crypto'

/** Whole numbers come out as digits without exponent, null as `<nil>`, lists as `[a b]`, objects as `map[k:v]`. */
export function goText(value: JsonValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null) return '<nil>'
  if (isList(value)) return `[${value.map(goText).join(' ')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${members.map(([name, member]) => `${name}:${goText(member ?? null)}`).join(' ')}]`
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString()
  const text = String(value)
  const [mantissa = '', exponent] = text.split('e-')
  if (exponent === undefined) return text
  // 1.5e-7 is the only shape left: large numbers are whole.
  const sign = mantissa.startsWith('-') ? '-' : ''
  const digits = mantissa.replace(/[-.]/g, '')
  return `${sign}0.${'0'.repeat(Number(exponent) - 1)}${digits}`
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
