/**
 * `/api/v1/search`: what entries are about, by more than Rekor's index asks, in pages. Not in upstream; described in
 * `/swagger.json`. A hint like all search: the entry has to be fetched and verified.
 */
import type { LogEntry } from '@sigstack/log-engine'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readEntryFacts } from '../../entries/signing-identity.ts'
import { firstIndexAt } from '../../search/index.ts'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { parseJsonBody } from './json-body.ts'
import { entryIdOf } from './log-entry.ts'
import { encodeCursor, parseOwnSearch } from './own-search-query.ts'
import { readEntry } from './read-entry.ts'
import { sendJsonText, uncachedRoute } from './reply.ts'
import { type Placed, virtualIndexOf } from './shard.ts'
import { shardAt } from './shards.ts'

const bodyLimitBytes = 262_144
const ownSearchPath = '/api/v1/search'

export function ownSearchRoutes(app: FastifyInstance, { shards, search }: RekorV1Dependencies): void {
  app.get(ownSearchPath, uncachedRoute, (request, reply) => answer(request, reply, request.query))

  app.post(ownSearchPath, { ...uncachedRoute, bodyLimit: bodyLimitBytes }, (request, reply) =>
    answer(
      request,
      reply,
      parseJsonBody(request.body, 'query', (reason) => `parsing query body failed: ${reason}`),
    ),
  )

  async function answer(request: FastifyRequest, reply: FastifyReply, asked: unknown): Promise<FastifyReply> {
    assertAccepts(request, jsonType)
    const query = await parseOwnSearch(asked)
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
    const entries = found.filter((placed) => placed !== undefined).map(describe)
    const next = page.next === undefined ? '' : `,"next":"${encodeCursor(page.next, fingerprint)}"`
    return sendJsonText(reply, 200, `{"entries":[${entries.join(',')}],"indexed":${indexed}${next}}\n`)
  }

  function indexAt(timeMs: number, size: bigint): Promise<bigint> {
    return firstIndexAt({ readEntries }, size, timeMs)
  }

  async function readEntries(virtual: bigint): Promise<readonly LogEntry[]> {
    const shard = shardAt(shards.list(), virtual)
    return shard === undefined ? [] : shard.log.readEntries(virtual - shard.firstIndex, 1)
  }
}

/** By hand, since an index may exceed what JSON.stringify can say without rounding. */
function describe(placed: Placed): string {
  const { shard, entry } = placed
  const { kind = '', apiVersion = '', identities = [] } = readEntryFacts(entry.leaf) ?? {}
  const about = {
    kind,
    apiVersion,
    subjects: distinct(identities.flatMap(({ subjects }) => subjects)),
    issuers: distinct(identities.flatMap(({ tokenIssuer }) => tokenIssuer ?? [])),
    serialNumbers: distinct(identities.flatMap(({ serialNumber }) => serialNumber ?? [])),
    keyHashes: distinct(identities.map(({ keyHash }) => keyHash)),
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
