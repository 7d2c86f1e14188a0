/**
 * `/api/v1/search`: what entries are about, by more than Rekor's index asks, in pages. Not in upstream; described in
 * `/swagger.json`. A hint like all search: the entry has to be fetched and verified.
 */
import { isObject } from '@sigstack/crypto'
import type { LogEntry } from '@sigstack/log-engine'
import {
  entryIdOf,
  firstIndexAt,
  type Placed,
  readEntry,
  shardAt,
  type ToldEntry,
  tellEntry,
  virtualIndexOf,
} from '@sigstack/rekor-log'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { parseJsonBody } from './json-body.ts'
import { encodeCursor, parseOwnSearch } from './own-search-query.ts'
import { keyQueryLimitBytes } from './public-key-search.ts'
import { sendJsonText, uncachedRoute } from './reply.ts'
import type { Handler } from './route.ts'

/** In checks of P-256: bodies of tuf do not say which of their signatures are good, so that they are checked again. */
const mostUnitsPerPage = 64

export const searchByParameters: Handler = (face) => ({
  ...uncachedRoute,
  handler: (request, reply) => answer(face, request, reply, request.query),
})

export const search: Handler = (face) => ({
  ...uncachedRoute,
  bodyLimit: keyQueryLimitBytes,
  handler: (request, reply) =>
    answer(face, request, reply, parseJsonBody(request.body, 'query', parsingFailed)),
})

function parsingFailed(reason: string): string {
  return `parsing query body failed: ${reason}`
}

async function answer(
  { shards, search, settings, now }: RekorV1Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: unknown,
): Promise<FastifyReply> {
  assertAccepts(request, jsonType)
  // A key is parsed as one of a proposal is.
  if (isObject(asked) && asked['publicKey'] !== undefined) await settings?.gate?.admitAddress(request.ip)
  const query = await parseOwnSearch(asked, now())
  const indexed = await search.indexed()
  const after = query.afterMs === undefined ? 0n : await indexAt(query.afterMs, indexed)
  const before = query.beforeMs === undefined ? indexed : await indexAt(query.beforeMs, indexed)
  const { from, order, fingerprint } = query
  const page = await search.page({
    ...query,
    first: order === 'oldest' && from !== undefined ? largest(after, from) : after,
    end: order === 'newest' && from !== undefined ? smallest(before, from) : before,
  })
  const found = await Promise.all(page.leafIndexes.map((index) => readEntry(shards, index)))
  const { entries, untold } = describeSome(found.filter((placed) => placed !== undefined))
  const rest = untold === undefined ? page.next : order === 'newest' ? untold + 1n : untold
  const next = rest === undefined ? '' : `,"next":"${encodeCursor(rest, fingerprint)}"`
  return sendJsonText(reply, 200, `{"entries":[${entries.join(',')}],"indexed":${indexed}${next}}\n`)

  function indexAt(timeMs: number, size: bigint): Promise<bigint> {
    return firstIndexAt({ readEntries }, size, timeMs)
  }

  async function readEntries(virtual: bigint): Promise<readonly LogEntry[]> {
    const shard = shardAt(shards.list(), virtual)
    return shard === undefined ? [] : shard.log.readEntries(virtual - shard.firstIndex, 1)
  }
}

/** As many as may be read for one page, and one at least; `untold` is the index of the first that was not. */
function describeSome(found: readonly Placed[]): { entries: readonly string[]; untold?: bigint } {
  const entries: string[] = []
  let left = mostUnitsPerPage
  for (const placed of found) {
    if (left <= 0) return { entries, untold: virtualIndexOf(placed) }
    const { entry, units } = tellEntry(placed.entry.leaf)
    entries.push(describe(placed, entry))
    left -= units
  }
  return { entries }
}

/** By hand, since an index may exceed what JSON.stringify can say without rounding. */
function describe(placed: Placed, { kind, apiVersion, verifiers }: ToldEntry['entry']): string {
  const { shard, entry } = placed
  const about = {
    kind,
    apiVersion,
    subjects: distinct(verifiers.flatMap(({ subjects }) => subjects)),
    issuers: distinct(verifiers.flatMap(({ tokenIssuer }) => tokenIssuer ?? [])),
    serialNumbers: distinct(verifiers.flatMap(({ serialNumber }) => serialNumber ?? [])),
    keyHashes: distinct(verifiers.map(({ keyHash }) => keyHash)),
  }
  const integratedTime = Math.floor(entry.sequencedAtMs / 1000)
  return (
    `{"entryID":"${entryIdOf(shard, entry)}","logIndex":${virtualIndexOf(placed)},` +
    `"integratedTime":${integratedTime},${JSON.stringify(about).slice(1)}`
  )
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
