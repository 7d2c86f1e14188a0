/** In-toto statements in DSSE envelopes: whether they speak of this artifact. */
import {
  type HashAlgorithm,
  isHashAlgorithm,
  isObject,
  parseStrictJson,
  quoted,
  toHex,
} from '@sigstack/crypto'
import type { Artifact } from './artifact.ts'
import type { Envelope } from './bundle.ts'
import { notVerified } from './errors.ts'

const statementTypes: readonly unknown[] = [
  'https://in-toto.io/Statement/v1',
  'https://in-toto.io/Statement/v0.1',
]
const mostSubjects = 1024
/** Lists of components are large. */
const mostNames = 1_000_000

/**
 * Throws `not_verified` unless a subject has the artifact's digest, where there is an artifact, and the predicate is of the
 * type asked for.
 */
export function demandStatementOf(
  envelope: Envelope,
  artifact: Artifact | undefined,
  predicateType?: string,
): void {
  if (envelope.payloadType !== 'application/vnd.in-toto+json')
    throw notVerified(`the envelope holds ${quoted(envelope.payloadType, 100)} and not an in-toto statement`)
  const statement = parseStatement(envelope)
  if (!statementTypes.includes(statement['_type']))
    throw notVerified('the envelope does not hold an in-toto statement of a known version')
  if (predicateType !== undefined && statement['predicateType'] !== predicateType) {
    const found = quoted(statement['predicateType'])
    throw notVerified(`invalid predicate type, expected ${quoted(predicateType)} got ${found}`)
  }
  if (artifact !== undefined && !subjectsOf(statement).some((subject) => isAbout(subject, artifact)))
    throw notVerified('no subject of the statement has the digest of this artifact')
}

/** The algorithms by which the statement's subjects are named, of those that count here. */
export function subjectAlgorithms(envelope: Envelope): readonly HashAlgorithm[] {
  try {
    const names = subjectsOf(parseStatement(envelope)).flatMap((subject) => Object.keys(digestsOf(subject)))
    return [...new Set(names)].filter(isHashAlgorithm)
  } catch {
    // What is wrong with it is said when it is verified.
    return []
  }
}

/** Every digest whose algorithm we know must agree; one by a weaker algorithm alone says nothing. */
export function isAbout(subject: unknown, { digests }: Artifact): boolean {
  const comparable = Object.entries(digestsOf(subject)).flatMap(([name, value]) => {
    const computed = isHashAlgorithm(name) ? digests[name] : undefined
    return computed === undefined ? [] : [value === toHex(computed)]
  })
  return comparable.length > 0 && comparable.every(Boolean)
}

export function subjectsOf(statement: Readonly<Record<string, unknown>>): readonly unknown[] {
  const subjects: readonly unknown[] = Array.isArray(statement['subject']) ? statement['subject'] : []
  if (subjects.length > mostSubjects)
    throw notVerified(`the statement has more than ${mostSubjects} subjects`)
  return subjects
}

function digestsOf(subject: unknown): Readonly<Record<string, unknown>> {
  return membersOf(membersOf(subject)['digest'])
}

export function parseStatement({ payload }: Envelope): Readonly<Record<string, unknown>> {
  try {
    return membersOf(parseStrictJson(payload, { mostNames }))
  } catch (cause) {
    throw notVerified('the statement in the envelope is not JSON', { cause })
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {}
}
