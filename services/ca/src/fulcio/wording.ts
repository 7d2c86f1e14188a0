/** Refusals in Fulcio's words: HTTP status, gRPC code and text of fulcio.md section 6. */
import { escaped } from '@sigstack/crypto'
import { SendingRefusal } from '@sigstack/server'
import type { FastifyRequest } from 'fastify'
import { IssuanceError, type IssuanceErrorCode } from '../refusals.ts'
import { MessageError } from './message-error.ts'

export type GrpcCode = 2 | 3 | 5 | 7 | 8 | 12 | 13 | 14

type Wording = {
  readonly status: number
  readonly grpc: GrpcCode
  /** Undefined: the message of the error is the text of the contract already. */
  readonly sentence?: string
  /** Whether the reason follows the sentence. Nothing parses these texts, but people read them. */
  readonly withReason?: true
}

const badRequest = { status: 400, grpc: 3 } as const
const internal = { status: 500, grpc: 13 } as const
/** Clients try again on 503; Fulcio's own 400 and 500 for trouble behind it helped nobody. */
const unavailable = { status: 503, grpc: 14 } as const
const tokenSentence = 'There was an error processing the identity token'

const wording = {
  identity_token_rejected: { ...badRequest, sentence: tokenSentence, withReason: true },
  identity_provider_unreachable: { ...unavailable, sentence: tokenSentence, withReason: true },
  // Ours: the token is good and its identity known, so this is no 400 that a better token would mend.
  policy_refused: {
    status: 403,
    grpc: 7,
    sentence: 'The issuance policy does not permit a certificate for this identity',
    withReason: true,
  },
  // sigstore-go and sigstore-js try again on this one.
  too_many_requests: { status: 429, grpc: 8 },
  too_busy: unavailable,
  extension_unavailable: badRequest,
  issuer_empty: badRequest,
  san_unencodable: badRequest,
  public_key_unparsable: {
    ...badRequest,
    sentence: 'The public key supplied in the request could not be parsed',
  },
  certificate_request_unparsable: {
    ...badRequest,
    sentence: 'The certificate signing request could not be parsed',
  },
  public_key_insecure: { ...badRequest, sentence: 'The public key supplied in the request is insecure' },
  proof_of_possession_failed: {
    ...badRequest,
    sentence: 'The signature supplied in the request could not be verified',
  },
  request_algorithm_unrecognized: badRequest,
  algorithm_not_permitted: badRequest,
  ct_log_unavailable: { ...unavailable, sentence: 'Error entering certificate in CTL' },
  signing_key_unavailable: { ...unavailable, sentence: 'error communicating with CA backend' },
  issuing_certificate_ends: {
    ...internal,
    sentence: 'error communicating with CA backend',
    withReason: true,
  },
  self_check_failed: { ...internal, sentence: 'Error marshaling code signing certificate' },
} satisfies Record<IssuanceErrorCode, Wording>

const retryAfterSeconds = 1
const longestMessage = 2_000

/** What a requester is told, over HTTP and over gRPC alike. */
export type Refusal = {
  readonly status: number
  readonly grpc: GrpcCode
  readonly message: string
  readonly retryAfterSeconds?: number
}

/** For errors of the domain, of the message, and of the framework. Anything else is our fault and told without detail. */
export function refusalOf(error: unknown, request: Pick<FastifyRequest, 'id' | 'log'>): Refusal {
  const refusal = wordedRefusal(error, request)
  const cut = refusal.message.slice(0, longestMessage)
  // One of Fulcio's sentences is indented JSON.
  return { ...refusal, message: cut.replaceAll(/[^\t\n]+/g, (text) => escaped(text, longestMessage)) }
}

function wordedRefusal(error: unknown, request: Pick<FastifyRequest, 'id' | 'log'>): Refusal {
  if (error instanceof IssuanceError) return refusalOfIssuance(error, request)
  if (error instanceof MessageError) return { status: 400, grpc: 3, message: error.message }
  if (error instanceof SendingRefusal) return { status: 503, grpc: 14, message: error.message }
  const status = statusOf(error)
  if (status === 413) return { status: 400, grpc: 3, message: 'http: request body too large' }
  if (status < 500)
    return { status: 400, grpc: 3, message: error instanceof Error ? error.message : 'bad request' }
  request.log.error({ err: error }, 'request failed')
  return { status: 500, grpc: 2, message: 'internal error' }
}

function refusalOfIssuance(error: IssuanceError, request: Pick<FastifyRequest, 'id' | 'log'>): Refusal {
  const { status, grpc, sentence, withReason }: Wording = wording[error.code]
  // Of those that come while it is busy each has a record of its own already, and making more of them does not help.
  if (status >= 500 && error.code !== 'too_busy')
    request.log.warn({ err: error, code: error.code }, 'no certificate issued')
  const refusal = {
    status,
    grpc,
    ...((status === 503 || status === 429) && {
      retryAfterSeconds: error.retryAfterSeconds ?? retryAfterSeconds,
    }),
  }
  if (sentence === undefined) return { ...refusal, message: error.message }
  if (withReason === undefined) return { ...refusal, message: sentence }
  const reference = `${error.refusal ?? error.code}, request ${request.id}`
  return { ...refusal, message: `${sentence}: ${error.message} (${reference})` }
}

function statusOf(error: unknown): number {
  const known = typeof error === 'object' && error !== null && 'statusCode' in error
  return known && typeof error.statusCode === 'number' ? error.statusCode : 500
}
