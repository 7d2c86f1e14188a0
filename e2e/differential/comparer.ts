/** Sends each request to both sides and keeps what differs. */
import { type Answer, type Request, send } from './exchange.ts'
import { compareFacts, type Difference, type Facts } from './facts.ts'

export type Comparer<Side> = {
  /** Returns both answers, ours first. Throws when the run is interrupted. */
  compare(asked: {
    readonly name: string
    /** May hold what is a side's own, such as the ID of an entry. */
    readonly request: (side: Side) => Request
    readonly factsOf: (answer: Answer, side: Side) => Promise<Facts>
  }): Promise<readonly [Answer, Answer]>
  /** So far. */
  result(): { readonly requests: number; readonly facts: number; readonly differences: readonly Difference[] }
}

export function createComparer<Side extends { readonly url: string }>(
  ours: Side,
  upstream: Side,
  signal: AbortSignal,
): Comparer<Side> {
  const differences: Difference[] = []
  let requests = 0
  let facts = 0
  return {
    compare: async ({ name, request, factsOf }) => {
      signal.throwIfAborted()
      const ask = async (side: Side): Promise<readonly [Answer, Facts]> => {
        const answer = await send(side.url, request(side))
        return [answer, await factsOf(answer, side)]
      }
      const [[mine, myFacts], [theirs, theirFacts]] = await Promise.all([ask(ours), ask(upstream)])
      requests++
      facts += new Set([...myFacts.keys(), ...theirFacts.keys()]).size
      differences.push(...compareFacts(name, myFacts, theirFacts))
      return [mine, theirs]
    },
    result: () => ({ requests, facts, differences }),
  }
}
