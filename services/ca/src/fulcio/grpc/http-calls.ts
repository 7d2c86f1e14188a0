/** In Fulcio every HTTP request becomes a call of gRPC, so requests over HTTP count among the calls too. */
import { type CallMetrics, unaryCall } from '@sigstack/server/grpc'
import type { FastifyInstance } from 'fastify'

/** The statuses that the CA answers with. */
const codeOfStatus: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'OK',
  400: 'InvalidArgument',
  403: 'PermissionDenied',
  429: 'ResourceExhausted',
  500: 'Internal',
  503: 'Unavailable',
}

/** What a path stands for in Fulcio. */
type NamedPath = {
  readonly path: string
  readonly name: { readonly service: string; readonly method: string }
}

/** HEAD, preflights and wrong methods never become a call. */
export function measureHttpCalls(
  app: FastifyInstance,
  calls: CallMetrics,
  routes: readonly NamedPath[],
): void {
  const labelsOf = new Map(routes.map(({ path, name }) => [path, unaryCall(name.service, name.method)]))
  app.addHook('onResponse', (request, reply, done) => {
    const isCall = request.method === 'GET' || request.method === 'POST'
    const labels = isCall ? labelsOf.get(request.routeOptions.url ?? '') : undefined
    if (labels !== undefined) {
      calls.begun(labels)
      calls.ended(labels, codeOfStatus[reply.statusCode] ?? 'Unknown', reply.elapsedTime / 1000)
    }
    done()
  })
}
