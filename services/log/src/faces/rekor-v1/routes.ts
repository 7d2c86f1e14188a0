/**
 * Every route of Rekor's dialect, once: what is served, switched off and counted, what other methods are told, and what the
 * description and the pages say all follow from here.
 */
import type { FastifyRequest } from 'fastify'
import { createLogEntry, getLogEntryByIndex, getLogEntryByUuid } from './entries.ts'
import { searchIndex } from './index-search.ts'
import { getLogInfo, getLogProof, getPublicKey, getPublicKeys } from './log.ts'
import {
  body,
  empty,
  entryAnswer,
  entryId,
  error,
  index,
  json,
  named,
  query,
  refusals,
  schemas,
  text,
  treeIdParameter,
} from './messages.ts'
import { search, searchByParameters } from './own-search.ts'
import { sendPing } from './reply.ts'
import { searchLogQuery } from './retrieve.ts'
import type { Route } from './route.ts'

export const routes: readonly Route[] = [
  {
    id: 'getLogInfo',
    method: 'GET',
    path: '/api/v1/log',
    name: 'Get Log Info',
    handler: getLogInfo,
    description: {
      summary: 'The heads of the log: the active shard, and the inactive ones, oldest first',
      responses: { 200: named('LogInfo', 'log info'), ...refusals },
    },
  },
  {
    id: 'getPublicKey',
    method: 'GET',
    path: '/api/v1/log/publicKey',
    name: 'Get Public Key',
    handler: getPublicKey,
    description: {
      summary: 'The key of a shard',
      parameters: [treeIdParameter],
      responses: { 200: text('application/x-pem-file', 'PKIX PEM'), ...refusals },
    },
  },
  {
    // Not upstream's, as `search`.
    id: 'getPublicKeys',
    method: 'GET',
    path: '/api/v1/log/publicKeys',
    name: 'Get Public Keys',
    handler: getPublicKeys,
    description: {
      summary: 'The keys of all shards, and the one that is prepared for the next',
      responses: { 200: text('application/x-pem-file', 'PKIX PEM, one after the other'), ...refusals },
    },
  },
  {
    id: 'getLogProof',
    method: 'GET',
    path: '/api/v1/log/proof',
    name: 'Get Log Proof',
    handler: getLogProof,
    description: {
      summary: 'That the log only grew between two sizes',
      parameters: [
        query('firstSize', { type: 'integer', minimum: 1, default: 1 }),
        query('lastSize', { type: 'integer', minimum: 1 }, true),
        treeIdParameter,
      ],
      responses: { 200: named('ConsistencyProof', 'consistency proof'), ...refusals },
    },
  },
  {
    id: 'createLogEntry',
    method: 'POST',
    path: '/api/v1/log/entries',
    name: 'Create Entry',
    handler: createLogEntry,
    description: {
      summary: 'Logs an entry; durable and provable when it is answered',
      requestBody: body('ProposedEntry'),
      responses: {
        201: {
          ...entryAnswer,
          headers: {
            Location: { schema: { type: 'string' }, description: 'path of the entry' },
            ETag: { schema: entryId, description: 'the entry ID, without quotes' },
          },
        },
        403: error('the rules of this log do not admit the entry'),
        409: error('the entry is in the log already; Location says where'),
        413: error('the body is too large'),
        415: error('the body is not application/json'),
        429: error('too many entries; Retry-After says when'),
        ...refusals,
      },
    },
  },
  {
    id: 'getLogEntryByIndex',
    method: 'GET',
    path: '/api/v1/log/entries',
    name: 'Get Log Entry by Index',
    handler: getLogEntryByIndex,
    description: {
      summary: 'An entry by its index over all shards',
      parameters: [query('logIndex', index, true)],
      responses: { 200: entryAnswer, 404: empty('there is no such entry'), ...refusals },
    },
  },
  {
    id: 'getLogEntryByUUID',
    method: 'GET',
    path: '/api/v1/log/entries/:entryUUID',
    name: 'Get Log Entry by UUID',
    handler: getLogEntryByUuid,
    description: {
      summary: 'An entry by its ID, or by its leaf hash alone',
      parameters: [
        {
          name: 'entryUUID',
          in: 'path',
          required: true,
          schema: { type: 'string', pattern: '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$' },
        },
      ],
      responses: { 200: entryAnswer, 404: empty('there is no such entry'), ...refusals },
    },
  },
  {
    id: 'searchLogQuery',
    method: 'POST',
    path: '/api/v1/log/entries/retrieve',
    name: 'Search Log Query',
    handler: searchLogQuery,
    description: {
      summary: 'Several entries, by ID, index, or by proposing them again',
      requestBody: body('RetrieveQuery'),
      responses: {
        200: json(
          { type: 'array', items: { $ref: '#/components/schemas/LogEntry' } },
          'those that are there',
        ),
        ...refusals,
      },
    },
  },
  {
    id: 'searchIndex',
    method: 'POST',
    path: '/api/v1/index/retrieve',
    name: 'Search Index',
    handler: searchIndex,
    description: {
      summary: 'IDs of entries by digest, e-mail address, name or key. See /api/v1/search for more',
      requestBody: body('IndexQuery'),
      responses: { 200: json({ type: 'array', items: entryId }, 'entry IDs, without order'), ...refusals },
    },
  },
  {
    id: 'search',
    method: 'GET',
    path: '/api/v1/search',
    name: 'Search',
    handler: searchByParameters,
    description: {
      operationId: 'searchByParameters',
      summary: 'Entries by what they are about, in pages (parameters)',
      parameters: Object.entries(schemas.SearchQuery.properties)
        .filter(([name]) => name !== 'publicKey')
        .map(([name, schema]) => query(name, schema)),
      responses: { 200: named('SearchPage', 'a page'), ...refusals },
    },
  },
  {
    id: 'search',
    method: 'POST',
    path: '/api/v1/search',
    name: 'Search',
    handler: search,
    description: {
      summary: 'Entries by what they are about, in pages (JSON)',
      requestBody: body('SearchQuery'),
      responses: { 200: named('SearchPage', 'a page'), ...refusals },
    },
  },
  {
    id: 'ping',
    method: 'GET',
    path: '/ping',
    handler: () => ({ handler: (_request, reply) => sendPing(reply) }),
    description: {
      summary: 'The process lives',
      responses: { 200: text('text/plain', 'a dot', { const: '.' }) },
    },
  },
]

/** Those that are operations of the log. */
const operations = routes.filter(({ name }) => name !== undefined)

/** What LOG_ENABLED_ENDPOINTS may name. */
export const endpointIds: readonly string[] = [...new Set(operations.map(({ id }) => id))]

/** The methods that each path of an operation takes. */
export const methodsByPath: ReadonlyMap<string, readonly string[]> = new Map(
  operations.map(({ path }) => [
    path,
    operations
      .filter((route) => route.path === path)
      .map(({ method }) => method)
      .toSorted(),
  ]),
)

const operationByRoute: ReadonlyMap<string, Route> = new Map(
  operations.map((route) => [`${route.method} ${route.path}`, route]),
)

/** The operation that a request asks for. */
export function operationOf({ method, routeOptions }: FastifyRequest): Route | undefined {
  return operationAt(method, routeOptions.url)
}

/** @param pattern As the router has it. */
export function operationAt(method: string, pattern: string | undefined): Route | undefined {
  // The router answers HEAD where it answers GET.
  return operationByRoute.get(`${method === 'HEAD' ? 'GET' : method} ${pattern}`)
}

/** `/a/:b` is `/a/{b}` there. */
export function upstreamPath(pattern: string): string {
  return pattern.replace(/:(\w+)/g, '{$1}')
}
