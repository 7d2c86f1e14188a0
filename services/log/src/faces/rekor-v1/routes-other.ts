/** The pulse, and what the paths of the API say to other methods (rekor-v1.md sections 2 and 9.1). */
import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { RekorV1Dependencies } from './dependencies.ts'
import { RekorRefusal } from './errors.ts'
import { openapi } from './openapi.ts'
import { docsPage, homePage, pagePolicy } from './pages.ts'
import { sendJsonText, sendPing, sendPreflight, sendText } from './reply.ts'
import { parseOrigin } from './tree-id.ts'

const apiPaths: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/log': ['GET'],
  '/api/v1/log/publicKey': ['GET'],
  '/api/v1/log/publicKeys': ['GET'],
  '/api/v1/log/proof': ['GET'],
  '/api/v1/log/entries': ['GET', 'POST'],
  '/api/v1/log/entries/:entryUUID': ['GET'],
  '/api/v1/log/entries/retrieve': ['POST'],
  '/api/v1/index/retrieve': ['POST'],
  '/api/v1/search': ['GET', 'POST'],
}

const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

export function otherRoutes(app: FastifyInstance, { shards }: Pick<RekorV1Dependencies, 'shards'>): void {
  app.get('/ping', async (_request, reply) => sendPing(reply))

  const hostname = parseOrigin(shards.active().log.origin)?.hostname ?? ''
  const pages = { '/': homePage(hostname), '/docs': docsPage(hostname) }
  for (const [url, page] of Object.entries(pages)) {
    app.get(url, async (_request, reply) =>
      sendText(reply.header('Content-Security-Policy', pagePolicy), 'text/html; charset=utf-8', page),
    )
  }
  const description = `${JSON.stringify(openapi)}\n`
  app.get('/swagger.json', async (_request, reply) => sendJsonText(reply, 200, description))

  for (const [url, allowed] of Object.entries(apiPaths)) {
    const others = methods.filter(
      (method) => !allowed.includes(method) && app.supportedMethods.includes(method),
    )
    app.route({
      method: others,
      url,
      // Before the body is read: a refusal needs none of it.
      onRequest: async (request, reply) => {
        const asked = request.headers['access-control-request-method']
        if (request.method === 'OPTIONS' && asked !== undefined)
          return sendPreflight(reply, allowed.join(', '))
        reply.header('Allow', allowed.join(','))
        throw new RekorRefusal(405, `method ${request.method} is not allowed, but [${allowed.join(',')}] are`)
      },
      handler: async () => undefined,
    })
  }
}
