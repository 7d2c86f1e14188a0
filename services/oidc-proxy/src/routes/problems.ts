/** Refusals of this service as problem details (RFC 9457). */
import { PROBLEM_JSON, replyWithProblemOf } from '@sigstack/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { IssuerError, type IssuerErrorCode } from '../documents/issuer-error.ts'

const statusOf = {
  issuer_not_configured: 404,
  issuer_mismatch: 502,
  document_invalid: 502,
  issuer_unavailable: 503,
} satisfies Record<IssuerErrorCode, number>

const titleOf = {
  issuer_not_configured: 'Issuer not configured',
  issuer_mismatch: 'Issuer does not match its discovery document',
  document_invalid: 'Issuer served an invalid document',
  issuer_unavailable: 'Issuer unavailable',
} satisfies Record<IssuerErrorCode, string>

/** `code` is for programs, `detail` for people. What is no refusal of ours goes the way of every service. */
export function replyWithIssuerProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (!(error instanceof IssuerError)) return replyWithProblemOf(error, request, reply)
  const { code, message: detail, retryAfterSeconds } = error
  const status = statusOf[code]
  request.log.info({ req: request, status, reason: detail }, 'document not served')
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  return reply
    .code(status)
    .type(PROBLEM_JSON)
    .send({ type: 'about:blank', title: titleOf[code], status, code, detail })
}
