/** Failures over HTTP. */
import { escaped } from '@sigstack/crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFrozen, refusalOf } from './refusal-of.ts'
import { sendFrozen, sendRefusal } from './reply.ts'

const longestMessage = 2_000

export function replyWithRekorV2Error(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (isFrozen(error)) return sendFrozen(reply)
  const refusal = refusalOf(error)
  if (refusal === undefined) {
    request.log.error({ err: error, req: request }, 'request failed')
    return sendRefusal(reply, 500, 'unknown', 'failed to integrate entry')
  }
  const { status, code, retryAfterSeconds, cause } = refusal
  const message = escaped(refusal.message, longestMessage)
  // What upstream's words leave out is in the records alone.
  const reason = cause instanceof Error ? escaped(cause.message, longestMessage) : message
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', String(retryAfterSeconds))
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  request.log.info({ req: request, status, reason }, 'request refused')
  return sendRefusal(reply, status, code, message)
}

export function replyWithRekorV2NotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendRefusal(reply, 404, 'notFound', 'Not Found')
}
