/**
 * Reads of which the reader chooses the size, whatever it is that is read: one at a time for all of them, in turns of the readers'
 * networks. They get an eighth of the process's time, and a share of what it can send, so that writers keep theirs.
 */
import { type Asker, createTurnstile } from '@sigstack/limits/turnstile'
import { RekorLogError } from './errors.ts'

export type DearReads = {
  /**
   * Throws RekorLogError `queue_full` when too many wait already, in all or of this network. `sentBytesOf` tells how much is sent of
   * what was read; it need not be exact.
   */
  pass<T>(asker: Asker, read: () => Promise<T>, sentBytesOf: (read: T) => number): Promise<T>
}

/** Rest after a read, for each moment it took. */
const restBesideWork = 7
const mostWaiting = 100
/** Sending takes the process's time as well, of what is longer than bundles of usual entries. */
const sentBytesPerMs = 8_000
const shortBytes = 524_288

export function createDearReads(): DearReads {
  const turns = createTurnstile({
    places: 1,
    queue: mostWaiting,
    rest: restBesideWork,
    onFull: () =>
      new RekorLogError('queue_full', 'too many readers of much are waiting already; try again shortly'),
  })
  return {
    pass: (asker, read, sentBytesOf) =>
      turns.pass(asker, read, (made) => {
        const bytes = sentBytesOf(made)
        return bytes < shortBytes ? 0 : bytes / sentBytesPerMs
      }),
  }
}
