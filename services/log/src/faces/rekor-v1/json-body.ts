/** Request bodies: text, or bytes where they are many, parsed once. */
import { badRequest, badSchema, type RekorRefusal } from './errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** `name` is the parameter's in Rekor's API description; `refuse` words what the decoder complained of. */
export function parseJsonBody(body: unknown, name: string, refuse: (reason: string) => string): unknown {
  const text = textOf(body, name)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw notJson(refuse, cause)
  }
}

/** The text of a body that must not be empty. */
export function textOf(body: unknown, name: string): string {
  const text = body instanceof Uint8Array ? Buffer.from(body).toString() : body
  if (typeof text === 'string' && text.trim() !== '') return text
  throw badSchema('required', `${name} in body is required`)
}

export function notJson(refuse: (reason: string) => string, cause?: unknown): RekorRefusal {
  return badRequest(refuse('the body is not valid JSON'), cause)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
