/** Admission before the body is read: whoever writes too much is not listened to. */
import type { Gate } from './gate.ts'

type Request = { readonly ip: string; readonly headers: { readonly authorization?: string | undefined } }

export type BeforeBody = {
  /** For the route; nothing where there is no gate. */
  readonly hooks: { readonly onRequest?: (request: Request) => Promise<void> }
  /** Where senders must be known. */
  senderOf(request: Request): string | undefined
}

export function admitBeforeBody(gate: Gate | undefined): BeforeBody {
  const senders = new WeakMap<Request, string>()
  const onRequest = async (request: Request): Promise<void> => {
    await gate?.admitAddress(request.ip)
    const sender = await gate?.admitSender(request.headers.authorization)
    if (sender !== undefined) senders.set(request, sender)
  }
  return {
    hooks: gate === undefined ? {} : { onRequest },
    senderOf: (request) => senders.get(request),
  }
}
