/** The life of a process: start, serve, stop on SIGTERM or SIGINT, and one sentence when starting fails. */
import { ServerError } from './errors.ts'

export type Running = {
  /** Refuses new work, finishes begun work, closes pools. */
  stop(): Promise<void>
}

export type RunServiceOptions = {
  /** After the first signal; the process then ends with status 1. Default 30,000 ms. */
  readonly stopTimeoutMs?: number
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
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
    controller.abort()
    asked.resolve()
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)

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
  if (!(error instanceof Error)) return String(error)
  const ours = [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind)
  return ours ? (error.stack ?? error.message) : error.message
}
