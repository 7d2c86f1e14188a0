/** The search behind the pages: readings of what was typed to entries, from a log of ours or one of upstream. */
import { readStoredEntry } from '@sigstack/rekor-entries'
import type { FoundEntry, LoggedEntry, Rekor, SearchedLogs, SearchQuery } from '../sources/rekor.ts'
import type { Reading } from './guess.ts'

export type Filters = {
  readonly kind?: string
  readonly after?: string
  readonly before?: string
  readonly order: 'newest' | 'oldest'
  readonly limit: number
  readonly cursor?: string
  /** Entries of Rekor v2 have no pages without its log. */
  readonly logs: SearchedLogs
}

export type Results = {
  readonly entries: readonly FoundEntry[]
  readonly indexed?: bigint
  readonly next?: string
  /** Readings that this log cannot be asked for. */
  readonly notAsked: readonly Reading[]
  /** The log knows neither filters nor order. */
  readonly isPlain: boolean
}

/** A log that is asked for all that is found. */
export type Searched = {
  readonly rekor: Rekor
  /** Then it has a plain index, whoever made it. */
  readonly isV1: boolean
}

/** Throws a `SourceError`. Without readings it is all entries. */
export async function search(
  searched: Searched | undefined,
  readings: readonly Reading[],
  filters: Filters,
): Promise<Results> {
  const page = await searched?.rekor.search(queryOf(readings, filters), filters.logs)
  if (page !== undefined) return { ...page, notAsked: [], isPlain: false }
  if (searched?.isV1 === true) return searchPlainly(searched.rekor, readings, filters)
  return { entries: [], notAsked: readings, isPlain: false }
}

function queryOf(readings: readonly Reading[], filters: Filters): SearchQuery {
  const query: Record<string, readonly unknown[]> = {
    limit: [String(filters.limit)],
    order: [filters.order],
  }
  for (const [name, values] of readings.flatMap(({ query }) => Object.entries(query)))
    query[name] = [...(query[name] ?? []), ...values]
  if (readings.length > 1) query['operator'] = ['or']
  for (const name of ['kind', 'after', 'before', 'cursor'] as const) {
    const value = filters[name]
    if (value !== undefined) query[name] = [value]
  }
  return query
}

/** As many as one call gives. */
const plainPage = 10

/** By the index that every log has; its cursor is how many were told. */
async function searchPlainly(
  rekor: Rekor,
  readings: readonly Reading[],
  { cursor }: Filters,
): Promise<Results> {
  if (readings.length === 0) return newestPlainly(rekor)
  const known = readings.filter(({ retrieve }) => retrieve !== undefined)
  const found = await Promise.all(known.map(({ retrieve }) => rekor.retrieve(retrieve ?? {})))
  const uuids = [...new Set(found.flat())]
  const from = cursor !== undefined && /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0
  const entries = await rekor.entries(uuids.slice(from, from + plainPage))
  const next = from + plainPage
  return {
    entries: entries.map(entryFound),
    ...(next < uuids.length && { next: String(next) }),
    notAsked: readings.filter((reading) => !known.includes(reading)),
    isPlain: true,
  }
}

async function newestPlainly(rekor: Rekor): Promise<Results> {
  const { active, inactive } = await rekor.info()
  const size = [...inactive, active].reduce((sum, { treeSize }) => sum + treeSize, 0n)
  const indexes = Array.from({ length: plainPage }, (_, at) => size - 1n - BigInt(at)).filter(
    (index) => index >= 0n,
  )
  const entries = (await rekor.entriesAt(indexes)).map(entryFound)
  const newestFirst = entries.toSorted((a, b) => (a.logIndex < b.logIndex ? 1 : -1))
  return { entries: newestFirst, notAsked: [], isPlain: true }
}

function entryFound({ uuid, logIndex, integratedTime, body }: LoggedEntry): FoundEntry {
  return { uuid, logIndex, integratedTime, ...describeBody(body) }
}

/** A body that cannot be read is an entry all the same. */
export function describeBody(
  body: Uint8Array,
): Pick<FoundEntry, 'kind' | 'subjects' | 'issuers' | 'keyHashes'> {
  const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)]
  try {
    const { kind, verifiers } = readStoredEntry(body)
    return {
      kind,
      subjects: distinct(verifiers.flatMap(({ subjects }) => subjects)),
      issuers: distinct(verifiers.flatMap(({ tokenIssuer }) => tokenIssuer ?? [])),
      keyHashes: distinct(verifiers.map(({ keyHash }) => keyHash)),
    }
  } catch {
    return { kind: '', subjects: [], issuers: [], keyHashes: [] }
  }
}
