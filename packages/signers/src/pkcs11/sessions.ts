/** Sessions with one token, opened as they are needed. A session does one thing at a time. */
export type Sessions = {
  use<T>(work: (session: bigint) => Promise<T>): Promise<T>
}

/** As many calls at once as most hardware does itself; more would only wait there. The asking side keeps to it. */
export const mostSessions = 4

export function createSessions(open: () => Promise<bigint>): Sessions {
  const free: bigint[] = []
  return {
    async use(work) {
      const session = free.pop() ?? (await open())
      try {
        return await work(session)
      } finally {
        free.push(session)
      }
    },
  }
}
