import type { FastifyReply } from 'fastify'

/** Exactly `application/json`. As bytes, because the framework adds a charset to texts, which the contract lacks. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(text))
}
