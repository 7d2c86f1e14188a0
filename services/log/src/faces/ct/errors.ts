/** Why a CT request was refused; the message is for the requester. */
export class CtRefusal extends Error {
  override readonly name = 'CtRefusal'
  readonly status: number
  /** Where the client may come again, and it is known when. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    status: number,
    message: string,
    options?: ErrorOptions & { readonly retryAfterSeconds?: number },
  ) {
    super(message, options)
    this.status = status
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}

export function badRequest(message: string, cause?: unknown): CtRefusal {
  return new CtRefusal(400, message, { cause })
}
