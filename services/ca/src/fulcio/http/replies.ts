/** Refusals as HTTP answers them. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type GrpcCode, refusalOf } from '../wording.ts'
import { servedPaths } from './routes.ts'
import { sendJson } from './send-json.ts'

export function replyWithFulcioError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, grpc, message, retryAfterSeconds } = refusalOf(error, request)
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  return send(reply, status, grpc, message)
}

/** A known path with another method is 501, as grpc-gateway has it. */
export function replyWithNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = request.url.split('?', 1)
  return servedPaths.has(path) ? send(reply, 501, 12, 'Method Not Allowed') : send(reply, 404, 5, 'Not Found')
}

function send(reply: FastifyReply, status: number, code: GrpcCode, message: string): FastifyReply {
  return sendJson(reply.code(status), JSON.stringify({ code, message, details: [] }))
}
