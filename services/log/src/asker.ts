import { networkOf } from '@sigstack/limits'
import type { Asker } from '@sigstack/limits/turnstile'
import type { FastifyRequest } from 'fastify'

/** Who waits for the answer to a request, and whether its connection, or its stream of one, is still there. */
export function askerOf(request: FastifyRequest): Asker {
  const { raw } = request
  return {
    // Most are answered without a turn, and nobody asks.
    get network() {
      return networkOf(request.ip)
    },
    isGone: () => ('stream' in raw ? (raw.stream as { destroyed: boolean }).destroyed : raw.socket.destroyed),
  }
}
