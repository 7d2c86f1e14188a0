/**
 * An embedded server that is started again whenever it ends without having been asked to: killed, crashed, out of memory or of disk.
 * Its address stays the same, so pools find it again by themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './launcher.ts'

export type KeptPostgresOptions = Omit<EmbeddedPostgresOptions, 'onExit' | 'shared'> & {
  /** Told when the server has ended, and of each start that failed; the next one comes by itself. */
  readonly onTrouble?: (error: unknown) => void
  /** Told when it is there again. */
  readonly onReturn?: () => void
}

export type KeptPostgres = Pick<EmbeddedPostgres, 'connectionString' | 'version' | 'stop'>

const firstPauseMs = 100
const longestPauseMs = 5_000

/** Throws what {@link startEmbeddedPostgres} throws when the first start fails. */
export async function keepEmbeddedPostgres(options: KeptPostgresOptions): Promise<KeptPostgres> {
  const { onTrouble = () => {}, onReturn = () => {}, ...startOptions } = options
  const stopping = new AbortController()
  let server: EmbeddedPostgres | undefined
  let returning: Promise<void> | undefined

  async function start(): Promise<EmbeddedPostgres> {
    const started = await startEmbeddedPostgres({ ...startOptions, onExit: startAgain })
    server = started
    return started
  }

  /** Also when one backend was killed: the server then ends all sessions, ours and its lock on the folder too, and lives on. */
  function startAgain(reason: unknown): void {
    if (stopping.signal.aborted) return
    server = undefined
    onTrouble(reason)
    returning = untilStarted()
  }

  async function untilStarted(): Promise<void> {
    for (let pauseMs = firstPauseMs; !stopping.signal.aborted; ) {
      try {
        await start()
        return onReturn()
      } catch (error) {
        onTrouble(error)
        await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      }
    }
  }

  const { connectionString, version } = await start()
  return {
    connectionString,
    version,
    stop: async () => {
      stopping.abort()
      await returning
      await server?.stop()
    },
  }
}
