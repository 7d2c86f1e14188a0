/** A CEL expression over a statement, which must come out true. */
import { type CelInput, CelScalar, celEnv, isCelError, mapType, parse, plan } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { quoted, reasonOf } from '@sigstack/crypto'
import { badPolicy, type Check } from './policy.ts'

const longestPolicy = 1 << 20

/** What an expression may name: the statement, and its members. */
const variables = {
  statement: mapType(CelScalar.STRING, CelScalar.DYN),
  predicateType: CelScalar.STRING,
  predicate: CelScalar.DYN,
  subject: CelScalar.DYN,
}

export function celCheck(file: string, bytes: Buffer): Check {
  if (bytes.length > longestPolicy) throw badPolicy(file, `it is larger than ${longestPolicy} bytes`)
  const evaluate = reading(file, () =>
    plan(celEnv({ variables, funcs: strings }), parse(bytes.toString('utf8'))),
  )
  return (statement) => {
    const result = evaluate({
      statement: celOf(statement) as Map<string, CelInput>,
      predicateType: String(statement['predicateType']),
      predicate: celOf(statement['predicate']),
      subject: celOf(statement['subject']),
    })
    if (result === true) return undefined
    if (isCelError(result)) return `the expression fails: ${quoted(reasonOf(result), 500)}`
    return `expression value, ${quoted(result, 200)}, is not true`
  }
}

/** Whole numbers are integers, as in the literals of an expression. */
function celOf(value: unknown): CelInput {
  if (Array.isArray(value)) return value.map(celOf)
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([name, member]) => [name, celOf(member)]))
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  return typeof value === 'string' || typeof value === 'boolean' ? value : null
}

function reading<Result>(file: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    throw badPolicy(file, reasonOf(cause), cause)
  }
}
