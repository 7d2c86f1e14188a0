/**
 * A thread that checks signatures for the services of this process. It is there while there is much to check, and the process has no
 * more than two cores: with more of them checks go to the thread pool one by one, and with one there is nobody to help.
 */
import { availableParallelism } from 'node:os'
import { lendCheckThread } from '@sigstack/crypto'
import { type SupervisedThread, superviseThread } from './thread/supervise-thread.ts'

export type CheckThreadOptions = {
  readonly cores?: number
  /** What runs in the thread; ./check-signatures.ts when left out. */
  readonly script?: URL
}

/** For a message of checks, which are bounded, and take milliseconds. */
const timeoutMs = 5_000
const startMs = 20_000
/** How long a thread without work is kept. */
const restMs = 60_000

let shared: { readonly thread: SupervisedThread<Uint8Array, Uint8Array>; users: number } | undefined

/** One for all who ask for it, until the last of them has stopped. */
export async function openCheckThread(options: CheckThreadOptions = {}): Promise<{ stop(): Promise<void> }> {
  const { cores = availableParallelism(), script = new URL('./check-signatures.ts', import.meta.url) } =
    options
  if (cores !== 2) return { stop: async () => {} }
  shared ??= { thread: openThread(script), users: 0 }
  const mine = shared
  if (mine.users++ === 0) await lend(mine.thread)
  let isStopped = false
  return {
    stop: async () => {
      if (isStopped) return
      isStopped = true
      if (--mine.users > 0) return
      shared = undefined
      await lendCheckThread(undefined)
      await mine.thread.stop()
    },
  }
}

function openThread(script: URL): SupervisedThread<Uint8Array, Uint8Array> {
  return superviseThread<Uint8Array, Uint8Array>({
    name: 'check-signatures',
    script,
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    timeoutMs,
    startMs,
    restMs,
    // Nobody is told: whoever asked does the checks then.
    failureOf: (failure, cause) => new Error(`the thread of checks: ${failure}`, { cause }),
  })
}

function lend({ isReady, depth, ask }: SupervisedThread<Uint8Array, Uint8Array>): Promise<void> {
  return lendCheckThread({ isReady, depth, verify: (packed) => ask(packed) })
}
