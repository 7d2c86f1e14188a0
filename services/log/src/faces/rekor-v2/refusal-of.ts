/** What failures of the engine, of entries and of the frame are to a client, over HTTP and over gRPC alike. */
import { LogError } from '@sigstack/log-engine'
import { EntryError } from '@sigstack/rekor-entries'
import { RekorLogError } from '@sigstack/rekor-log'
import { SendingRefusal } from '@sigstack/server'
import type { FastifyError } from 'fastify'
import { AdmissionError } from '../../admission/errors.ts'
import { QueryError } from '../../search/errors.ts'
import { RekorV2Refusal } from './errors.ts'

/** A batch takes milliseconds, so a second is long enough for a full queue to drain. */
const standardRetryAfterSeconds = 1

/** `undefined`: our own failure. */
export function refusalOf(error: unknown): RekorV2Refusal | undefined {
  if (error instanceof RekorV2Refusal) return error
  if (error instanceof EntryError) return refusalOfEntry(error)
  if (error instanceof QueryError)
    return new RekorV2Refusal(400, 'invalidArgument', error.message, { cause: error })
  if (error instanceof LogError || error instanceof RekorLogError) return refusalOfLog(error)
  if (error instanceof AdmissionError) return refusalOfAdmission(error)
  if (error instanceof SendingRefusal)
    return new RekorV2Refusal(error.statusCode, 'unavailable', error.message)
  return refusalOfFrame(error as Partial<FastifyError>)
}

/** Whether the log takes no more entries, which clients are told in words of their own. */
export function isFrozen(error: unknown): boolean {
  return error instanceof LogError && (error.code === 'frozen' || error.code === 'read_only')
}

function refusalOfEntry(error: EntryError): RekorV2Refusal {
  const refuse = (message: string) => new RekorV2Refusal(400, 'invalidArgument', message, { cause: error })
  switch (error.code) {
    case 'bad_message':
      return refuse(error.message)
    case 'unknown_type':
      return refuse('invalid type, must be hashedrekord')
    default:
      return refuse('invalid hashedrekord request')
  }
}

function refusalOfLog(error: LogError | RekorLogError): RekorV2Refusal | undefined {
  const refuse = (message: string) =>
    new RekorV2Refusal(503, 'unavailable', message, {
      cause: error,
      retryAfterSeconds: standardRetryAfterSeconds,
    })
  switch (error.code) {
    case 'queue_full':
      return refuse('reached max pushback; retry')
    case 'unavailable':
    case 'closed':
      return refuse(`the transparency log cannot take entries now: ${error.message}`)
    case 'maintenance':
      return refuse(error.message)
    default:
      return undefined
  }
}

const admission = {
  denied: { status: 403, code: 'permissionDenied' },
  unknown_sender: { status: 401, code: 'unauthenticated' },
  too_many: { status: 429, code: 'resourceExhausted' },
} as const

function refusalOfAdmission(error: AdmissionError): RekorV2Refusal | undefined {
  if (error.code === 'bad_policy') return undefined
  const { status, code } = admission[error.code]
  const { retryAfterSeconds } = error
  return new RekorV2Refusal(status, code, error.message, {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

function refusalOfFrame({ code, statusCode, message }: Partial<FastifyError>): RekorV2Refusal | undefined {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new RekorV2Refusal(400, 'invalidArgument', 'http: request body too large')
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return undefined
  const grpcCode = statusCode === 429 ? 'resourceExhausted' : 'invalidArgument'
  return new RekorV2Refusal(statusCode, grpcCode, message ?? 'bad request')
}
