/** Failures in the words that a client gets, over HTTP and over gRPC alike; what those leave out is in the records alone. */
import { escaped } from '@sigstack/crypto'
import type { FastifyRequest } from 'fastify'
import { RekorV2Refusal } from './errors.ts'
import { refusalOf } from './refusal-of.ts'

const longestMessage = 2_000

/** Leaves a record of it. */
export function toldRefusal(error: unknown, request: FastifyRequest): RekorV2Refusal {
  const refusal = refusalOf(error)
  if (refusal === undefined) {
    request.log.error({ err: error, req: request }, 'request failed')
    return new RekorV2Refusal(500, 'unknown', 'failed to integrate entry')
  }
  const { status, code, retryAfterSeconds, cause } = refusal
  const message = escaped(refusal.message, longestMessage)
  const reason = cause instanceof Error ? escaped(cause.message, longestMessage) : message
  request.log.info({ req: request, status, reason }, 'request refused')
  return new RekorV2Refusal(status, code, message, {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}
