/**
 * Reads of which the reader chooses the size, whatever it is that is read: one at a time for all of them, in turns of the readers'
 * networks. While entries are written they get a sixteenth of the process's time, and a share of what it can send, so that writers keep
 * theirs; half of it otherwise.
 */
import { type Asker, createTurnstile } from '@sigstack/limits/turnstile'
import { RekorLogError } from './errors.ts'

export type DearReads = {
  /**
   * Throws RekorLogError `queue_full` when too many wait already, in all or of this network. `sentBytesOf` tells how much is sent of
   * what was read; it need not be exact.
   */
  pass<T>(asker: Asker, read: () => Promise<T>, sentBytesOf: (read: T) => number): Promise<T>
  /** For what is at hand: at once where nobody writes, unless it is long; otherwise as `pass`. */
  give<T>(asker: Asker, made: T, sentBytesOf: (made: T) => number): Promise<T>
}

export type DearReadsOptions = {
  /** Whether entries are being written; as if they always were when left out. */
  readonly isWriting?: () => boolean
}

/** Rest after a read, for each moment it took. */
const restBesideWriters = 15
const restBesideReaders = 1
const mostWaiting = 100
/** Sending takes the process's time as well. */
const sentBytesPerMs = 32_000
/** Twice what bundles of usual entries have. Of longer ones fewer are sent whoever else is there: each waits in memory until it is read. */
const longBytes = 1_048_576
const longBytesPerMs = 8_000

export function createDearReads({ isWriting = () => true }: DearReadsOptions = {}): DearReads {
  const turns = createTurnstile({
    places: 1,
    queue: mostWaiting,
    rest: () => (isWriting() ? restBesideWriters : restBesideReaders),
    onFull: () =>
      new RekorLogError('queue_full', 'too many readers of much are waiting already; try again shortly'),
  })

  function pass<T>(asker: Asker, read: () => Promise<T>, sentBytesOf: (read: T) => number): Promise<T> {
    return turns.pass(asker, read, (made) => {
      const bytes = sentBytesOf(made)
      if (bytes > longBytes) return bytes / longBytesPerMs
      return isWriting() ? bytes / sentBytesPerMs : 0
    })
  }

  return {
    pass,
    give: async (asker, made, sentBytesOf) =>
      isWriting() || sentBytesOf(made) > longBytes ? pass(asker, async () => made, sentBytesOf) : made,
  }
}
