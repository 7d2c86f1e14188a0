/** gRPC on the port of the API: clients choose HTTP/2 by ALPN, so it needs TLS. */
import type { ServerResponse } from 'node:http'
import type { Http2Stream } from 'node:http2'
import { createConnectRouter } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { universalRequestFromNodeRequest } from '@connectrpc/connect-node'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { type AdmitAddress, requestLimitBytes } from '../issue-for.ts'
import { type Refusal, refusalOf } from '../wording.ts'
import { type AuthorityServiceOptions, authorityService } from './authority-service.ts'
import { CA } from './generated/dev/sigstore/fulcio/v2/fulcio_pb.ts'
import { Health } from './generated/grpc/health/v1/health_pb.ts'
import { type CallMetrics, measureCalls } from './grpc-metrics.ts'
import { healthService } from './health-service.ts'
import { contextOf } from './request-context.ts'

/** How long the rest of a request that is refused already may take. */
const patienceMs = 2000

export type GrpcFaceOptions = AuthorityServiceOptions & {
  readonly admit: AdmitAddress
  readonly calls: CallMetrics
}

export const grpcFace: FastifyPluginAsync<GrpcFaceOptions> = async (app, { calls, admit, ...options }) => {
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    // More is RESOURCE_EXHAUSTED.
    readMaxBytes: requestLimitBytes,
    interceptors: [measureCalls(calls)],
  })
  router.service(CA, authorityService(options))
  router.service(Health, healthService)

  // The handlers read the body themselves, as it comes.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => done(null, undefined))
  for (const handler of router.handlers)
    app.post(handler.requestPath, async (request, reply) => {
      reply.hijack()
      try {
        if (handler.method === CA.method.createSigningCertificate) {
          const refusal = await refusalBeforeReading(admit, request)
          if (refusal !== undefined) {
            calls.refused(handler.method, refusal.grpc)
            return refuse(refusal, reply.raw)
          }
        }
        const asked = universalRequestFromNodeRequest(request.raw, reply.raw, undefined, contextOf(request))
        const response = await handler(asked)
        await send(response, reply.raw)
      } catch (error) {
        // The caller went away.
        request.log.debug({ err: error }, 'call not answered')
      } finally {
        leaveRest(reply)
      }
    })
}

/** Connect's handlers see a call only when its message is read. */
async function refusalBeforeReading(
  admit: AdmitAddress,
  request: FastifyRequest,
): Promise<Refusal | undefined> {
  try {
    await admit(request)
    return undefined
  } catch (error) {
    return refusalOf(error, request)
  }
}

function refuse({ grpc, message, retryAfterSeconds }: Refusal, raw: ServerResponse): void {
  raw.writeHead(200, { 'content-type': 'application/grpc' })
  raw.addTrailers({
    'grpc-status': String(grpc),
    'grpc-message': percentEncode(message),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  })
  raw.end()
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
 * Encodes in the message of a refusal only what gRPC asks for. The library escapes more, and some clients undo only part of
 * that, so that people would read `token%3A`.
 */
function plainMessage(trailer: Headers): Headers {
  const message = trailer.get('grpc-message')
  if (message !== null) trailer.set('grpc-message', percentEncode(decodeURIComponent(message)))
  return trailer
}

/** Percent-encoding of gRPC over HTTP/2: all bytes but printable ASCII, and the percent sign. */
function percentEncode(text: string): string {
  return text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (run) =>
    [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/**
 * A refusal may come before the request was read to its end. The rest is taken and dropped, for a while: a client that is still
 * sending would not read its answer, and an open stream would hold up the end of the connection.
 */
function leaveRest({ raw }: FastifyReply): void {
  if (!('stream' in raw)) return
  const stream = raw.stream as Http2Stream
  if (stream.destroyed || stream.readableEnded) return
  stream.resume()
  setTimeout(() => stream.destroy(), patienceMs).unref()
}
