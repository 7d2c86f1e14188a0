import type { FastifyInstance } from 'fastify'

export type AnyOriginOptions = {
  readonly methods: readonly string[]
  /** Request headers that a page may send beyond the harmless ones. */
  readonly headers: readonly string[]
}

const PREFLIGHT_AGE_SECONDS = 600

/**
 * Lets web pages of any origin read this service (CORS): every answer of `app` gets the headers, and `OPTIONS`
 * asked by a browser beforehand is answered with 204. Only for what is public and uses no cookies.
 */
export function allowAnyOrigin(app: FastifyInstance, { methods, headers }: AnyOriginOptions): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('access-control-allow-origin', '*').header('vary', 'Origin')
    done()
  })
  app.options('*', { logLevel: 'silent' }, async (request, reply) => {
    if (request.headers['access-control-request-method'] === undefined) return reply.callNotFound()
    return reply
      .header('access-control-allow-methods', methods.join(', '))
      .header('access-control-allow-headers', headers.join(', '))
      .header('access-control-max-age', String(PREFLIGHT_AGE_SECONDS))
      .code(204)
      .send()
  })
}
