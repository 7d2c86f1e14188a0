import { networkOf } from './addresses.ts'

/** Who asks. */
export type Asker = {
  /** Of its clients, as `networkOf` has it. */
  readonly network: string
  /** Nobody waits for the answer any more. */
  isGone(): boolean
}

/** A request as the frame has it: over HTTP/1.1 it has a connection, over HTTP/2 a stream of one. */
type Request = {
  readonly ip: string
  readonly raw: { readonly socket: { readonly destroyed: boolean }; readonly stream?: unknown }
}

/** Who waits for the answer to a request, and whether its connection, or its stream of one, is still there. */
export function askerOf(request: Request): Asker {
  const { raw } = request
  return {
    // Most are answered without a turn, and nobody asks.
    get network() {
      return networkOf(request.ip)
    },
    isGone: () => ('stream' in raw ? (raw.stream as { destroyed: boolean }).destroyed : raw.socket.destroyed),
  }
}
