/** Where the page of a found entry is. */
import { parseCheckpoint } from '@sigstack/checkpoint'
import { createShared } from '../sources/cached.ts'
import type { FoundEntry } from '../sources/rekor.ts'
import { createTreeLog } from '../sources/tree-log.ts'
import { leafPath } from '../tree/tree-name.ts'

export type PlacedEntry = FoundEntry & {
  /** Undefined for an entry in a tree of Rekor v2 that is not shown here: an index alone would lead to another entry. */
  readonly path?: string
}

export type Places = (entries: readonly FoundEntry[]) => Promise<readonly PlacedEntry[]>

/** @param rekorV2 Undefined where the console is told of no such log. */
export function createPlaces(rekorV2: string | undefined, now: () => number): Places {
  const head = rekorV2 === undefined ? undefined : createShared(createTreeLog(rekorV2).head, now)
  return async (entries) => {
    const hasOthers = entries.some(({ origin }) => origin !== undefined)
    // A log that does not answer has no pages now.
    const shown = hasOthers ? await head?.().then(originOf, () => undefined) : undefined
    return entries.map((entry) => placedAt(entry, shown))
  }
}

/** `shown`: the tree of Rekor v2 whose entries have pages. */
export function placedAt(entry: FoundEntry, shown: string | undefined): PlacedEntry {
  return { ...entry, ...pathOf(entry, shown) }
}

function pathOf(
  { uuid, origin, logIndex }: FoundEntry,
  shown: string | undefined,
): { readonly path?: string } {
  if (uuid !== undefined) return { path: `/entry/${uuid}` }
  return origin !== undefined && origin === shown ? { path: leafPath('rekor-v2', logIndex) } : {}
}

/** Undefined for what is no head. */
function originOf(note: string): string | undefined {
  try {
    return parseCheckpoint(note).origin
  } catch {
    return undefined
  }
}
