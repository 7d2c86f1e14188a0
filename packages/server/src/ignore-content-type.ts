import type { FastifyInstance } from 'fastify'

/**
 * What is sent to `app` is read by the parsers that are added to it next, whatever type it names; also where the name is none, which
 * Fastify refuses with 415 before any parser is asked, and where there is no name nor length, as in HTTP/2, which it takes for no body.
 * For dialects whose servers look at no `Content-Type`.
 */
export function ignoreContentType(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addHook('onRequest', async ({ raw }) => {
    raw.headers['content-type'] = 'application/octet-stream'
  })
}
