/** How every answer of the dialect leaves: compact JSON, one line feed, no charset, open to browsers. */
import type { FastifyReply, FastifyRequest } from 'fastify'

const corsHeaders = { 'Access-Control-Allow-Origin': '*', Vary: 'Origin' } as const

const jsonHeaders = { ...corsHeaders, 'Content-Type': 'application/json' } as const

const uncachedHeaders = {
  Expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  'Cache-Control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
  Pragma: 'no-cache',
  'X-Accel-Expires': '0',
} as const

/** Answers with a JSON document that is written already, its line feed included. `onHeaders` is called when the headers are there. */
export function sendJsonText(
  reply: FastifyReply,
  status: number,
  json: string | Buffer,
  onHeaders: () => void = () => {},
): FastifyReply {
  reply.code(status).headers(jsonHeaders)
  onHeaders()
  // As bytes: the frame would add a charset to the type of a text.
  return reply.send(typeof json === 'string' ? Buffer.from(json) : json)
}

/** For plain objects of strings, numbers and lists, whose members stand in the order of the wire. */
export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return sendJsonText(reply, status, `${JSON.stringify(value)}\n`)
}

export function sendText(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply.code(200).headers(corsHeaders).type(type).send(text)
}

/** The process lives. Its path is read without case, so the frame's router does not find all its spellings. */
export function sendPing(reply: FastifyReply): FastifyReply {
  return sendText(reply, 'text/plain', '.')
}

/** 404 of an entry: no body and no type. */
export function sendEntryNotFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).headers(corsHeaders).send()
}

/** Of routes whose answers, refusals included, are never to be cached: the GETs of the log. */
export const uncachedRoute = {
  onRequest: (_request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    reply.headers(uncachedHeaders)
    done()
  },
} as const

export function sendPreflight(reply: FastifyReply, method: string): FastifyReply {
  return reply
    .code(204)
    .headers({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': method,
      'Access-Control-Allow-Headers': '*',
      Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    })
    .send()
}
