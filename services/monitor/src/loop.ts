/** Work that is done again and again, one round after the other, until it is stopped. */
import { setTimeout as pause } from 'node:timers/promises'

export type Loop = {
  /** Ends the pause before the next round, if there is one. */
  hurry(): void
  /** Ends the round that is on, and waits for it. */
  stop(): Promise<void>
}

/** `round` gives the milliseconds until the next one. What it throws is for `onError`; then the next comes after `pauseMs`. */
export function runLoop(
  round: (signal: AbortSignal) => Promise<number>,
  { pauseMs, onError }: { readonly pauseMs: number; readonly onError: (error: unknown) => void },
): Loop {
  const stopping = new AbortController()
  const { signal } = stopping
  let waiting = new AbortController()
  let isHurried = false

  async function run(): Promise<void> {
    while (!signal.aborted) {
      isHurried = false
      let restMs = pauseMs
      try {
        restMs = await round(signal)
      } catch (error) {
        if (signal.aborted) return
        onError(error)
      }
      waiting = new AbortController()
      if (isHurried || restMs === 0) continue
      await pause(restMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => {})
    }
  }

  const running = run()
  return {
    hurry: () => {
      isHurried = true
      waiting.abort()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
