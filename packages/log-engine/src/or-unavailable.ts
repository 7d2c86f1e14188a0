import { isFull, isUnavailable } from '@sigstack/postgres'
import { LogError } from './errors.ts'

/** Settles as `work` does; but the database's being away is `unavailable` here, which every dialect answers as "come back". */
export async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw asLogError(error)
  }
}

export function asLogError(error: unknown): unknown {
  if (!isUnavailable(error)) return error
  const what = isFull(error) ? 'has no room' : 'cannot be reached'
  return new LogError('unavailable', `the database of the log ${what}; try again`, { cause: error })
}
