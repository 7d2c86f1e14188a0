import { setTimeout as sleep } from 'node:timers/promises'
import { InteropError } from '../../support/interop-error.ts'
import { type Session, type VerifyJob } from '../client.ts'

/** Runs the program against the stack's log with the key it is told to trust: by itself it believes the log it asks. */
export type RekorCli = (session: Session, job: VerifyJob, args: readonly string[]) => Promise<string>

export function expect(answer: string, part: string, what: string): void {
  if (!answer.includes(part)) {
    throw new InteropError(
      'failed',
      `${what} answered without ${JSON.stringify(part)}: ${answer.slice(0, 200)}`,
    )
  }
}

/** The log answers before its search index has an entry, so a search that finds nothing is made again for a while. */
export async function expectFound(search: () => Promise<string>, uuid: string, what: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return expect(await search(), uuid, what)
    } catch (error) {
      if (attempt === 20 || !(error instanceof InteropError && error.code === 'failed')) throw error
      await sleep(500)
    }
  }
}
