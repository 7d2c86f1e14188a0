/** Rekor v1's dialect over one log. It translates and nothing else; docs/dialects/rekor-v1.md lists every deviation. */
import type { FastifyPluginAsync } from 'fastify'
import type { RekorV1Dependencies } from './dependencies.ts'
import { allowOnly } from './operations.ts'
import { replyWithRekorError } from './reply-with-error.ts'
import { entryRoutes } from './routes-entries.ts'
import { logRoutes } from './routes-log.ts'
import { otherRoutes } from './routes-other.ts'
import { ownSearchRoutes } from './routes-own-search.ts'
import { retrieveRoutes } from './routes-retrieve.ts'
import { searchRoutes } from './routes-search.ts'

export type { Found, RekorV1Dependencies, Search } from './dependencies.ts'
export { newEntryEvent } from './new-entry-event.ts'
export { endpointOf } from './operations.ts'
export { readEntriesFrom } from './read-entry.ts'
export { replyWithRekorError, replyWithRekorNotFound } from './reply-with-error.ts'
export { searchKeysOfEntry } from './search-keys.ts'
export type { Attestations, Endpoint, RekorV1Settings, WriterGate } from './settings.ts'
export { endpointNames, isEndpoint } from './settings.ts'
export type { Shard, Shards } from './shard.ts'
export { findShard, openShard } from './shard.ts'
export { originOf, parseOrigin, treeIdFrom, treeIdHex } from './tree-id.ts'

export const rekorV1Face: FastifyPluginAsync<RekorV1Dependencies> = async (app, dependencies) => {
  app.setErrorHandler(replyWithRekorError)
  app.removeAllContentTypeParsers()
  // Kept as text, or as bytes where they are many: each endpoint parses it once and in its own words.
  const manyBytes = dependencies.settings?.largeBodies?.minBytes ?? Number.POSITIVE_INFINITY
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body.length < manyBytes ? body.toString() : body),
  )
  const { enabledEndpoints } = dependencies.settings ?? {}
  if (enabledEndpoints !== undefined) allowOnly(app, enabledEndpoints)
  logRoutes(app, dependencies)
  entryRoutes(app, dependencies)
  retrieveRoutes(app, dependencies)
  searchRoutes(app, dependencies)
  ownSearchRoutes(app, dependencies)
  otherRoutes(app, dependencies)
}
