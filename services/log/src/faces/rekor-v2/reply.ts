/** How answers of the dialect leave: JSON without a charset, open to browsers. */
import type { FastifyReply } from 'fastify'
import { frozenMessage, type GrpcCode, grpc } from './errors.ts'

const jsonHeaders = {
  'Access-Control-Allow-Origin': '*',
  Vary: 'Origin',
  'Content-Type': 'application/json',
} as const

/** Answers with a JSON document that is written already. */
export function sendJsonText(reply: FastifyReply, status: number, json: Buffer): FastifyReply {
  return reply.code(status).headers(jsonHeaders).send(json)
}

export function sendRefusal(
  reply: FastifyReply,
  status: number,
  code: GrpcCode,
  message: string,
): FastifyReply {
  return sendJsonText(reply, status, Buffer.from(JSON.stringify({ code: grpc[code], message, details: [] })))
}

export function sendText(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply.code(200).headers({ 'Access-Control-Allow-Origin': '*', Vary: 'Origin' }).type(type).send(text)
}

export function sendFrozen(reply: FastifyReply): FastifyReply {
  return reply
    .code(405)
    .headers({ 'Access-Control-Allow-Origin': '*', Vary: 'Origin' })
    .type('text/plain; charset=utf-8')
    .send(`${frozenMessage}\n`)
}
