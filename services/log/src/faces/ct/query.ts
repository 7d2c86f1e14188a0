import { CryptoError, parseBase64 } from '@sigstack/crypto'
import { asHash, type Hash } from '@sigstack/merkle'
import type { FastifyRequest } from 'fastify'
import { badRequest } from './errors.ts'

const largestInt64 = 2n ** 63n - 1n

/** A decimal of at least `minimum`, at most 63 bits. */
export function integerParameter(request: FastifyRequest, name: string, minimum: bigint): bigint {
  const text = textParameter(request, name)
  if (!/^-?\d{1,19}$/.test(text)) throw badRequest(`${name} must be an integer`)
  const value = BigInt(text)
  if (value < minimum) throw badRequest(`${name} must be at least ${minimum}`)
  if (value > largestInt64) throw badRequest(`${name} must be at most ${largestInt64}`)
  return value
}

/** Standard base64 of 32 bytes. An unescaped plus sign arrives as a space. */
export function hashParameter(request: FastifyRequest, name: string): Hash {
  const text = textParameter(request, name).replaceAll(' ', '+')
  let bytes: Uint8Array
  try {
    bytes = parseBase64(text)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw badRequest(`${name} must be base64`, cause)
  }
  if (bytes.length !== 32) throw badRequest(`${name} must have 32 bytes`)
  return asHash(bytes)
}

function textParameter(request: FastifyRequest, name: string): string {
  const value = (request.query as Readonly<Record<string, string | readonly string[] | undefined>>)[name]
  const text = typeof value === 'string' || value === undefined ? value : value.at(-1)
  if (text === undefined || text === '') throw badRequest(`${name} is missing`)
  return text
}
