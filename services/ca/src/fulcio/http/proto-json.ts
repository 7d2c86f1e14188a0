/**
 * The protobuf JSON mapping as far as these requests need it (fulcio.md section 1.3): names in lowerCamelCase or snake_case,
 * null means unset, unknown names are dropped, bytes in either base64 alphabet with or without padding.
 */
import {
  CryptoError,
  isObject,
  type JsonValue,
  parseBase64,
  parseStrictJson,
  protoNameOf,
  StrictJsonError,
} from '@sigstack/crypto'
import { MessageError } from '../message-error.ts'

export type Message = { readonly [name: string]: JsonValue | undefined }

/** A message has some ten; the rest is for names of a later version, which are dropped. */
const mostNames = 100

/** An empty body is an empty message. */
export function parseMessage(body: Uint8Array): Message {
  if (body.length === 0) return {}
  let value: JsonValue
  try {
    value = parseStrictJson(body, { mostNames })
  } catch (cause) {
    if (cause instanceof StrictJsonError)
      throw new MessageError(`invalid request: ${cause.message}`, { cause })
    throw cause
  }
  return asMessage(value, 'the request')
}

/** The member `name`, in either spelling; both at once are a name that occurs twice. */
export function readMember(message: Message, name: string): JsonValue | undefined {
  const snake = protoNameOf(name)
  if (snake !== name && Object.hasOwn(message, snake)) {
    if (Object.hasOwn(message, name)) throw new MessageError(`invalid request: ${name} occurs twice`)
    return message[snake] ?? undefined
  }
  return Object.hasOwn(message, name) ? (message[name] ?? undefined) : undefined
}

export function readMessage(message: Message, name: string): Message | undefined {
  const value = readMember(message, name)
  return value === undefined ? undefined : asMessage(value, name)
}

/** Unset is the empty text, as protobuf has it. */
export function readText(message: Message, name: string): string {
  const value = readMember(message, name) ?? ''
  if (typeof value !== 'string') throw new MessageError(`invalid request: ${name} must be a text`)
  return value
}

/** Its value is never used, so unknown names and numbers pass; other types do not. */
export function checkEnum(message: Message, name: string): void {
  const value = readMember(message, name)
  if (value !== undefined && typeof value !== 'string' && !Number.isInteger(value))
    throw new MessageError(`invalid request: ${name} must be a name or a number`)
}

/** Unset is no bytes. */
export function readBytes(message: Message, name: string): Uint8Array {
  const text = readText(message, name).replaceAll(/[\r\n]/g, '')
  const urlSafe = /[-_]/.test(text)
  if (urlSafe && /[+/]/.test(text)) throw badBase64(name)
  const standard = urlSafe ? text.replaceAll('-', '+').replaceAll('_', '/') : text
  const missing = (4 - (standard.length % 4)) % 4
  try {
    return parseBase64(missing > 0 && !standard.endsWith('=') ? standard + '='.repeat(missing) : standard)
  } catch (cause) {
    if (cause instanceof CryptoError) throw badBase64(name, cause)
    throw cause
  }
}

function asMessage(value: JsonValue, name: string): Message {
  if (!isObject(value)) throw new MessageError(`invalid request: ${name} must be an object`)
  return value as Message
}

function badBase64(name: string, cause?: unknown): MessageError {
  return new MessageError(`invalid request: ${name} is not base64`, { cause })
}
