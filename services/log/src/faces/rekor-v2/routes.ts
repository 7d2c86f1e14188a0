/** Every route of the dialect but those of tiles, once: what is served, what other methods are told, and the description. */
import { toldLineOperation } from '../../line/told-line.ts'
import { getHealth, getLine, getPublicKey, postEntry } from './entries.ts'
import {
  createEntryOperation,
  healthOperation,
  publicKeyOperation,
  searchOperation,
  searchParameters,
} from './messages.ts'
import { search, searchByParameters } from './own-search.ts'
import type { Route } from './route.ts'

export const entriesPath = '/api/v2/log/entries'
const searchPath = '/api/v1/search'

/** Each log of the line by its origin, whatever the host. */
export const shardPrefix = '/shards/:shard'

export const shardParameter = {
  name: 'shard',
  in: 'path',
  required: true,
  description: 'origin of a log, as /api/v2/log/shards lists it',
  schema: { type: 'string' },
} as const

export const routes: readonly Route[] = [
  { method: 'POST', path: entriesPath, handler: postEntry, description: createEntryOperation },
  {
    method: 'POST',
    path: `${shardPrefix}${entriesPath}`,
    handler: postEntry,
    description: {
      ...createEntryOperation,
      operationId: 'CreateEntryInShard',
      parameters: [shardParameter],
    },
  },
  {
    method: 'GET',
    path: searchPath,
    handler: searchByParameters,
    description: { ...searchOperation, operationId: 'SearchByParameters', parameters: searchParameters },
  },
  { method: 'POST', path: searchPath, handler: search, description: searchOperation },
  { method: 'GET', path: '/api/v2/log/shards', handler: getLine, description: toldLineOperation },
  { method: 'GET', path: '/publicKey', handler: getPublicKey, description: publicKeyOperation },
  { method: 'GET', path: '/healthz', handler: getHealth, description: healthOperation },
]

/** Under which the tiles are served: as the API has them, and as readers of tile logs have them. */
export const tilePrefixes = ['/api/v2', ''] as const
