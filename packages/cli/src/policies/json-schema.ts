/** A JSON Schema (draft 7, 2019-09 or 2020-12) of whole statements. */
import { canonicalJson, isObject, type JsonValue, parseStrictJson, quoted, reasonOf } from '@sigstack/crypto'
import { Ajv, type Options } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { RE2JS } from 're2js'
import { badPolicy, type Check } from './policy.ts'

/** In the place of RegExp: what stands in a statement is somebody else's, and is matched in linear time. */
class Re2 {
  readonly #source: string
  readonly #pattern: RE2JS
  constructor(source: string) {
    this.#source = source
    this.#pattern = RE2JS.compile(source)
  }
  /** By its text Ajv tells one pattern from another. */
  toString(): string {
    return `/${this.#source}/u`
  }
  test(text: string): boolean {
    return this.#pattern.matcher(text).find()
  }
}
const regExp = Object.assign((source: string) => new Re2(source), { code: 'new RegExp' })

/** A keyword or format that nothing checks is a mistake, and not a policy. */
const options: Options = {
  strict: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
  // A statement has what stands in it, and nothing that JavaScript gives to every object.
  ownProperties: true,
  code: { regExp },
}

export function jsonSchemaCheck(file: string, bytes: Buffer): Check {
  const schema = reading(file, () => parseStrictJson(bytes, { mostNames: 100_000 }))
  if (!isObject(schema)) throw badPolicy(file, 'it is no JSON object')
  const { $schema: draft } = schema
  const validate = reading(file, () => ajvFor(typeof draft === 'string' ? draft : '').compile(schema))
  // What such a schema answers is a promise, and true of every statement.
  if ('$async' in validate) throw badPolicy(file, '$async is no keyword of JSON Schema')
  // A ring of references that needs nothing of a statement shows itself before there is one.
  if (isEndless(() => validate({}))) throw badPolicy(file, endless)
  return (statement) => {
    let isGood = false
    const check = (): void => {
      isGood = validate(statement) === true
    }
    if (isEndless(check)) return endless
    if (isGood) return undefined
    // The first one: a statement may break a schema in more places than anybody reads.
    const [complaint] = validate.errors ?? []
    return `${quoted(complaint?.instancePath || '/', 200)} ${complaint?.message}`
  }
}

const endless = 'a $ref leads back to itself without end'

/** Nothing else in a check has an end of the stack: statements are not nested so deep. */
function isEndless(check: () => void): boolean {
  try {
    check()
    return false
  } catch (error) {
    if (error instanceof RangeError) return true
    throw error
  }
}

function ajvFor(draft: string): Ajv {
  const ajv = draft.includes('draft-07')
    ? new Ajv(options)
    : draft.includes('2019-09')
      ? new Ajv2019(options)
      : new Ajv2020(options)
  // Ajv's own compares each item with each.
  return ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    error: { message: 'must NOT have duplicate items' },
    validate: (isWanted: boolean, items: readonly JsonValue[]) =>
      !isWanted || new Set(items.map(canonicalJson)).size === items.length,
  })
}

function reading<Result>(file: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    throw badPolicy(file, cause instanceof RangeError ? endless : reasonOf(cause), cause)
  }
}
