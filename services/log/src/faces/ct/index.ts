/** RFC 6962's dialect over one log. It translates and nothing else; docs/dialects/ct.md lists every deviation. */
import { serveApi } from '@sigstack/server'
import type { FastifyPluginAsync } from 'fastify'
import type { CtDependencies } from './dependencies.ts'
import { CtRefusal } from './errors.ts'
import { openApiOf } from './openapi.ts'
import { replyWithCtError } from './reply-with-error.ts'
import type { CtFace } from './route.ts'
import { rfcRoutes, routes } from './routes.ts'
import { createSubmissionValidator } from './submission.ts'

export type { CtDependencies } from './dependencies.ts'
export { replyWithCtError, replyWithCtNotFound } from './reply-with-error.ts'

export const ctFace: FastifyPluginAsync<CtDependencies> = async (app, dependencies) => {
  const { pathPrefix, roots, extendedKeyUsages } = dependencies
  app.setErrorHandler(replyWithCtError)
  app.removeAllContentTypeParsers()
  // Clients differ in the type they send; the body is JSON or it is refused.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  serveApi(app, openApiOf(pathPrefix))
  const face: CtFace = { ...dependencies, validate: createSubmissionValidator(roots, { extendedKeyUsages }) }
  for (const { method, path, handler } of routes)
    app.route({ method, url: `${pathPrefix}${path}`, ...handler(face) })
  for (const { method, path } of rfcRoutes) refuseOthers(`${pathPrefix}${path}`, method)

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
