/** In-toto statements, byte for byte as cosign writes them. */
import { goJson, type JsonValue, sortedMembers, utf8 } from '@sigstack/crypto'
import { predicateOf } from './predicate.ts'
import { imageSignaturePredicateType, predicateTypeUri } from './predicate-types.ts'

export const statementPayloadType = 'application/vnd.in-toto+json'

export type StatementSubject = {
  /** The repository of an image, the base name of a file. */
  readonly name: string
  /** By algorithm, in hex. */
  readonly digest: Readonly<Record<string, string>>
}

/** The payload that signs an image: the digest, and annotations of the signer. */
export function imageStatement(
  digest: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): Uint8Array {
  const isAnnotated = Object.keys(annotations).length > 0
  const subject = { digest, ...(isAnnotated && { annotations: sortedMembers(annotations) }) }
  return encode('v1', subject, imageSignaturePredicateType, {})
}

/** What `predicate`, the text of a file, says of `subject`. Throws `bad_statement`. */
export function attestationStatement(
  subject: StatementSubject,
  type: string,
  predicate: string,
  now: Date,
): Uint8Array {
  const { name, digest } = subject
  return encode('v0.1', { name, digest }, predicateTypeUri(type), predicateOf(type, predicate, now))
}

function encode(
  version: 'v1' | 'v0.1',
  subject: JsonValue,
  predicateType: string,
  predicate: JsonValue,
): Uint8Array {
  const _type = `https://in-toto.io/Statement/${version}`
  return utf8(goJson({ _type, subject: [subject], predicateType, predicate }))
}
