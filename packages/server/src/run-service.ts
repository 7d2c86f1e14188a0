/** The life of a process: start, serve, stop on SIGTERM, SIGINT or SIGHUP, and one sentence when starting fails. */
import { constants } from 'node:os'
import { escaped, withoutTokens } from '@sigstack/crypto'
import { describeError } from './describe-error.ts'
import { ServerError } from './errors.ts'
import type { Logger } from './logger.ts'

export type Running = {
  /** Refuses new work, finishes begun work, closes pools. */
  stop(): Promise<void>
}

/** Says in the log that an orderly stop begins and ends, which tells it from a crash. */
export function tellStop(running: Running, logger: Logger): Running {
  return {
    async stop() {
      logger.info('stopping')
      await running.stop()
      logger.info('stopped')
    },
  }
}

export type RunServiceOptions = {
  /** After the first signal; the process then ends with status 1. Default 30,000 ms. */
  readonly stopTimeoutMs?: number
  /**
   * A signal that follows another within this time is the same one on a second way, from the terminal's group and from npm, and not an
   * impatient person. Default 1,000 ms.
   */
  readonly sameSignalMs?: number
}

/** How long handles that `stop` forgot may keep the process before it is ended. */
const LINGER_MS = 3_000

/**
 * Runs `main` until a signal comes, then stops what it returned. Resolves when all is stopped; the process then ends by
 * itself. A second signal ends it at once. `signal` is aborted by the first one, also while `main` still starts.
 */
export async function runService(
  main: (signal: AbortSignal) => Promise<Running>,
  options: RunServiceOptions = {},
): Promise<void> {
  const controller = new AbortController()
  const asked = Promise.withResolvers<void>()
  const { sameSignalMs = 1_000 } = options
  let firstAt = 0
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAt < sameSignalMs) return
      process.exit(128 + constants.signals[name])
    }
    firstAt = performance.now()
    controller.abort()
    asked.resolve()
  }
  // SIGHUP is a terminal that was closed, or a connection that was lost.
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, onSignal)

  let running: Running
  try {
    running = await main(controller.signal)
  } catch (error) {
    // Interrupted while it started: that is what was asked for.
    if (controller.signal.aborted) return endSoon(0)
    process.stderr.write(`${explain(error)}\n`)
    return endSoon(1)
  }

  // Signal handlers do not keep a process alive, and a service may have no listener.
  const alive = setInterval(() => {}, 2 ** 30)
  await asked.promise
  clearInterval(alive)
  try {
    await stopWithin(running, options.stopTimeoutMs ?? 30_000)
    endSoon(0)
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`)
    if (error instanceof ServerError && error.code === 'stop_timed_out') process.exit(1)
    endSoon(1)
  }
}

async function stopWithin(running: Running, limitMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(
      new ServerError('stop_timed_out', `work was still open ${limitMs} ms after the signal; ended`),
    )
  }, limitMs)
  try {
    await Promise.race([running.stop(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function endSoon(status: number): void {
  process.exitCode = status
  setTimeout(() => process.exit(status), LINGER_MS).unref()
}

/** Errors made for people are one sentence; what only a programmer can mend comes with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return line(String(error))
  const ours = [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind)
  return ours ? describeError(error).stack.split('\n').map(line).join('\n') : line(error.message)
}

/** A setting or a file may hold anything, and what is told may end in a terminal. */
function line(text: string): string {
  return escaped(withoutTokens(text), 4_000)
}
