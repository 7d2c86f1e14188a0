/** Parameters in the query string, in the words Rekor refuses them with (rekor-v1.md sections 2.2, 2.3, 2.5 and 9.1). */
import { quoted } from '@sigstack/crypto'
import type { FastifyRequest } from 'fastify'
import { badSchema } from './errors.ts'

const largestInt64 = 2n ** 63n - 1n
const smallestInt64 = -(2n ** 63n)

/** The last of repeated ones; an empty value counts as absent. */
export function textParameter(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, string | readonly string[] | undefined>>)[name]
  const last = typeof value === 'string' || value === undefined ? value : value.at(-1)
  return last === '' ? undefined : last
}

export function requiredInteger(request: FastifyRequest, name: string, minimum: bigint): bigint {
  const value = integerParameter(request, name, minimum)
  if (value === undefined) throw badSchema('required', `${name} in query is required`)
  return value
}

export function integerParameter(request: FastifyRequest, name: string, minimum: bigint): bigint | undefined {
  const text = textParameter(request, name)
  if (text === undefined) return undefined
  const value = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : undefined
  if (value === undefined || value > largestInt64 || value < smallestInt64) {
    throw badSchema('wrong_type', `${name} in query must be of type int64: ${quoted(text)}`)
  }
  if (value < minimum) {
    throw badSchema('below_minimum', `${name} in query should be greater than or equal to ${minimum}`)
  }
  return value
}

/** Digits of any length: whether they are a tree ID is the endpoint's to say. */
export function treeIdParameter(request: FastifyRequest): bigint | undefined {
  const text = textParameter(request, 'treeID')
  if (text === undefined) return undefined
  if (!/^[0-9]{1,100}$/.test(text)) {
    throw badSchema('pattern', `treeID in query should match '^[0-9]+$'`)
  }
  return BigInt(text)
}
