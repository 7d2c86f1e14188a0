/** Failures of the engine, of entries and of the frame, in Rekor's shape. */

import { escaped, quoted } from '@sigstack/crypto'
import { LogError } from '@sigstack/log-engine'
import { EntryError } from '@sigstack/rekor-entries'
import { RekorLogError } from '@sigstack/rekor-log'
import { pathOf, SendingRefusal } from '@sigstack/server'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AdmissionError } from '../../admission/errors.ts'
import { QueryError } from '../../search/errors.ts'
import { badRequest, badSchema, RekorRefusal } from './errors.ts'
import { sendJson, sendPing, sendPreflight } from './reply.ts'
import { operationOf } from './routes.ts'

/** A batch takes milliseconds, so a second is long enough for a full queue to drain. */
const retryAfterSeconds = '1'
const longestMessage = 2_000

export function replyWithRekorError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = refusalOf(error, request)
  if (refusal === undefined) {
    request.log.error({ err: error, req: request }, 'request failed')
    const message =
      operationOf(request)?.id === 'searchIndex'
        ? 'unexpected result from searching index'
        : 'unexpected error communicating with transparency log'
    return sendJson(reply, 500, { code: 500, message })
  }
  const { status, code } = refusal
  const message = escaped(refusal.message, longestMessage)
  if (status === 503) reply.header('Retry-After', retryAfterSeconds)
  if (error instanceof AdmissionError && error.retryAfterSeconds !== undefined) {
    reply.header('Retry-After', String(error.retryAfterSeconds))
  }
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  request.log.info({ req: request, status, reason: message }, 'request refused')
  return sendJson(reply, status, { code, message })
}

export function replyWithRekorNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const asked = request.headers['access-control-request-method']
  if (request.method === 'OPTIONS' && asked !== undefined && /^(?:GET|HEAD|POST)$/.test(asked)) {
    return sendPreflight(reply, asked)
  }
  const path = pathOf(request.url)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && /^\/+ping\/*$/i.test(path)) return sendPing(reply)
  return sendJson(reply, 404, { code: 404, message: `path ${escaped(path)} was not found` })
}

function refusalOf(error: unknown, request: FastifyRequest): RekorRefusal | undefined {
  if (error instanceof RekorRefusal) return error
  if (error instanceof EntryError) return refusalOfEntry(error)
  if (error instanceof QueryError)
    return error.fault === undefined
      ? badRequest(error.message, error)
      : badSchema(error.fault, error.message)
  if (error instanceof LogError || error instanceof RekorLogError) return refusalOfLog(error)
  if (error instanceof AdmissionError) {
    return error.code === 'bad_policy'
      ? undefined
      : new RekorRefusal(statusOfAdmission[error.code], error.message)
  }
  if (error instanceof SendingRefusal) return new RekorRefusal(error.statusCode, error.message)
  return refusalOfFrame(error as Partial<FastifyError>, request)
}

const statusOfAdmission = { denied: 403, unknown_sender: 401, too_many: 429 } as const

function refusalOfEntry(error: EntryError): RekorRefusal {
  if (error.schemaFault !== undefined)
    return new RekorRefusal(422, error.message, { code: error.schemaFault })
  return new RekorRefusal(400, `error processing entry: ${error.message}`)
}

function refusalOfLog(error: LogError | RekorLogError): RekorRefusal | undefined {
  switch (error.code) {
    case 'queue_full':
    case 'unavailable':
    case 'closed':
      // Of readers, who bring the log nothing.
      if (error instanceof RekorLogError && error.code === 'queue_full')
        return new RekorRefusal(503, error.message)
      // Clients retry every 5xx but 501, and wait as Retry-After says.
      return new RekorRefusal(503, `the transparency log cannot take entries now: ${error.message}`)
    case 'maintenance':
      return new RekorRefusal(503, error.message)
    case 'read_only':
      // As upstream without createLogEntry among its endpoints: clients do not try again.
      return new RekorRefusal(501, `Create Entry API not enabled in this Rekor instance: ${error.message}`)
    case 'not_found':
    case 'foreign_key':
    case 'inconsistent':
    case 'frozen':
    case 'bad_series':
    case 'busy':
      return undefined
  }
}

function refusalOfFrame(
  { code, statusCode, message }: Partial<FastifyError>,
  request: FastifyRequest,
): RekorRefusal | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new RekorRefusal(413, `Request Entity Too Large. Limit set to ${request.routeOptions.bodyLimit}`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const sent = request.headers['content-type'] ?? 'application/octet-stream'
      return new RekorRefusal(
        415,
        `unsupported media type ${quoted(sent)}, only [application/json] are allowed`,
      )
    }
    default:
      if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return undefined
      return new RekorRefusal(statusCode, message ?? 'bad request')
  }
}
