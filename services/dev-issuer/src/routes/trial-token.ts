/** POST /trial/token: a token for a script, as JSON `{"token": "<jwt>"}`. */

import { parseBoundedJson } from '@sigstack/crypto'
import { replyWithProblem, replyWithProblemOf } from '@sigstack/server'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { maxTokenLifetimeSeconds, mintToken, type TokenMaker } from '../tokens/mint-token.ts'
import { TrialTokenError } from '../tokens/trial-token-error.ts'

const TokenRequest = Type.Object(
  {
    email: Type.Optional(Type.String({ maxLength: 254 })),
    subject: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
    audience: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: maxTokenLifetimeSeconds })),
    claims: Type.Optional(Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.Unknown())),
  },
  { additionalProperties: false },
)

export type TrialTokenRoutesOptions = {
  readonly maker: TokenMaker
  readonly mount: string
  readonly now: () => Date
  readonly onToken: () => void
}

export const trialTokenRoutes: FastifyPluginAsync<TrialTokenRoutesOptions> = async (app, options) => {
  const { maker, mount, now, onToken } = options
  app.setErrorHandler(replyWithTokenProblem)

  app.post(`${mount}/trial/token`, async (request, reply) => {
    // Browsers name the page that sends a form. A page that could reach this address, by a name that
    // suddenly leads to this machine too, would be given tokens for anyone.
    const { origin } = request.headers
    if (origin !== undefined && origin !== new URL(maker.issuer).origin) {
      return replyWithProblem(reply, 403, 'tokens are for scripts, not for web pages')
    }
    const token = await mintToken(maker, parseRequest(request.body), now())
    onToken()
    return reply.header('cache-control', 'no-store').send({ token })
  })
}

function parseRequest(body: unknown): Static<typeof TokenRequest> {
  const candidate = body instanceof URLSearchParams ? Value.Convert(TokenRequest, fromForm(body)) : body
  if (Value.Check(TokenRequest, candidate)) return candidate
  const reasons = Value.Errors(TokenRequest, candidate).map((error) =>
    `${error.instancePath} ${error.message}`.trim(),
  )
  throw new TrialTokenError('request_refused', reasons.slice(0, 5).join('; '))
}

function fromForm(form: URLSearchParams): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.fromEntries(form)
  if (typeof fields.claims !== 'string') return fields
  try {
    return { ...fields, claims: parseBoundedJson(fields.claims) }
  } catch {
    throw new TrialTokenError('request_refused', 'claims must be a JSON object')
  }
}

function replyWithTokenProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof TrialTokenError) return replyWithProblem(reply, 400, error.message)
  return replyWithProblemOf(error, request, reply)
}
