/** A CEL expression over a statement, which must come out true. */
import { type CelInput, CelScalar, celEnv, isCelError, mapType, parse, plan } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { quoted, reasonOf } from '@sigstack/crypto'
import { badPolicy, type Check } from './policy.ts'

const longestPolicy = 1 << 20
/** Of all lists and maps, each time that one is gone through: a statement is somebody else's, and may be of any size. */
const mostVisits = 2_000_000

const tooMuch = `the expression looks at more than this tool does for one statement: ${mostVisits} items`
/** The library tells it as an error of the expression: what `map` and `filter` give is nested as deep as it is long. */
const stackEnds = 'Maximum call stack size exceeded'

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
    let left = mostVisits
    // The library makes an error of the expression of it, and may go on; but not to look at anything.
    const visit = (): void => {
      if (--left < 0) throw new Error(tooMuch)
    }
    const result = evaluate({
      statement: celOf(statement, visit) as Map<string, CelInput>,
      predicateType: String(statement['predicateType']),
      predicate: celOf(statement['predicate'], visit),
      subject: celOf(statement['subject'], visit),
    })
    if (left < 0 || (isCelError(result) && reasonOf(result) === stackEnds)) return tooMuch
    if (result === true) return undefined
    if (isCelError(result)) return `the expression fails: ${quoted(reasonOf(result), 500)}`
    return `expression value, ${quoted(result, 200)}, is not true`
  }
}

/** Whole numbers are integers, as in the literals of an expression. */
function celOf(value: unknown, visit: () => void): CelInput {
  if (Array.isArray(value)) {
    const items = value.map((item) => celOf(item, visit))
    return Object.assign(items, { values: () => counted(items, visit) })
  }
  if (typeof value === 'object' && value !== null) {
    const members = new Map(Object.entries(value).map(([name, member]) => [name, celOf(member, visit)]))
    const [keys, entries, values] = [[...members.keys()], [...members], [...members.values()]]
    return Object.assign(members, {
      keys: () => counted(keys, visit),
      entries: () => counted(entries, visit),
      values: () => counted(values, visit),
    })
  }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  return typeof value === 'string' || typeof value === 'boolean' ? value : null
}

function* counted<Item>(items: readonly Item[], visit: () => void): ArrayIterator<Item> {
  for (const item of items) {
    visit()
    yield item
  }
}

function reading<Result>(file: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    throw badPolicy(file, reasonOf(cause), cause)
  }
}
