/**
 * The turns of a connection of HTTP/1. Node hands over every request of what it has read at once, before any is answered: a client that
 * writes thousands without waiting (pipelining, RFC 9112 section 9.3.2) would have all of them worked on together, by one connection.
 */
import type { RequestListener, Server } from 'node:http'
import type { Socket } from 'node:net'

/** Clients that pipeline at all send a few. What waits costs its head, and of its body as much as a stream buffers. */
const longestQueue = 64

type Turns = {
  isTaken: boolean
  /** In the order in which they came. */
  readonly waiting: Parameters<RequestListener>[]
  /** Ends a turn, and begins the next one. */
  readonly next: () => void
}

/**
 * Requests of a connection are handled one after the other: the next one when the answer before it has been taken over by the system. A
 * connection with more than 64 that wait is ended; with one that has ended, what waits is given up. Streams of HTTP/2 have bounds of
 * their own, and pass.
 */
export function takingTurns(handle: RequestListener): RequestListener {
  const connections = new WeakMap<Socket, Turns>()

  function begin(turns: Turns, ...[request, response]: Parameters<RequestListener>): void {
    turns.isTaken = true
    // Of an answer whose turn it is the end of its connection is told too.
    response.on('close', turns.next)
    handle(request, response)
  }

  function turnsOf(socket: Socket): Turns {
    const known = connections.get(socket)
    if (known !== undefined) return known
    const turns: Turns = {
      isTaken: false,
      waiting: [],
      next: () => {
        turns.isTaken = false
        // Also after an answer that was said to be the last one.
        if (!socket.writable) turns.waiting.length = 0
        const first = turns.waiting.shift()
        if (first !== undefined) begin(turns, ...first)
      },
    }
    connections.set(socket, turns)
    return turns
  }

  return (request, response) => {
    if (request.httpVersionMajor === 2) return handle(request, response)
    // The rest of what was read of it when it was ended.
    if (request.socket.destroyed) return
    const turns = turnsOf(request.socket)
    if (!turns.isTaken) return begin(turns, request, response)
    turns.waiting.push([request, response])
    if (turns.waiting.length > longestQueue) request.socket.destroy()
  }
}

/** For a server whose listener is another's, as that of the frame is. */
export function takeTurns(server: Server): void {
  const [handle] = server.listeners('request') as RequestListener[]
  if (handle === undefined) throw new Error('a server of HTTP listens to its requests')
  server.off('request', handle).on('request', takingTurns(handle))
}
