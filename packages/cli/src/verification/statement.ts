/** In-toto statements in DSSE envelopes: whether they speak of this artifact. The library leaves that to us. */
import { type HashAlgorithm, isHashAlgorithm, toHex } from '@sigstack/crypto'
import { CliError } from '../errors.ts'
import { type Artifact, digestOf } from './artifact.ts'

export type DsseEnvelope = { readonly payloadType: string; readonly payload: Uint8Array }

const statementTypes: readonly unknown[] = [
  'https://in-toto.io/Statement/v1',
  'https://in-toto.io/Statement/v0.1',
]

/** Throws `not_verified` unless a subject has the artifact's digest, and the predicate is of the type asked for. */
export function demandStatementOf(envelope: DsseEnvelope, artifact: Artifact, predicateType?: string): void {
  if (envelope.payloadType !== 'application/vnd.in-toto+json') {
    throw new CliError(
      'not_verified',
      `the envelope holds ${envelope.payloadType} and not an in-toto statement`,
    )
  }
  const statement = parseObject(Buffer.from(envelope.payload).toString('utf8'))
  if (!statementTypes.includes(statement['_type'])) {
    throw new CliError('not_verified', 'the envelope does not hold an in-toto statement of a known version')
  }
  if (predicateType !== undefined && statement['predicateType'] !== predicateType) {
    const found = String(statement['predicateType'])
    throw new CliError('not_verified', `invalid predicate type, expected ${predicateType} got ${found}`)
  }
  const subjects: readonly unknown[] = Array.isArray(statement['subject']) ? statement['subject'] : []
  if (!subjects.some((subject) => isAbout(subject, artifact))) {
    throw new CliError('not_verified', 'no subject of the statement has the digest of this artifact')
  }
}

/** Every digest whose algorithm we know must agree; one by a weaker algorithm alone says nothing. */
function isAbout(subject: unknown, artifact: Artifact): boolean {
  const digests = membersOf(membersOf(subject)['digest'])
  const known = Object.entries(digests).flatMap(([name, value]): [HashAlgorithm, unknown][] =>
    isHashAlgorithm(name) ? [[name, value]] : [],
  )
  const comparable = known.flatMap(([algorithm, value]) => {
    const computed = digestOf(artifact, algorithm)
    return computed === undefined ? [] : [value === toHex(computed)]
  })
  return comparable.length > 0 && comparable.every(Boolean)
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return membersOf(JSON.parse(text))
  } catch (cause) {
    throw new CliError('not_verified', 'the statement in the envelope is not JSON', { cause })
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
