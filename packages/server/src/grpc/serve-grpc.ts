/** gRPC on the port of the API: clients choose HTTP/2 by ALPN, so it needs TLS. */
import type { ServerResponse } from 'node:http'
import type { Http2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { DescMethod, DescService } from '@bufbuild/protobuf'
import { Code, createConnectRouter, type ServiceImpl } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { universalRequestFromNodeRequest } from '@connectrpc/connect-node'
import { escaped } from '@sigstack/crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type CallMetrics, measureCalls } from './call-metrics.ts'
import { Health } from './generated/grpc/health/v1/health_pb.ts'
import { healthService } from './health-service.ts'
import { connectErrorOf, type GrpcRefusal, plainMessage, sendRefusal } from './refusal.ts'
import { contextOf } from './request-context.ts'

/** How long the rest of a request that is refused already may take. */
const patienceMs = 2000
const longestName = 100

export type GrpcOptions<Service extends DescService> = {
  readonly service: Service
  /** Of unary methods. */
  readonly implementation: ServiceImpl<Service>
  /** Of a message; more is RESOURCE_EXHAUSTED. */
  readonly messageLimitBytes: number
  readonly calls: CallMetrics
  /** Asked before anything of a message is read; throws what {@link GrpcOptions.refusalOf} words. */
  readonly admit: (method: DescMethod, request: FastifyRequest) => Promise<void>
  readonly refusalOf: (error: unknown, request: FastifyRequest) => GrpcRefusal
}

/**
 * Serves one service and its health.
 *
 * @param app With nothing else on it: bodies are not parsed there.
 */
export function serveGrpc<Service extends DescService>(
  app: FastifyInstance,
  { service, implementation, messageLimitBytes, calls, admit, refusalOf }: GrpcOptions<Service>,
): void {
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: messageLimitBytes,
    interceptors: [measureCalls(calls)],
  })
  router.service(service, implementation)
  router.service(Health, healthService(service.typeName))

  // The handlers read the body themselves, as it comes.
  const bodies = new WeakMap<FastifyRequest, Readable>()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, body, done) => {
    bodies.set(request, body)
    done(null, undefined)
  })
  for (const handler of router.handlers)
    app.post(handler.requestPath, {
      onRequest: async (request, reply) => {
        try {
          await admit(handler.method, request)
        } catch (error) {
          const refusal = refusalOf(error, request)
          calls.refused(handler.method, refusal.grpc)
          refuse(refusal, request, reply)
        }
      },
      handler: async (request, reply) => {
        reply.hijack()
        const body = bodies.get(request) ?? request.raw
        try {
          const asked = universalRequestFromNodeRequest(request.raw, reply.raw, undefined, contextOf(request))
          const response = await handler({ ...asked, body: chunksOf(body, request, refusalOf) })
          await send(response, reply.raw)
        } catch (error) {
          // The caller went away.
          request.log.debug({ err: error }, 'call not answered')
        } finally {
          leaveRest(body, reply)
        }
      },
    })
  app.post<{ Params: { '*': string } }>(`/${service.typeName}/*`, {
    onRequest: async (request, reply) => {
      const message = `method ${escaped(request.params['*'], longestName)} not implemented`
      refuse({ grpc: Code.Unimplemented, message }, request, reply)
    },
    handler: async () => undefined,
  })
}

/** Before anything of the message is read. */
function refuse(refusal: GrpcRefusal, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack()
  sendRefusal(reply.raw, refusal)
  leaveRest(request.raw, reply)
}

/** A body that the frame stops, as one too many on their way, is a refusal; anything else that ends it is the caller's going. */
async function* chunksOf(
  body: Readable,
  request: FastifyRequest,
  refusalOf: GrpcOptions<DescService>['refusalOf'],
): AsyncIterable<Uint8Array> {
  try {
    yield* body.iterator({ destroyOnReturn: false })
  } catch (error) {
    throw error instanceof Error && 'statusCode' in error ? connectErrorOf(refusalOf(error, request)) : error
  }
}

/** Every answer is one message or a refusal, so it is whole before the first byte leaves, and its trailer known. */
async function send(
  { status, header, body, trailer }: UniversalServerResponse,
  raw: ServerResponse,
): Promise<void> {
  const parts: Uint8Array[] = []
  for await (const part of body ?? []) parts.push(part)
  raw.writeHead(status, Object.fromEntries(header ?? new Headers()))
  raw.addTrailers(Object.fromEntries(plainMessage(trailer ?? new Headers())))
  await new Promise<void>((resolve) => {
    raw.once('close', resolve)
    raw.end(Buffer.concat(parts), resolve)
  })
}

/**
 * A refusal may come before the request was read to its end. The rest is taken and dropped, for a while: a client that is still
 * sending would not read its answer, and an open stream would hold up the end of the connection.
 */
function leaveRest(body: Readable, { raw }: FastifyReply): void {
  if (!('stream' in raw)) return
  const stream = raw.stream as Http2Stream
  if (stream.destroyed || stream.readableEnded) return
  body.resume()
  setTimeout(() => stream.destroy(), patienceMs).unref()
}
