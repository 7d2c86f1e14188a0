/** Policies that statements are held against, once it is verified who made them. Each is a file; its ending says what it is. */
import path from 'node:path'
import { isObject, parseStrictJson, quoted } from '@sigstack/crypto'
import { CliError } from '../errors.ts'
import { readInput } from '../files.ts'
import type { Io } from '../io.ts'

/** What a statement lacks, in one line; undefined where it lacks nothing. */
export type Check = (statement: Statement) => string | undefined

/** A whole in-toto statement. */
export type Statement = Readonly<Record<string, unknown>>

export type Policy = { readonly file: string; readonly check: Check }

const kinds: Readonly<
  Record<string, () => Promise<(file: string, bytes: Buffer) => Check | Promise<Check>>>
> = {
  '.json': async () => (await import('./json-schema.ts')).jsonSchemaCheck,
  '.cel': async () => (await import('./cel.ts')).celCheck,
  '.wasm': async () => (await import('./rego.ts')).regoCheck,
}

const refusals: Readonly<Record<string, { readonly message: string; readonly advice: string }>> = {
  '.cue': {
    message: 'policies in CUE are not supported',
    advice: 'Write it as CEL (FILE.cel) or as JSON Schema (FILE.json): docs/images.md shows both.',
  },
  '.rego': {
    message: 'policies in Rego are not compiled here',
    advice:
      'Compile it: opa build --v0-compatible -t wasm -e signature/allow POLICY.rego, and name the policy.wasm of the bundle.',
  },
}

/** Throws where one of them is none. */
export async function readPolicies(io: Io, files: readonly string[]): Promise<readonly Policy[]> {
  const policies: Policy[] = []
  for (const file of files) {
    const ending = path.extname(file).toLowerCase()
    const refusal = refusals[ending]
    if (refusal !== undefined)
      throw new CliError('bad_usage', `${file}: ${refusal.message}`, { advice: refusal.advice })
    const load = Object.hasOwn(kinds, ending) ? kinds[ending] : undefined
    if (load === undefined)
      throw new CliError(
        'bad_usage',
        'invalid policy format, expected .cel, .json (JSON Schema) or .wasm (Rego)',
      )
    const read = await load()
    policies.push({ file, check: await read(file, await readInput(io, file)) })
  }
  return policies
}

/** What the statement in an envelope lacks, a line each. */
export function complaintsOf(policies: readonly Policy[], payload: Uint8Array): readonly string[] {
  const statement = parseStrictJson(payload, { mostNames: 1_000_000 })
  if (!isObject(statement)) throw new Error('a verified statement is an object')
  return policies.flatMap(({ file, check }) => {
    const complaint = check(statement)
    return complaint === undefined ? [] : [`${file}: ${complaint}`]
  })
}

export function badPolicy(file: string, reason: string, cause?: unknown): CliError {
  return new CliError('bad_usage', `${file} is no policy: ${quoted(reason, 500)}`, { cause })
}
