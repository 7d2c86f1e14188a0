/** Sigstore's timestamp API: stamps, and the chain to verify them with. */
import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { IssueStamp } from '../stamping/issue-stamp.ts'
import { StampRefusal } from '../stamping/refusals.ts'
import { paths } from './replies.ts'

export type TimestampRouteOptions = {
  readonly issueStamp: IssueStamp
  readonly successStatus: 200 | 201
  readonly bodyLimitBytes: number
  /** PEM of the chain that stamps, signing certificate first. */
  readonly chainPem: () => string
  /** Every chain that is to be trusted, that one first; PEM each. */
  readonly trustedChains: () => readonly (readonly string[])[]
}

/** Of the answer to a question that differs each time. */
const neverKept = {
  'cache-control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  pragma: 'no-cache',
  'x-accel-expires': '0',
}

export const timestampRoutes: FastifyPluginCallback<TimestampRouteOptions> = (app, options, done) => {
  takeAnyBody(app)
  const { issueStamp, successStatus, bodyLimitBytes, chainPem, trustedChains } = options

  app.post(paths.stamp, { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    reply.headers(neverKept)
    const form = formOf(request)
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
    const stamp = await issueStamp(body, form)
    return reply.code(successStatus).header('content-type', 'application/timestamp-reply').send(stamp)
  })

  app.get(paths.chain, async (_request, reply) =>
    reply
      .header('cache-control', 'max-age=86400, immutable')
      .header('content-type', 'application/pem-certificate-chain')
      .send(Buffer.from(chainPem())),
  )

  // Of our own: the published trust lists a chain before it stamps, and after.
  app.get('/api/v1/timestamp/trustBundle', async (_request, reply) =>
    reply
      .header('cache-control', 'no-cache')
      .header('content-type', 'application/json')
      .send(
        Buffer.from(JSON.stringify({ chains: trustedChains().map((certificates) => ({ certificates })) })),
      ),
  )

  app.get('/ping', async (_request, reply) =>
    reply.header('content-type', 'text/plain').send(Buffer.from('.')),
  )
  done()
}

/** As bytes: what they are is for the handler to say. */
function takeAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

const forms: ReadonlyMap<string, 'der' | 'json'> = new Map([
  ['application/timestamp-query', 'der'],
  ['application/json', 'json'],
])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Throws a `StampRefusal` for a header that is none, and for a type that is no request's. */
function formOf({ headers }: FastifyRequest): 'der' | 'json' {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';')
  const form = forms.get(type.trim().toLowerCase())
  const areWellFormed = parameters.every((parameter) => {
    const [name = '', ...value] = parameter.trim().split('=')
    return (name === '' && value.length === 0) || (token.test(name) && value.length > 0)
  })
  if (form === undefined || !areWellFormed)
    throw new StampRefusal('content_type', 'a request is application/timestamp-query or application/json')
  return form
}
