/** Files with strong validators, so that clients ask cheaply. */
import { sha256Hex } from '@sigstack/crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

export type FileToSend = {
  readonly content: string | Uint8Array
  readonly type: string
  readonly cacheControl: string
}

export function replyWithFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { content, type, cacheControl }: FileToSend,
): FastifyReply {
  const etag = `"${sha256Hex(content)}"`
  reply.header('etag', etag).header('cache-control', cacheControl)
  const asked = request.headers['if-none-match']
  const known = asked?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || asked?.trim() === '*') return reply.code(304).send()
  return reply.type(type).send(content)
}

export function replyNotYet(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header('retry-after', '2')
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'the keys of the services are not collected yet; try again in a moment',
    })
}
