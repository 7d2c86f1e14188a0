/** RFC 6962's dialect over one log. It translates and nothing else; docs/dialects/ct.md lists every deviation. */
import type { FastifyPluginAsync } from 'fastify'
import type { CtDependencies } from './dependencies.ts'
import { CtRefusal } from './errors.ts'
import { replyWithCtError } from './reply-with-error.ts'
import { readRoutes } from './routes-read.ts'
import { submitRoutes } from './routes-submit.ts'

export type { AcceptedRoots, RootSource } from './accepted-roots.ts'
export { acceptedRoots } from './accepted-roots.ts'
export type { CtDependencies } from './dependencies.ts'
export { replyWithCtError, replyWithCtNotFound } from './reply-with-error.ts'

const writes = ['add-chain', 'add-pre-chain']
const reads = [
  'get-roots',
  'get-sth',
  'get-sth-consistency',
  'get-proof-by-hash',
  'get-entries',
  'get-entry-and-proof',
]

export const ctFace: FastifyPluginAsync<CtDependencies> = async (app, dependencies) => {
  app.setErrorHandler(replyWithCtError)
  app.removeAllContentTypeParsers()
  // Clients differ in the type they send; the body is JSON or it is refused.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  submitRoutes(app, dependencies)
  readRoutes(app, dependencies)
  for (const name of writes) refuseOthers(name, 'POST')
  for (const name of reads) refuseOthers(name, 'GET')

  function refuseOthers(name: string, allowed: 'GET' | 'POST'): void {
    const methods = app.supportedMethods.filter(
      (method) => method !== allowed && !(allowed === 'GET' && method === 'HEAD') && method !== 'CONNECT',
    )
    app.route({
      method: methods,
      url: `${dependencies.pathPrefix}/ct/v1/${name}`,
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
