/** The predicate that a file becomes, by the type it is attested as. */
import { isObject, type JsonValue, parseStrictJson, quoted, StrictJsonError } from '@sigstack/crypto'
import { SigningError } from '../errors.ts'
import { predicateTypeUri } from './predicate-types.ts'

/** Lists of components are large. */
const mostNames = 1_000_000

/** `type` is a short name or a URI; `now` is told in what has no form of its own. Throws `bad_statement`. */
export function predicateOf(type: string, text: string, now: Date): JsonValue {
  const uri = predicateTypeUri(type)
  if (uri === predicateTypeUri('custom'))
    return { Data: text, Timestamp: `${now.toISOString().slice(0, 19)}Z` }
  // Verifiers of bundles want an object; cosign signs it all the same, and so does who reads old attestations.
  if (type === 'spdx') return text
  const predicate = objectIn(uri, text)
  if (uri === predicateTypeUri('link') && typeof predicate['_type'] !== 'string')
    throw new SigningError('bad_statement', 'link statement: required field _type missing')
  return predicate
}

/**
 * A statement that somebody else wrote, byte for byte; its subjects are held against the artifact when it
 * is verified.
 */
export function predicateTypeOfStatement(text: string): string {
  const statement = objectIn('in-toto statement', text)
  const type = statement['predicateType']
  if (typeof type !== 'string' || type === '')
    throw new SigningError('bad_statement', 'the statement names no predicateType')
  return type
}

function objectIn(what: string, text: string): Readonly<Record<string, JsonValue>> {
  let value: unknown
  try {
    value = parseStrictJson(Buffer.from(text), { mostNames })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new SigningError(
      'bad_statement',
      `invalid JSON payload for predicate type ${quoted(what)}: ${cause.message}`,
      { cause },
    )
  }
  if (!isObject(value))
    throw new SigningError(
      'bad_statement',
      `invalid JSON payload for predicate type ${quoted(what)}: a predicate is an object`,
    )
  return value as Readonly<Record<string, JsonValue>>
}
