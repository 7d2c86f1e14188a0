/** Where keys are looked for, on behalf of a command. */
import { requestBounded } from '@sigstack/http-client'
import type { KeyContext } from '@sigstack/signing/keys'
import type { Io } from './io.ts'
import { readLocation } from './location.ts'
import { askPassword } from './questions.ts'

export function keyContext(io: Io): KeyContext {
  return {
    environment: io.environment,
    exchange: requestBounded,
    read: (location, what) => readLocation(location, what),
    password: () => askPassword(io),
  }
}
