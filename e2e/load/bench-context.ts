/** What every scenario of the bench works with. */
import { parsePublicKeyPem } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import { createChecker, type LogEntry } from '../support/checker/checker.ts'
import type { LoadResult } from '../support/load.ts'
import type { StackProcess } from '../support/stack-process.ts'
import { type Cost, startCosts } from './processor-time.ts'
import type { Report } from './report.ts'

export type Bench = {
  readonly pool: Pool
  readonly report: Report
  /** Of one row. */
  readonly seconds: number
  stack(): StackProcess
  /** Stops the stack and starts it again; the database stays up. */
  restart(): Promise<void>
  /** Unknown where the database is not the bench's own. */
  readonly databasePid: number | undefined
}

export const email = 'bench@example.org'

/** Runs a load and says what it cost. */
export async function measured(
  { stack, databasePid }: Bench,
  run: () => Promise<LoadResult>,
): Promise<LoadResult & { readonly cost: Cost }> {
  const costs = await startCosts(stack().pid, databasePid)
  const result = await run()
  return { ...result, cost: await costs.stop(result.answered + result.failed) }
}

/** Looks at the answers as a client does. */
export type Answers = {
  /** For a load: every answer must hold a SET; some are kept. */
  faultOf(body: Buffer): string | undefined
  /** SET, proof and checkpoint of those that were kept, and that they do not contradict each other. Throws. */
  verify(): Promise<number>
}

const setMember = Buffer.from('"signedEntryTimestamp":"M')
/** The SET is the last member. */
const tailBytes = 200
const keptOf = 200

export async function createAnswers(rekorUrl: string): Promise<Answers> {
  const checker = createChecker()
  checker.trust(parsePublicKeyPem(await (await fetch(`${rekorUrl}/api/v1/log/publicKey`)).text()))
  let kept: Buffer[] = []
  let count = 0
  return {
    faultOf: (body) => {
      if (count++ % keptOf === 0) kept.push(Buffer.from(body))
      return body.subarray(-tailBytes).includes(setMember) ? undefined : 'an answer without a SET'
    },
    verify: async () => {
      const some = kept
      kept = []
      for (const body of some) {
        for (const [uuid, entry] of Object.entries(JSON.parse(body.toString()) as Record<string, LogEntry>)) {
          await checker.hold(uuid, entry)
        }
      }
      return some.length
    },
  }
}
