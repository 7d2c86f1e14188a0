import { reasonOf } from '@sigstack/crypto'
import { ServerError } from '../errors.ts'

/** What is wrong with the environment, all of it in one sentence each. */
export class SettingsError extends ServerError {
  readonly complaints: readonly string[]
  constructor(complaints: readonly string[], options?: ErrorOptions) {
    const distinct = [...new Set(complaints)]
    super('bad_settings', `bad configuration: ${distinct.join('; ')}`, options)
    this.complaints = distinct
  }
}

/** Gathers what several readers complain of, so that one start tells everything. */
export type Complaints = {
  /** Undefined when `read` throws. */
  attempt<T>(read: () => T): T | undefined
  /** Throws a {@link SettingsError} when anything was complained of. */
  throwAny(): void
}

export function collectComplaints(): Complaints {
  const complaints: string[] = []
  return {
    attempt(read) {
      try {
        return read()
      } catch (error) {
        if (error instanceof SettingsError) complaints.push(...error.complaints)
        else complaints.push(reasonOf(error))
        return undefined
      }
    },
    throwAny() {
      if (complaints.length > 0) throw new SettingsError(complaints)
    },
  }
}
