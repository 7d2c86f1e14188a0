/** RFC 6962's dialect over its logs. It translates and nothing else; docs/dialects/ct.md lists every deviation. */
import { ignoreContentType, serveApi } from '@sigstack/server'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { CtDependencies, LaterCtLog } from './dependencies.ts'
import { CtRefusal } from './errors.ts'
import { openApiOf } from './openapi.ts'
import { replyWithCtError } from './reply-with-error.ts'
import type { CtFace, Handler } from './route.ts'
import { laterPrefix, rfcRoutes, routes } from './routes.ts'
import { createSubmissionValidator } from './submission.ts'

export type { CtDependencies, LaterCtLog } from './dependencies.ts'
export { replyWithCtError, replyWithCtNotFound } from './reply-with-error.ts'

/** Of the first log, and of those that follow it, which are opened while this one serves. */
export type CtFaceOptions = CtDependencies & { readonly later: LaterCtLog }

export const ctFace: FastifyPluginAsync<CtFaceOptions> = async (app, { later, ...first }) => {
  const { pathPrefix } = first
  app.setErrorHandler(replyWithCtError)
  // Clients differ in the type they send; the body is JSON or it is refused.
  ignoreContentType(app)
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  serveApi(app, openApiOf(pathPrefix))
  const face = withValidator(first)
  const laterFaces = new WeakMap<CtDependencies, CtFace>()
  const faceOf = (dependencies: CtDependencies): CtFace => {
    const known = laterFaces.get(dependencies) ?? withValidator(dependencies)
    laterFaces.set(dependencies, known)
    return known
  }
  for (const { method, path, handler } of routes) {
    const ofFirst = handler(face)
    app.route({ method, url: `${pathPrefix}${path}`, ...ofFirst })
    app.route({ method, url: `${laterPrefix}${path}`, ...ofFirst, handler: ofLater(handler) })
  }
  for (const { method, path } of rfcRoutes)
    for (const prefix of [pathPrefix, laterPrefix]) refuseOthers(`${prefix}${path}`, method)

  /** The same of the log that the path names. */
  function ofLater(handlerOf: Handler) {
    const handlers = new WeakMap<CtFace, ReturnType<Handler>['handler']>()
    return async function (this: typeof app, request: FastifyRequest, reply: FastifyReply) {
      const { shard = '' } = request.params as { readonly shard?: string }
      const dependencies = await later(shard)
      if (dependencies === undefined) return reply.callNotFound()
      const asked = faceOf(dependencies)
      const handler = handlers.get(asked) ?? handlerOf(asked).handler
      handlers.set(asked, handler)
      return handler.call(this, request, reply)
    }
  }

  function refuseOthers(url: string, allowed: 'GET' | 'POST'): void {
    const methods = app.supportedMethods.filter(
      (method) => method !== allowed && !(allowed === 'GET' && method === 'HEAD') && method !== 'CONNECT',
    )
    app.route({
      method: methods,
      url,
      exposeHeadRoute: false,
      // Before the body is read: a refusal needs none of it.
      onRequest: async (request, reply) => {
        reply.header('Allow', allowed)
        throw new CtRefusal(405, `${request.method} is not allowed here, ${allowed} is`)
      },
      handler: async () => undefined,
    })
  }
}

function withValidator(dependencies: CtDependencies): CtFace {
  const { roots, extendedKeyUsages } = dependencies
  return { ...dependencies, validate: createSubmissionValidator(roots, { extendedKeyUsages }) }
}
