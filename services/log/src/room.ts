/** Whether the database has room for entries: as the last batch found it, or a probe since. */
import type { BatchReport } from '@sigstack/log-engine'
import { isFull, type Pool, probeRoom } from '@sigstack/postgres'
import { inStep } from '@sigstack/server/in-step'

export type RoomWatch = {
  isFull(): boolean
  /** Told of a batch that was committed. */
  committed(batch: Pick<BatchReport, 'entries'>): void
  /** Told of one that was not. */
  refused(reason: unknown): void
  stop(): Promise<void>
}

/**
 * While there is no room a probe looks for some: who is told that the log is not ready may send it no writer any more, and without one no
 * batch would find that there is room again.
 *
 * @param onChange Told why there is no room, and `undefined` when there is some again.
 * @param probeMs As {@link inStep} takes it; default 5,000 ms.
 */
export function watchRoom(pool: Pool, onChange: (reason: unknown) => void, probeMs = 5_000): RoomWatch {
  /** Of batches, so that a probe which began before the last one does not speak against it. */
  let refusals = 0
  let stopProbing: (() => void) | undefined
  let probing: Promise<void> | undefined

  function foundRoom(): void {
    if (stopProbing === undefined) return
    stopProbing()
    stopProbing = undefined
    onChange(undefined)
  }

  async function probe(): Promise<void> {
    const before = refusals
    try {
      await probeRoom(pool)
    } catch {
      // No room still, or no database, which readiness sees by itself.
      return
    }
    if (refusals === before) foundRoom()
  }

  function probeOnce(): void {
    probing ??= probe().finally(() => {
      probing = undefined
    })
  }

  return {
    isFull: () => stopProbing !== undefined,
    committed: ({ entries }) => {
      // What stood in the log already took no room.
      if (entries > 0) foundRoom()
    },
    refused: (reason) => {
      if (!isFull(reason)) return
      refusals++
      if (stopProbing !== undefined) return
      stopProbing = inStep(probeMs, probeOnce)
      onChange(reason)
    },
    stop: async () => {
      stopProbing?.()
      await probing
    },
  }
}
