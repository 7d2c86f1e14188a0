/** Fulcio's HTTP face; the wire is docs/dialects/fulcio.md. */
import { ignoreContentType } from '@sigstack/server'
import type { FastifyPluginAsync } from 'fastify'
import { requestLimitBytes as bodyLimit } from '../issue-for.ts'
import type { HttpFaceOptions } from './route.ts'
import { routes } from './routes.ts'

export const httpFace: FastifyPluginAsync<HttpFaceOptions> = async (app, face) => {
  // Fulcio looks at no content type: whatever comes is JSON, and nothing is an empty message.
  ignoreContentType(app)
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))
  const limited = { bodyLimit, onRequest: face.admit }
  for (const { method, path, handler, isQuiet } of routes)
    app.route({
      method,
      url: path,
      handler: handler(face),
      ...(method === 'POST' && limited),
      ...(isQuiet === true && { logLevel: 'silent' as const }),
    })
}
