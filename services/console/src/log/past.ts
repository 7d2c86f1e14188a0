/** Where a log was at a time: by its search, or by the times that its leaves hold. */
import { LRUCache } from 'lru-cache'
import type { Rekor } from '../sources/rekor.ts'
import { readCtEntry, type TreeLog } from '../sources/tree-log.ts'
import { readLoggedCertificate } from '../tree/logged-certificate.ts'

export type Past = {
  /** Entries that it has now. */
  size(): Promise<bigint>
  /** The first entry of that time (milliseconds since the epoch) or later; `size` where there is none. Undefined where no times are known. */
  indexAt(timeMs: number, size: bigint): Promise<bigint | undefined>
}

export function pastOfV1(rekor: Rekor): Past {
  return {
    async size() {
      const { inactive, active } = await rekor.info()
      return [...inactive, active].reduce((sum, { treeSize }) => sum + treeSize, 0n)
    },
    indexAt: (timeMs, size) => searchAt(rekor, 'rekor-v1', timeMs, size),
  }
}

/** `searched` answers for the log. */
export function pastOfV2(searched: Rekor, log: TreeLog): Past {
  return {
    size: async () => (await log.shown()).treeSize,
    indexAt: (timeMs, size) => searchAt(searched, 'rekor-v2', timeMs, size),
  }
}

async function searchAt(
  searched: Rekor,
  log: 'rekor-v1' | 'rekor-v2',
  timeMs: number,
  size: bigint,
): Promise<bigint | undefined> {
  const page = await searched.search(
    { after: [new Date(timeMs).toISOString()], order: ['oldest'], limit: ['1'] },
    log,
  )
  return page === undefined ? undefined : (page.entries[0]?.logIndex ?? size)
}

const mostTimes = 10_000

/** Times of a log of certificates go up with its indexes, so few leaves tell; they do not change, and are kept. */
export function pastOfCt(url: string, log: TreeLog): Past {
  const times = new LRUCache<bigint, number>({ max: mostTimes })

  async function timeAt(index: bigint): Promise<number | undefined> {
    const known = times.get(index)
    if (known !== undefined) return known
    const leaf = (await readCtEntry(url, index))?.leaf
    const timeMs = leaf && readLoggedCertificate(leaf, undefined)?.timestampMs
    if (timeMs === undefined) return undefined
    times.set(index, timeMs)
    return timeMs
  }

  return {
    size: async () => (await log.shown()).treeSize,
    async indexAt(timeMs, size) {
      let [first, end] = [0n, size]
      while (first < end) {
        const middle = (first + end) / 2n
        const told = await timeAt(middle)
        if (told === undefined) return undefined
        if (told < timeMs) first = middle + 1n
        else end = middle
      }
      return first
    },
  }
}
