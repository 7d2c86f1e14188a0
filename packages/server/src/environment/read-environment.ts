/** Reads the variables that a schema declares, and complains in sentences. */
import { quoted } from '@sigstack/crypto'
import type { Static, TObject, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { readSecret } from '../secret.ts'
import { isSet } from './is-set.ts'
import { collectComplaints, SettingsError } from './settings-error.ts'
import { type Environment, marksOf } from './variable.ts'

/**
 * The values of `schema`'s variables, with its defaults. Throws one {@link SettingsError} that names every bad one. Variables that
 * the schema does not know are left alone; see `adviseOnVariables`.
 */
export function readEnvironment<T extends TObject>(environment: Environment, schema: T): Static<T> {
  const complaints = collectComplaints()
  const values: Record<string, unknown> = {}
  for (const [name, variable] of Object.entries(schema.properties)) {
    complaints.attempt(() => {
      const value = readVariable(environment, name, variable)
      if (value !== undefined) values[name] = value
      else if (schema.required?.includes(name) === true)
        throw new Error(`${name} is missing${wanted(variable)}`)
    })
  }
  complaints.throwAny()
  // Each is right by itself; this is for what a schema says of several.
  if (!Value.Check(schema, values)) throw new SettingsError(['the variables do not go together'])
  return values as Static<T>
}

function readVariable(environment: Environment, name: string, schema: TSchema): unknown {
  const { secret = false } = marksOf(schema)
  const text = textOf(environment, name, schema)
  if (text === undefined) return (schema as { readonly default?: unknown }).default
  const value = valueOf(text, schema)
  if (Value.Check(schema, value)) return value
  throw new Error(`${name} must be ${expectation(schema)}${secret ? '' : `, not ${quoted(text, 80)}`}`)
}

/** Under its name, or else under a former one. */
function textOf(environment: Environment, name: string, schema: TSchema): string | undefined {
  const { secret = false, formerly = [] } = marksOf(schema)
  for (const each of [name, ...formerly]) {
    const text = secret ? readSecret(environment, each) : environment[each]
    if (isSet(text)) return text
  }
  return undefined
}

/** Only texts without a rule, such as paths and passwords, may begin or end with a blank. */
function valueOf(text: string, schema: TSchema): unknown {
  const { type, pattern } = schema as { readonly type?: string; readonly pattern?: string }
  const trimmed = text.trim()
  if (type === 'integer') return /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed
  return type === 'string' && pattern === undefined ? text : trimmed
}

type Rules = {
  readonly type?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly enum?: readonly string[]
  readonly anyOf?: readonly (Rules & { readonly const?: string })[]
  readonly description?: string
}

/** What may stand behind "must be". */
function expectation(schema: TSchema): string {
  const { type, description, minimum, maximum, minLength = 0, maxLength, ...rules } = schema as Rules
  if (description !== undefined) return description
  const choices = rules.enum ?? rules.anyOf?.flatMap(({ const: choice }) => choice ?? [])
  if (choices !== undefined) return eitherOf(choices)
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`
  if (maxLength === undefined) return `a text of at least ${minLength} characters`
  return `a text of ${minLength} to ${maxLength} characters`
}

function eitherOf(choices: readonly string[]): string {
  const last = choices.at(-1) ?? ''
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(', ')} or ${last}`
}

function wanted(schema: TSchema): string {
  const { description, enum: choices, anyOf } = schema as Rules
  return description === undefined && choices === undefined && anyOf === undefined
    ? ''
    : ` (${expectation(schema)})`
}
