import { WitnessError } from '../cosigning/errors.ts'

/** Runs at most `limit` at the same time; throws `busy` for more. */
export function boundAtOnce(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  return async (work) => {
    if (running >= limit) throw new WitnessError('busy', 'too many submissions at once; come back')
    running++
    try {
      return await work()
    } finally {
      running--
    }
  }
}
