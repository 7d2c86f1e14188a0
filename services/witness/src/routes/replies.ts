/** Refusals by the statuses of C2SP tlog-witness, as problem details (RFC 9457). */
import { isUnavailable } from '@sigstack/postgres'
import { replyWithProblem, replyWithProblemOf } from '@sigstack/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { WitnessError, type WitnessErrorCode } from '../cosigning/errors.ts'

const statuses = {
  malformed: 400,
  unknown_log: 404,
  unsigned: 403,
  inconsistent: 422,
  no_checkpoint: 422,
  busy: 503,
  // Of the start; no request meets it.
  bad_logs: 500,
} satisfies Record<WitnessErrorCode, number>

export function replyWithRefusal(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  onRefusal: (outcome: WitnessErrorCode | 'unavailable') => void,
): FastifyReply {
  if (error instanceof WitnessError) {
    onRefusal(error.code)
    const status = statuses[error.code]
    request.log.info({ req: request, status, code: error.code, reason: error.message }, 'not cosigned')
    if (error.code === 'busy') reply.header('retry-after', '1')
    return replyWithProblem(reply, status, error.message)
  }
  if (isUnavailable(error)) {
    onRefusal('unavailable')
    request.log.error({ req: request, status: 503, err: error }, 'the database does not answer')
    return replyWithProblem(reply.header('retry-after', '1'), 503, 'the witness cannot answer now; come back')
  }
  return replyWithProblemOf(error, request, reply)
}
