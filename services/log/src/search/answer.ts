/** The answer of `/api/v1/search`: a page of entries of every Rekor log in the database, and what each entry tells of its signers. */
import { firstIndexAt, type SearchedLog, type ToldEntry, tellEntry } from '@sigstack/rekor-log'
import { type LogPage, mergePages } from './merge.ts'
import { encodeCursor, type OwnSearchQuery } from './query.ts'
import { type Located, namesOf, type OpenSource, type SearchSource } from './source.ts'

/** In checks of P-256: bodies of tuf do not say which of their signatures are good, so that they are checked again. */
const mostUnitsPerPage = 64

type Page = LogPage<Located> & {
  /** Where a page that is asked for when more is there would begin. */
  readonly end: bigint
}

export async function searchLogs(sources: readonly OpenSource[], query: OwnSearchQuery): Promise<string> {
  const asked = sources.filter(({ log }) => query.log === undefined || log.startsWith(query.log))
  // Readers who wait for the index hurry it, at the cost of writers.
  const byKeys = [query.criteria, query.required, query.excluded].some(({ length }) => length > 0)
  const opened = (await Promise.all(asked.map((source) => source.open(byKeys)))).filter(
    (each) => each !== undefined,
  )
  const pages = await Promise.all(opened.map((source) => pageOf(source, query)))
  const logs = opened.map(({ log }) => log)
  const { taken } = mergePages(pages, query.order, query.limit)
  const entries = describeSome(taken.map(({ from, candidate: { entry } }) => [logs[from], entry] as const))
  const { next } = mergePages(pages, query.order, entries.length)
  const cursor = next.some((each) => each !== undefined)
    ? `,"next":"${encodeCursor(new Map(logs.map((log, at) => [log, next[at] ?? goingOn(pages[at], query)])), query.fingerprint)}"`
    : ''
  const indexed = opened.reduce((sum, each) => sum + each.indexed, 0n)
  const each = opened.map((source) => `{"log":"${source.log}","indexed":${source.indexed}}`)
  return `{"entries":[${entries.join(',')}],"indexed":${indexed},"logs":[${each.join(',')}]${cursor}}\n`
}

/** Of a log that has nothing left while others have: from the oldest on, what comes later is found too. */
function goingOn(page: Page | undefined, { order }: OwnSearchQuery): bigint | undefined {
  return order === 'oldest' ? page?.end : undefined
}

async function pageOf(source: SearchSource, query: OwnSearchQuery): Promise<Page> {
  const { log, indexed } = source
  const { order, afterMs, beforeMs } = query
  const after = afterMs === undefined ? 0n : await indexAt(source, afterMs)
  const before = beforeMs === undefined ? indexed : await indexAt(source, beforeMs)
  const from = query.from?.get(log)
  if (query.from !== undefined && from === undefined)
    return { candidates: [], next: undefined, nextTimeMs: undefined, end: before }
  const page = await source.page({
    ...query,
    first: order === 'oldest' && from !== undefined ? largest(after, from) : after,
    end: order === 'newest' && from !== undefined ? smallest(before, from) : before,
  })
  const found = await source.read(page.leafIndexes)
  return {
    candidates: page.leafIndexes.flatMap((index, at) => {
      const entry = found[at]
      return entry === undefined ? [] : [{ index, timeMs: entry.entry.sequencedAtMs, entry }]
    }),
    next: page.next,
    nextTimeMs:
      page.next === undefined
        ? undefined
        : await timeAt(source, order === 'newest' ? page.next - 1n : page.next),
    end: before,
  }
}

function indexAt(source: SearchSource, timeMs: number): Promise<bigint> {
  const readEntries = async (index: bigint) => {
    const [found] = await source.read([index])
    return found === undefined ? [] : [found.entry]
  }
  return firstIndexAt({ readEntries }, source.indexed, timeMs)
}

async function timeAt(source: SearchSource, index: bigint): Promise<number | undefined> {
  return (await source.read([index]))[0]?.entry.sequencedAtMs
}

/** As many as may be read for one page, and one at least. */
function describeSome(found: readonly (readonly [SearchedLog | undefined, Located])[]): readonly string[] {
  const entries: string[] = []
  let left = mostUnitsPerPage
  for (const [log, located] of found) {
    if (left <= 0 || log === undefined) break
    const { entry, units } = tellEntry(located.entry.leaf)
    entries.push(describe(log, located, entry))
    left -= units
  }
  return entries
}

/** By hand, since an index may exceed what JSON.stringify can say without rounding. */
function describe(
  log: SearchedLog,
  located: Located,
  { kind, apiVersion, verifiers }: ToldEntry['entry'],
): string {
  const { leafHash, sequencedAtMs } = located.entry
  const { logIndex, entryId } = namesOf(log, located)
  const names = { log, origin: located.origin, ...(entryId !== undefined && { entryID: entryId }) }
  const about = {
    leafHash: Buffer.from(leafHash).toString('hex'),
    integratedTime: Math.floor(sequencedAtMs / 1000),
    kind,
    apiVersion,
    subjects: distinct(verifiers.flatMap(({ subjects }) => subjects)),
    issuers: distinct(verifiers.flatMap(({ tokenIssuer }) => tokenIssuer ?? [])),
    serialNumbers: distinct(verifiers.flatMap(({ serialNumber }) => serialNumber ?? [])),
    keyHashes: distinct(verifiers.map(({ keyHash }) => keyHash)),
  }
  return `${JSON.stringify(names).slice(0, -1)},"logIndex":${logIndex},${JSON.stringify(about).slice(1)}`
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}

function largest(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function smallest(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
