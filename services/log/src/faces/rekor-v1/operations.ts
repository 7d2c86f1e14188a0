/** The operations of the API by upstream's IDs, for whatever goes by operation: switching off, counting, describing. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RekorRefusal } from './errors.ts'
import { type Endpoint, endpointNames } from './settings.ts'

/** As the router has it: method, space, pattern. */
const endpointByRoute: ReadonlyMap<string, Endpoint> = new Map([
  ['POST /api/v1/log/entries', 'createLogEntry'],
  ['GET /api/v1/log/entries', 'getLogEntryByIndex'],
  ['GET /api/v1/log/entries/:entryUUID', 'getLogEntryByUUID'],
  ['POST /api/v1/log/entries/retrieve', 'searchLogQuery'],
  ['GET /api/v1/log', 'getLogInfo'],
  ['GET /api/v1/log/proof', 'getLogProof'],
  ['GET /api/v1/log/publicKey', 'getPublicKey'],
  ['POST /api/v1/index/retrieve', 'searchIndex'],
  ['GET /api/v1/search', 'search'],
  ['POST /api/v1/search', 'search'],
])

export function endpointOf(request: FastifyRequest): Endpoint | undefined {
  return endpointByRoute.get(`${request.method} ${request.routeOptions.url}`)
}

/** The others answer 501 before anything is read of them. */
export function allowOnly(app: FastifyInstance, enabled: readonly Endpoint[]): void {
  app.addHook('onRequest', async (request) => {
    const endpoint = endpointOf(request)
    if (endpoint === undefined || enabled.includes(endpoint)) return
    throw new RekorRefusal(501, `${endpointNames[endpoint]} API not enabled in this Rekor instance`)
  })
}
