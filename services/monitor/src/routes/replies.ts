/** Refusals as problem details (RFC 9457). */
import { isUnavailable } from '@sigstack/postgres'
import { replyWithProblem, replyWithProblemOf } from '@sigstack/server'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { MonitorError, type MonitorErrorCode } from '../errors.ts'

const statuses = {
  malformed: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  // Of the start and of reloads; no request meets it.
  bad_file: 500,
} satisfies Record<MonitorErrorCode, number>

export function replyWithRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof MonitorError) {
    const status = statuses[error.code]
    request.log.info({ req: request, status, reason: error.message }, 'request refused')
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="sigstack monitor"')
    return replyWithProblem(reply, status, error.message)
  }
  if (isUnavailable(error)) {
    request.log.error({ req: request, status: 503, err: error }, 'the database does not answer')
    return replyWithProblem(reply.header('retry-after', '1'), 503, 'the monitor cannot answer now; come back')
  }
  // Of curl without a header, before anybody has looked at the body.
  if ((error as Partial<FastifyError>).statusCode === 415)
    return replyWithProblem(reply, 415, 'a body is JSON here: send it with Content-Type: application/json')
  return replyWithProblemOf(error, request, reply)
}
