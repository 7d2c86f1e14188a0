/** The newest entries of each log that is shown, as its tail begins and goes on. */
import type { Context } from '../context.ts'
import { type PlacedEntry, placedAt } from '../search/places.ts'
import { describeBody, search } from '../search/search.ts'
import { createTreeLog, type TreeLog } from '../sources/tree-log.ts'
import { readLoggedCertificate } from '../tree/logged-certificate.ts'
import { leafPath, type TreeName, treeUrl } from '../tree/tree-name.ts'

export type LogName = 'rekor-v1' | TreeName

/** Newest first. Throws a `SourceError`. */
export type Newest = (limit: number) => Promise<readonly PlacedEntry[]>

/** Of the logs that the console is told of, in the order of pages. */
export function createNewest({ rekor, urls }: Pick<Context, 'rekor' | 'urls'>): ReadonlyMap<LogName, Newest> {
  const logs = new Map<LogName, Newest>()
  if (rekor !== undefined) {
    logs.set('rekor-v1', async (limit) => {
      const asked = { order: 'newest', limit, logs: 'rekor-v1' } as const
      return (await search({ rekor, isV1: true }, [], asked)).entries.map((entry) =>
        placedAt(entry, undefined),
      )
    })
  }
  for (const tree of ['rekor-v2', 'ct'] as const) {
    const url = treeUrl(urls, tree)
    if (url !== undefined) logs.set(tree, newestLeaves(tree, createTreeLog(url)))
  }
  return logs
}

/** While the log does not grow, its head alone is asked for. */
function newestLeaves(tree: TreeName, log: TreeLog): Newest {
  let known:
    | { readonly size: bigint; readonly limit: number; readonly entries: readonly PlacedEntry[] }
    | undefined
  return async (limit) => {
    const { treeSize: size } = await log.shown()
    if (known?.size === size && known.limit >= limit) return known.entries.slice(0, limit)
    const first = size > BigInt(limit) ? size - BigInt(limit) : 0n
    const leaves = await log.leaves(first, size, size)
    const entries = leaves.map((leaf, at) => placed(tree, first + BigInt(at), leaf)).toReversed()
    known = { size, limit, entries }
    return entries
  }
}

/** What cannot be read is an entry all the same. */
export function placed(tree: TreeName, logIndex: bigint, leaf: Uint8Array): PlacedEntry {
  const place = { logIndex, path: leafPath(tree, logIndex) }
  if (tree === 'rekor-v2') return { ...place, ...describeBody(leaf) }
  const logged = readLoggedCertificate(leaf, undefined)
  const { subjects = [], tokenIssuer, issuerKeyHash } = logged ?? {}
  return {
    ...place,
    kind: logged === undefined ? '' : issuerKeyHash === undefined ? 'certificate' : 'precertificate',
    subjects: [...new Set(subjects)],
    issuers: tokenIssuer === undefined ? [] : [tokenIssuer],
    keyHashes: [],
    ...(logged !== undefined && { integratedTime: Math.floor(logged.timestampMs / 1000) }),
  }
}
