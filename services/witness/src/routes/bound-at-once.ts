import { networkOf } from '@sigstack/limits'
import { WitnessError } from '../cosigning/errors.ts'

/** Runs at most `limit` at the same time, and of one network of senders at most `limitEach`; throws `busy` for more. */
export function boundAtOnce(
  limit: number,
  limitEach = limit,
): <T>(address: string, work: () => Promise<T>) => Promise<T> {
  const running: string[] = []
  return async (address, work) => {
    const network = networkOf(address)
    if (running.length >= limit || running.filter((each) => each === network).length >= limitEach)
      throw new WitnessError('busy', 'too many submissions at once; come back')
    running.push(network)
    try {
      return await work()
    } finally {
      running.splice(running.indexOf(network), 1)
    }
  }
}
