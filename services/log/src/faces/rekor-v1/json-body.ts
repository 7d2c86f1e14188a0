/** Request bodies: text, or bytes where they are many, parsed once. */
import { parseBoundedJson } from '@sigstack/crypto'
import { badRequest, badSchema, type RekorRefusal } from './errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** `name` is the parameter's in Rekor's API description; `refuse` words what the decoder complained of. */
export function parseJsonBody(body: unknown, name: string, refuse: (reason: string) => string): unknown {
  const text = textOf(body, name)
  try {
    return parseBoundedJson(text)
  } catch (cause) {
    throw notJson(refuse, body, cause)
  }
}

/** The text of a body that must not be empty. */
export function textOf(body: unknown, name: string): string {
  const text = body instanceof Uint8Array ? Buffer.from(body).toString() : body
  if (typeof text === 'string' && text.trim() !== '') return text
  throw badSchema('required', `${name} in body is required`)
}

export function notJson(refuse: (reason: string) => string, body: unknown, cause?: unknown): RekorRefusal {
  // As gzip begins, and no JSON: upstream does not unpack it either.
  const first = typeof body === 'string' ? body.charCodeAt(0) : body instanceof Uint8Array ? body[0] : 0
  const what = first === 0x1f ? 'compressed, and bodies are taken as they are' : 'not valid JSON'
  return badRequest(refuse(`the body is ${what}`), cause)
}
