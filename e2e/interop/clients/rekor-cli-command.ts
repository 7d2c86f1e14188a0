import { InteropError, type Session, type VerifyJob } from '../client.ts'

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
