/** Refusals in the shape of gRPC's gateway: `{"code":<gRPC code>,"message":"<text>","details":[]}` (rekor-v2.md section 6). */

export const grpc = {
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

export type GrpcCode = keyof typeof grpc

/** To a writer that asks a log which has its last entry. */
export const frozenMessage = 'This log has been frozen, please switch to the latest log.'

/** Why a request was refused. The message is for the requester, the cause for the records. */
export class RekorV2Refusal extends Error {
  override readonly name = 'RekorV2Refusal'
  readonly status: number
  readonly code: GrpcCode
  /** Where the client may come again, and it is known when. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    status: number,
    code: GrpcCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterSeconds?: number },
  ) {
    super(message, options)
    this.status = status
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}
