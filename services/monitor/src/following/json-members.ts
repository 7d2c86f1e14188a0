/** Members of answers that should have them. Each throws `bad_answer`. */
import { memberAt, parseBase64 } from '@sigstack/crypto'
import { badAnswer } from './ask.ts'

export function bytesMember(value: unknown, name: string, url: string): Uint8Array {
  return base64Of(memberAt(value, name), name, url)
}

export function base64Of(text: unknown, what: string, url: string): Uint8Array {
  try {
    if (typeof text === 'string') return parseBase64(text)
  } catch {
    // Told below.
  }
  throw badAnswer(url, `${what} is not base64`)
}

/** A number, or its decimal text. */
export function countMember(value: unknown, name: string, url: string): bigint {
  const count = memberAt(value, name)
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return BigInt(count)
  if (typeof count === 'string' && /^\d{1,18}$/.test(count)) return BigInt(count)
  throw badAnswer(url, `${name} is no count`)
}

export function textMember(value: unknown, name: string, url: string): string {
  const text = memberAt(value, name)
  if (typeof text === 'string') return text
  throw badAnswer(url, `${name} is no text`)
}

export function listMember(value: unknown, name: string, url: string): readonly unknown[] {
  const list = memberAt(value, name)
  if (Array.isArray(list)) return list
  throw badAnswer(url, `${name} is no list`)
}
