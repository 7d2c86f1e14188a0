/** The default dialect of failure: problem details (RFC 9457). A dialect with its own body sets its own handler. */

import { STATUS_CODES } from 'node:http'
import { escaped, reasonOf } from '@sigstack/crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { SendingRefusal } from './sending.ts'

export const PROBLEM_JSON = 'application/problem+json'
const DETAIL_LIMIT = 1_000

/** `detail` is for the requester, so only what may be known of a refusal; nothing of a failure of ours. */
export function replyWithProblem(reply: FastifyReply, status: number, detail?: string): FastifyReply {
  return reply
    .code(status)
    .type(PROBLEM_JSON)
    .send({
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      ...(detail === undefined ? {} : { detail: escaped(detail, DETAIL_LIMIT) }),
    })
}

/**
 * Error handler. An error that carries a 4xx `statusCode` is the requester's, and so is what readers have not taken:
 * told in full, logged at info. Every other one is ours: logged whole at error, answered without detail.
 */
export function replyWithProblemOf(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = statusOf(error)
  if (status < 500 || error instanceof SendingRefusal) {
    request.log.info({ req: request, status, reason: reasonOf(error) }, 'request refused')
    return replyWithProblem(reply, status, reasonOf(error))
  }
  request.log.error({ req: request, status, err: error }, 'request failed')
  return replyWithProblem(reply, status)
}

export function replyWithNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.log.info({ req: request, status: 404 }, 'request refused')
  return replyWithProblem(reply, 404, 'there is nothing at this path for this method')
}

function statusOf(error: unknown): number {
  const { statusCode } = (error ?? {}) as Partial<FastifyError>
  return statusCode !== undefined && statusCode >= 400 && statusCode <= 599 ? statusCode : 500
}
