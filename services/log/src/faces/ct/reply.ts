/** JSON for answers, plain text for refusals (tsa-and-ct.md section B2). */

import { STATUS_CODES } from 'node:http'
import { escaped } from '@sigstack/crypto'
import type { FastifyReply } from 'fastify'

/** Of ranges that are all there: entries never change. */
export const immutable = 'public, max-age=31536000, immutable'
/** Of ranges cut short: more may be there in a moment. */
export const shortLived = 'public, max-age=60'
export const uncached = 'no-store'

const longestDetail = 2_000

export function sendJsonText(reply: FastifyReply, cacheControl: string, json: string): FastifyReply {
  return reply.code(200).header('Cache-Control', cacheControl).type('application/json').send(`${json}\n`)
}

export function sendRefusal(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(`${STATUS_CODES[status] ?? 'Error'}\n${escaped(detail, longestDetail)}\n`)
}
