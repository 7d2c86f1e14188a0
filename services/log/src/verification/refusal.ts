/** Which bound of work a proposal has met, for the counter; `undefined` for refusals of another kind. */

import { EntryError } from '@sigstack/rekor-entries'
import { RekorLogError } from '@sigstack/rekor-log'
import { VerificationOverrun } from './thread.ts'

export type WorkRefusal = 'too_costly' | 'too_slow' | 'no_room'

export function workRefusalOf(error: unknown): WorkRefusal | undefined {
  if (error instanceof EntryError) return error.code === 'too_costly' ? 'too_costly' : undefined
  if (error instanceof VerificationOverrun) return 'too_slow'
  return error instanceof RekorLogError && error.code === 'queue_full' ? 'no_room' : undefined
}
