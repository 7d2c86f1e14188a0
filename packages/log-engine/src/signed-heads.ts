/**
 * The largest tree head of a log that its key has signed, kept where whoever can write to the database cannot: a database that was put
 * back to an older state, or that another history was written into, is then found before anything is signed, also after a start.
 */
import type { TreeHead } from '@sigstack/merkle'
import type { SignedCheckpoint } from './log.ts'

export type KeptHead = TreeHead & {
  readonly origin: string
  /** For messages. */
  readonly where: string
}

export type SignedHeads = {
  /** Undefined when none is kept. Throws when what is kept cannot be trusted. */
  read(): Promise<KeptHead | undefined>
  /**
   * Told of every checkpoint that was signed, in no particular order. Never waits and never throws: nobody should be kept from an
   * answer by it.
   */
  keep(checkpoint: SignedCheckpoint): void
  /**
   * Told that the log grew by entries whose writers needed no checkpoint: `sign` signs the newest head, and has it kept, when it is time to
   * write one. Never waits and never throws.
   */
  follow(sign: () => Promise<unknown>): void
  /** Resolves when the largest of what it was told is kept, if it can be. */
  close(): Promise<void>
}
