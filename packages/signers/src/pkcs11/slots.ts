/** So many at once and no more; who gives up waiting leaves the line. */
export type Slots = {
  /** Resolves to what gives the slot back. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting = new Set<() => void>()

  function give(): void {
    const [next] = waiting
    if (next === undefined) {
      free++
      return
    }
    waiting.delete(next)
    next()
  }

  return {
    async take(signal) {
      signal.throwIfAborted()
      if (free > 0) free--
      else
        await new Promise<void>((resolve, reject) => {
          const leave = (): void => {
            waiting.delete(enter)
            reject(signal.reason as Error)
          }
          const enter = (): void => {
            signal.removeEventListener('abort', leave)
            resolve()
          }
          waiting.add(enter)
          signal.addEventListener('abort', leave, { once: true })
        })
      return give
    },
  }
}
