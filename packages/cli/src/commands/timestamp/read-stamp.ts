import { describeStamp, type StampFacts, TimestampError } from '@sigstack/timestamp'
import { CliError } from '../../errors.ts'

/** Throws a `CliError` that names `where`. */
export function readStamp(response: Uint8Array, where: string): StampFacts {
  try {
    return describeStamp(response)
  } catch (cause) {
    if (!(cause instanceof TimestampError)) throw cause
    throw new CliError('unreadable', `${where} holds no timestamp: ${cause.message}`, { cause })
  }
}
