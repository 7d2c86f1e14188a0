/** Failures over HTTP. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFrozen } from './refusal-of.ts'
import { sendFrozen, sendRefusal } from './reply.ts'
import { toldRefusal } from './told-refusal.ts'

export function replyWithRekorV2Error(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (isFrozen(error)) return sendFrozen(reply)
  const { status, code, message, retryAfterSeconds } = toldRefusal(error, request)
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', String(retryAfterSeconds))
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  return sendRefusal(reply, status, code, message)
}

export function replyWithRekorV2NotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendRefusal(reply, 404, 'notFound', 'Not Found')
}
