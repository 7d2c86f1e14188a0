/**
 * A queue in which those who send much do not stand before those who send little: each turn takes from the next sender, and nobody
 * has more than half of its room. Senders are networks of clients (`networkOf`), and the room is counted in whatever the owner counts.
 */
export type FairQueue<T> = {
  /** Whether one of this size has room: in all, and for this sender. */
  hasRoom(sender: string, size: number): boolean
  /** False where there is no room for it. */
  push(sender: string, item: T, size: number): boolean
  /** Without regard to room: what was in the queue before and comes again. */
  putBack(sender: string, item: T, size: number): void
  take(): Taken<T> | undefined
  isEmpty(): boolean
  /** Takes out whom nobody waits for any more. */
  dropIf(isGone: (item: T) => boolean): void
  /** What was taken is done, and no longer counts. */
  done(taken: Pick<Taken<T>, 'sender' | 'size'>): void
}

export type Taken<T> = { readonly sender: string; readonly item: T; readonly size: number }

export function createFairQueue<T>(room: number): FairQueue<T> {
  const share = Math.max(1, Math.floor(room / 2))
  // In the order of their turns: whoever was served goes to the end.
  const waiting = new Map<string, Taken<T>[]>()
  const held = new Map<string, number>()
  let total = 0

  function putBack(sender: string, item: T, size: number): void {
    const line = waiting.get(sender)
    if (line === undefined) waiting.set(sender, [{ sender, item, size }])
    else line.push({ sender, item, size })
  }

  function done({ sender, size }: Pick<Taken<T>, 'sender' | 'size'>): void {
    total -= size
    const own = (held.get(sender) ?? 0) - size
    if (own > 0) held.set(sender, own)
    else held.delete(sender)
  }

  function hasRoom(sender: string, size: number): boolean {
    const own = held.get(sender) ?? 0
    // One alone is never too large for an empty queue.
    return total === 0 || (total + size <= room && (own === 0 || own + size <= share))
  }

  return {
    hasRoom,
    push: (sender, item, size) => {
      if (!hasRoom(sender, size)) return false
      total += size
      held.set(sender, (held.get(sender) ?? 0) + size)
      putBack(sender, item, size)
      return true
    },
    putBack,
    take: () => {
      for (const [sender, line] of waiting) {
        const taken = line.shift()
        waiting.delete(sender)
        if (line.length > 0) waiting.set(sender, line)
        return taken
      }
      return undefined
    },
    isEmpty: () => waiting.size === 0,
    dropIf: (isGone) => {
      for (const [sender, line] of waiting) {
        const gone = line.filter(({ item }) => isGone(item))
        const left = line.filter(({ item }) => !isGone(item))
        for (const each of gone) done(each)
        if (left.length > 0) waiting.set(sender, left)
        else waiting.delete(sender)
      }
    },
    done,
  }
}
