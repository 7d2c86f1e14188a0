/** Rekor v2's dialect over one log. It translates and nothing else; docs/dialects/rekor-v2.md lists every deviation. */
import { ignoreContentType, serveApi } from '@sigstack/server'
import type { FastifyInstance, FastifyPluginAsync, HTTPMethods } from 'fastify'
import type { RekorV2Dependencies } from './dependencies.ts'
import { RekorV2Refusal } from './errors.ts'
import { openApi } from './openapi.ts'
import { replyWithRekorV2Error } from './reply-with-error.ts'
import { entriesPath, routes, shardPrefix, tilePrefixes } from './routes.ts'

export type { RekorV2Dependencies } from './dependencies.ts'
export { replyWithRekorV2Error, replyWithRekorV2NotFound } from './reply-with-error.ts'

const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY']

export const rekorV2Face: FastifyPluginAsync<RekorV2Dependencies> = async (app, face) => {
  app.setErrorHandler(replyWithRekorV2Error)
  // The body is protobuf JSON or it is refused.
  ignoreContentType(app)
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  serveApi(app, openApi)
  for (const { method, path, handler } of routes) app.route({ method, url: path, ...handler(face) })
  for (const path of [entriesPath, `${shardPrefix}${entriesPath}`]) refuseOthers(app, path, 'POST')
  refuseOthers(app, '/healthz', 'GET')
  for (const prefix of [...tilePrefixes, shardPrefix])
    for (const path of ['/checkpoint', '/tile/*']) refuseOthers(app, `${prefix}${path}`, 'GET')
}

/** Other methods of a path, before anything of a body is read; browsers that ask first are answered. */
function refuseOthers(app: FastifyInstance, url: string, allowed: 'GET' | 'POST'): void {
  app.route({
    method: [
      ...methods.filter((method) => method !== allowed && app.supportedMethods.includes(method)),
      'OPTIONS',
      ...(allowed === 'POST' ? ['HEAD' as const] : []),
    ],
    url,
    exposeHeadRoute: false,
    onRequest: async (request, reply) => {
      const asked = request.headers['access-control-request-method']
      if (request.method !== 'OPTIONS' || asked === undefined)
        throw new RekorV2Refusal(501, 'unimplemented', 'Method Not Allowed')
      return reply
        .code(204)
        .headers({
          'Access-Control-Allow-Origin': '*',
          'Access-Control-Allow-Methods': allowed === 'GET' ? 'GET, HEAD' : allowed,
          'Access-Control-Allow-Headers': '*',
        })
        .send()
    },
    handler: async () => undefined,
  })
}
