/**
 * Failures as CT logs tell them. The CA's client retries 408, 429 and 503 and nothing else, so temporary trouble is
 * always 503 (tsa-and-ct.md section B7).
 */

import { CryptoError, escaped } from '@sigstack/crypto'
import { CtError } from '@sigstack/ct'
import { LogError, type LogErrorCode } from '@sigstack/log-engine'
import { RekorLogError, type RekorLogErrorCode } from '@sigstack/rekor-log'
import { pathOf, SendingRefusal } from '@sigstack/server'
import { X509Error } from '@sigstack/x509'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { CtRefusal } from './errors.ts'
import { sendRefusal } from './reply.ts'

/** Where nobody knows when. */
const standardRetryAfterSeconds = 1

/** What is not listed is our own failure. */
const statusOfLog: Readonly<Partial<Record<LogErrorCode | RekorLogErrorCode, number>>> = {
  not_found: 404,
  queue_full: 503,
  unavailable: 503,
  closed: 503,
  maintenance: 503,
  read_only: 403,
  frozen: 403,
}

export function replyWithCtError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error)
  if (refusal === undefined) {
    request.log.error({ err: error, req: request }, 'request failed')
    return sendRefusal(reply, 500, 'the log failed; its operator finds the reason in its records')
  }
  request.log.info({ req: request, status: refusal.status, reason: refusal.message }, 'request refused')
  if (refusal.status === 503 || refusal.status === 429)
    reply.header('Retry-After', String(refusal.retryAfterSeconds ?? standardRetryAfterSeconds))
  return sendRefusal(reply, refusal.status, refusal.message)
}

export function replyWithCtNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendRefusal(reply, 404, `there is nothing at ${escaped(pathOf(request.url))}`)
}

function refusalOf(error: unknown): CtRefusal | undefined {
  if (error instanceof CtRefusal) return error
  if (error instanceof X509Error || error instanceof CryptoError || error instanceof CtError) {
    return new CtRefusal(400, error.message)
  }
  if (error instanceof LogError || error instanceof RekorLogError) {
    const status = statusOfLog[error.code]
    return status === undefined ? undefined : new CtRefusal(status, error.message)
  }
  if (error instanceof SendingRefusal) return new CtRefusal(error.statusCode, error.message)
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new CtRefusal(413, 'the body is larger than this log takes')
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return undefined
  return new CtRefusal(statusCode, message ?? 'bad request')
}
