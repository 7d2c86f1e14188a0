/** Deleting much, a little at a time: no statement holds many locks, or lasts as long as a query may. */

/** Rows of one statement. */
const mostAtOnce = 1_000

/** `remove` deletes `most` rows at the most and gives how many; called until there were fewer. Returns how many are gone. */
export async function inPieces(
  remove: (most: number) => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  let gone = 0
  for (;;) {
    signal.throwIfAborted()
    const removed = await remove(mostAtOnce)
    gone += removed
    if (removed < mostAtOnce) return gone
  }
}
