/** Rekor v1's dialect over one log. It translates and nothing else; docs/dialects/rekor-v1.md lists every deviation. */

import { parseOrigin } from '@sigstack/rekor-log'
import { serveApi } from '@sigstack/server'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { RekorV1Dependencies } from './dependencies.ts'
import { RekorRefusal } from './errors.ts'
import { openApiOf } from './openapi.ts'
import { refuseOtherMethods } from './other-methods.ts'
import { replyWithRekorError } from './reply-with-error.ts'
import { operationOf, routes } from './routes.ts'

export type { Found, RekorV1Dependencies, Search } from './dependencies.ts'
export { bareEvent, newEntryEvent } from './new-entry-event.ts'
export { replyWithRekorError, replyWithRekorNotFound } from './reply-with-error.ts'
export type { Attestations, RekorV1Settings, WriterGate } from './settings.ts'

export const rekorV1Face: FastifyPluginAsync<RekorV1Dependencies> = async (app, face) => {
  const { shards, settings = {} } = face
  app.setErrorHandler(replyWithRekorError)
  app.removeAllContentTypeParsers()
  // Kept as text, or as bytes where they are many: each endpoint parses it once and in its own words.
  const manyBytes = settings.largeBodies?.minBytes ?? Number.POSITIVE_INFINITY
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body.length < manyBytes ? body.toString() : body),
  )
  if (settings.enabledEndpoints !== undefined) allowOnly(app, settings.enabledEndpoints)
  for (const { method, path, handler } of routes) app.route({ method, url: path, ...handler(face) })
  refuseOtherMethods(app)
  const hostname = parseOrigin(shards.active().log.origin)?.hostname ?? ''
  serveApi(app, openApiOf(hostname), { formerDocumentPaths: ['/swagger.json'] })
}

/** The others answer 501 before anything is read of them. */
function allowOnly(app: FastifyInstance, enabled: readonly string[]): void {
  app.addHook('onRequest', async (request) => {
    const operation = operationOf(request)
    if (operation === undefined || enabled.includes(operation.id)) return
    throw new RekorRefusal(501, `${operation.name} API not enabled in this Rekor instance`)
  })
}
