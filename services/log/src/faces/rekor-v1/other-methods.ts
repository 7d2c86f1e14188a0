/** What the paths of the log's operations say to methods that they do not take (rekor-v1.md section 9.1). */
import type { FastifyInstance, HTTPMethods } from 'fastify'
import { RekorRefusal } from './errors.ts'
import { sendPreflight } from './reply.ts'
import { methodsByPath } from './routes.ts'

const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY']

export function refuseOtherMethods(app: FastifyInstance): void {
  for (const [url, allowed] of methodsByPath) {
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
