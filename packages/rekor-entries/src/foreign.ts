/** What libraries and parsers of foreign formats throw, told as a refusal of the entry. */
import { CryptoError, escaped } from '@sigstack/crypto'
import { X509Error } from '@sigstack/x509'
import { EntryError } from './errors.ts'
import type { Verifier } from './verifier.ts'

/** Runs what parses and checks with our own parsers; what they find fault with becomes `bad_format`. */
export async function refusing<T>(prefix: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (cause) {
    if (!isRefusal(cause)) throw cause
    const isOurs = cause instanceof EntryError
    if (isOurs && prefix === '') throw cause
    const message = prefix === '' ? cause.message : `${prefix}: ${cause.message}`
    throw new EntryError(isOurs ? cause.code : 'bad_format', message, { cause })
  }
}

/**
 * The signers in a stored body. Logs hold entries of times before the door was as strict: of what cannot be read now nobody is
 * named, and the rest of the entry is found all the same.
 */
export function storedVerifiers(read: () => readonly Verifier[]): readonly Verifier[] {
  try {
    return read()
  } catch (error) {
    if (isRefusal(error)) return []
    throw error
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof EntryError || error instanceof CryptoError || error instanceof X509Error
}

/** Runs one call of a library that throws plain errors for what it cannot read. */
export async function parsing<T>(prefix: string, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse()
  } catch (cause) {
    if (cause instanceof EntryError || !(cause instanceof Error)) throw cause
    throw new EntryError('bad_format', `${prefix}: ${escaped(cause.message)}`, { cause })
  }
}
