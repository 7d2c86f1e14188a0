/** Sessions with one token. A session does one thing at a time, and tokens have few of them. */
export type Sessions = {
  /** Waits for a free session. */
  use<T>(work: (session: bigint) => Promise<T>): Promise<T>
}

/** As many calls at once as most hardware does itself; more would only wait there. */
export const mostSessions = 4

export function createSessions(open: () => Promise<bigint>): Sessions {
  const free: bigint[] = []
  const waiting: (() => void)[] = []
  let inUse = 0
  return {
    async use(work) {
      if (inUse === mostSessions) await new Promise<void>((resolve) => waiting.push(resolve))
      else inUse++
      try {
        const session = free.pop() ?? (await open())
        try {
          return await work(session)
        } finally {
          free.push(session)
        }
      } finally {
        // The place goes to the next in line, or is given up.
        const next = waiting.shift()
        if (next === undefined) inUse--
        else next()
      }
    },
  }
}
