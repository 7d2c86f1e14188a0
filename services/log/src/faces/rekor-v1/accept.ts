/**
 * Content negotiation (rekor-v1.md section 1.1): what a GET answers has one type, the key two, and 406 goes to who excludes it. A
 * POST is obeyed whatever it says.
 */
import { weightsOf } from '@sigstack/server'
import type { FastifyRequest } from 'fastify'
import { RekorRefusal } from './errors.ts'

export const jsonType = 'application/json'
export const pemType = 'application/x-pem-file'

export function assertAccepts(request: FastifyRequest, type: string): void {
  preferredType(request, [type])
}

/** The first of the types that is accepted. */
export function preferredType(request: FastifyRequest, types: readonly [string, ...string[]]): string {
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*') return types[0]
  const accepted = types.find((type) => accept === type || accepts(accept, type))
  if (accepted !== undefined) return accepted
  throw new RekorRefusal(406, `unsupported media type requested, only [${types.join(' ')}] are available`)
}

function accepts(accept: string, type: string): boolean {
  if (accept.trim() === '') return true
  const weights = weightsOf(accept)
  const family = `${type.slice(0, type.indexOf('/'))}/*`
  // The closest range counts (RFC 9110 section 12.5.1).
  return (weights.get(type) ?? weights.get(family) ?? weights.get('*/*') ?? 0) > 0
}
