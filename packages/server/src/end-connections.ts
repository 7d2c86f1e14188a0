/**
 * The end of connections whose server closes. Node's own close waits for each that has begun a request, counts one that has not sent a
 * byte yet as such, and ends its watch over slow ones: a browser's spare connection would hold a stop up for ever.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isAtWork, wasAsked } from './take-turns.ts'

/** For the rest of a request that was being sent when the server began to close, in milliseconds. */
const graceMs = 5_000
const sweepMs = 50

/**
 * Follows the connections of a server that does not listen yet. What it gives is called before `server.close()`: connections that have
 * asked for nothing end at once, those that wait for their next request as soon as they are idle, those whose request does not come
 * whole after `grace` milliseconds; what is worked on is waited for. Sessions of HTTP/2 are whoever's who closes the server.
 */
export function followConnections(server: Server, grace: number = graceMs): { end(): void } {
  /** With what tells whether it is to end, given whether the grace is over. */
  const open = new Map<Socket, (isLate: boolean) => boolean>()
  const follow = (socket: Socket, isOver: (isLate: boolean) => boolean) => {
    open.set(socket, isOver)
    socket.once('close', () => open.delete(socket))
  }
  const isSecure = 'setSecureContext' in server
  server.on('connection', (socket: Socket) => {
    // Of TLS the connection below, which is silent until the handshake begins.
    follow(socket, (isLate) => socket.bytesRead === 0 || (isLate && !isSecure && !isAtWork(socket)))
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') return
    follow(socket, (isLate) => !wasAsked(socket) || (isLate && !isAtWork(socket)))
  })

  return {
    end() {
      const begun = performance.now()
      const sweep = () => {
        // Servers of HTTP/2 have not always had it.
        server.closeIdleConnections?.()
        const isLate = performance.now() - begun >= grace
        for (const [socket, isOver] of open) if (isOver(isLate)) socket.destroy()
      }
      const timer = setInterval(sweep, sweepMs).unref()
      server.once('close', () => clearInterval(timer))
      sweep()
    },
  }
}
