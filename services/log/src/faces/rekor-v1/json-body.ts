/** Request bodies: text, parsed once. */
import { badRequest, badSchema } from './errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** `name` is the parameter's in Rekor's API description; `refuse` words what the decoder complained of. */
export function parseJsonBody(body: unknown, name: string, refuse: (reason: string) => string): unknown {
  if (typeof body !== 'string' || body.trim() === '') {
    throw badSchema('required', `${name} in body is required`)
  }
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw badRequest(refuse('the body is not valid JSON'), cause)
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
