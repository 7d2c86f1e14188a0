/** Every route of the dialect but those of tiles, once: what is served, what other methods are told, and the description. */
import { getHealth, getPublicKey, postEntry } from './entries.ts'
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

export const routes: readonly Route[] = [
  { method: 'POST', path: entriesPath, handler: postEntry, description: createEntryOperation },
  {
    method: 'GET',
    path: searchPath,
    handler: searchByParameters,
    description: { ...searchOperation, operationId: 'SearchByParameters', parameters: searchParameters },
  },
  { method: 'POST', path: searchPath, handler: search, description: searchOperation },
  { method: 'GET', path: '/publicKey', handler: getPublicKey, description: publicKeyOperation },
  { method: 'GET', path: '/healthz', handler: getHealth, description: healthOperation },
]

/** Under which the tiles are served: as the API has them, and as readers of tile logs have them. */
export const tilePrefixes = ['/api/v2', ''] as const
