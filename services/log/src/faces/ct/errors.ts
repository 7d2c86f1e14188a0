/** Why a CT request was refused; the message is for the requester. */
export class CtRefusal extends Error {
  override readonly name = 'CtRefusal'
  readonly status: number
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export function badRequest(message: string, cause?: unknown): CtRefusal {
  return new CtRefusal(400, message, { cause })
}
