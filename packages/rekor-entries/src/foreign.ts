/** What libraries and parsers of foreign formats throw, told as a refusal of the entry. */
import { CryptoError } from '@sigstack/crypto'
import { X509Error } from '@sigstack/x509'
import { EntryError } from './errors.ts'

/** Runs what parses and checks with our own parsers; what they find fault with becomes `bad_format`. */
export async function refusing<T>(prefix: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (cause) {
    if (cause instanceof EntryError) {
      if (prefix === '') throw cause
      throw new EntryError(cause.code, `${prefix}: ${cause.message}`, { cause })
    }
    if (!(cause instanceof CryptoError || cause instanceof X509Error)) throw cause
    throw new EntryError('bad_format', prefix === '' ? cause.message : `${prefix}: ${cause.message}`, {
      cause,
    })
  }
}

/** Runs one call of a library that throws plain errors for what it cannot read. */
export async function parsing<T>(prefix: string, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse()
  } catch (cause) {
    if (cause instanceof EntryError || !(cause instanceof Error)) throw cause
    throw new EntryError('bad_format', `${prefix}: ${cause.message.slice(0, 200)}`, { cause })
  }
}
