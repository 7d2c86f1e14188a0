/** CMS as entries hold it: what cannot be read is a refusal of the entry. */

import { parseSignedData as parse, type SignedData } from '@sigstack/timestamp/cms'
import { TimestampError } from '@sigstack/timestamp/errors'
import { EntryError } from '../errors.ts'

/** Throws `bad_format`, or a CryptoError for what is no DER. */
export function parseSignedData(contentInfo: Uint8Array): SignedData {
  try {
    return parse(contentInfo)
  } catch (cause) {
    if (!(cause instanceof TimestampError)) throw cause
    throw new EntryError('bad_format', cause.message, { cause })
  }
}

export function malformed(reason: string): EntryError {
  return new EntryError('bad_format', `pkcs7: ${reason}`)
}
