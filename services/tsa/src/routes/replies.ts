/** Refusals as Sigstore's timestamp authority words them: a JSON object with the status again, and a few fixed sentences. */
import { reasonOf } from '@sigstack/crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type RefusalCode, StampRefusal } from '../stamping/refusals.ts'

const anyOther = 'Error generating timestamp response'

const wording: Readonly<Record<RefusalCode, { readonly status: number; readonly message: string }>> = {
  malformed: { status: 400, message: anyOther },
  too_large: { status: 400, message: 'timestamp request is too large' },
  weak_hash: { status: 400, message: 'Weak hash algorithm in timestamp request' },
  unsupported_hash: { status: 400, message: anyOther },
  wrong_digest_length: {
    status: 400,
    message: 'Message digest has incorrect length for specified algorithm',
  },
  bad_policy: { status: 400, message: 'OID should be comprised of at most 128 components' },
  unaccepted_policy: {
    status: 400,
    message: 'unaccepted policy: requested TSA policy is not supported by the TSA',
  },
  unaccepted_extension: {
    status: 400,
    message: 'unaccepted extension: requested extensions are not supported by the TSA',
  },
  content_type: { status: 415, message: anyOther },
  body_too_large: { status: 413, message: anyOther },
  clock_unsure: { status: 500, message: anyOther },
  signing_failed: { status: 500, message: anyOther },
  client_gone: { status: 499, message: 'client disconnected during request' },
  internal: { status: 500, message: anyOther },
}

export function replyWithRefusal(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  onRefusal: (code: RefusalCode) => void,
): FastifyReply {
  const other = otherRefusal(error)
  if (other !== undefined) {
    request.log.info({ req: request, status: other.status, reason: reasonOf(error) }, 'request refused')
    return send(reply, other.status, other.message)
  }
  const known = codeOf(error)
  const isOurs = wording[known].status >= 500
  // Nobody reads the answer, so it is no failure of ours that anybody saw.
  const code = isOurs && request.raw.socket.destroyed ? 'client_gone' : known
  const { status, message } = wording[code]
  onRefusal(code)
  if (isOurs) request.log.error({ req: request, status, err: error }, 'timestamp not made')
  else request.log.info({ req: request, status, code, reason: reasonOf(error) }, 'timestamp refused')
  return send(reply, status, message)
}

export function replyWithNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = request.url.split('?', 1)
  const allowed = methodsOf.get(path)
  request.log.info({ req: request, status: allowed === undefined ? 404 : 405 }, 'request refused')
  if (allowed === undefined) return send(reply, 404, 'there is nothing at this path')
  return send(
    reply.header('allow', allowed),
    405,
    `method ${request.method} is not allowed, but [${allowed}] are`,
  )
}

export const paths = { stamp: '/api/v1/timestamp', chain: '/api/v1/timestamp/certchain' } as const

const methodsOf: ReadonlyMap<string, string> = new Map([
  [paths.stamp, 'POST'],
  [paths.chain, 'GET'],
])

function codeOf(error: unknown): RefusalCode {
  if (error instanceof StampRefusal) return error.code
  const { statusCode } = (error ?? {}) as Partial<FastifyError>
  if (statusCode === 413) return 'body_too_large'
  if (statusCode === 415) return 'content_type'
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? 'malformed' : 'internal'
}

/** The frame's own: too many readers that do not read. */
function otherRefusal(error: unknown): { readonly status: number; readonly message: string } | undefined {
  const { statusCode } = (error ?? {}) as Partial<FastifyError>
  return statusCode === 503 ? { status: 503, message: reasonOf(error) } : undefined
}

/** Exactly `application/json`: bytes, because the framework adds a charset to texts. */
function send(reply: FastifyReply, code: number, message: string): FastifyReply {
  return reply
    .code(code)
    .header('content-type', 'application/json')
    .send(Buffer.from(`${JSON.stringify({ code, message })}\n`))
}
