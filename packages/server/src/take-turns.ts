/**
 * The turns of a connection of HTTP/1. Node hands over every request of what it has read at once, before any is answered: a client that
 * writes thousands without waiting (pipelining, RFC 9112 section 9.3.2) would have all of them worked on together, by one connection.
 */
import type { RequestListener, Server } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'

/** Clients that pipeline at all send a few. What waits costs its head, and of its body as much as a stream buffers. */
const longestQueue = 64

type Exchange = Parameters<RequestListener>

type Turns = {
  current: Exchange | undefined
  /** In the order in which they came. */
  readonly waiting: Exchange[]
  /** Ends a turn, and begins the next one. */
  readonly next: () => void
  /** Called when the last of those that wait has been answered. */
  end: (() => void) | undefined
}

/** Of all listeners: a connection is one listener's. */
const connections = new WeakMap<Socket, Turns>()

/**
 * Requests of a connection are handled one after the other: the next one when the answer before it has been taken over by the system. A
 * connection with more than 64 that wait is ended; with one that has ended, what waits is given up. Streams of HTTP/2 have bounds of
 * their own, and pass: by what they are, since a request of HTTP/1 can call itself `HTTP/2.0`.
 */
export function takingTurns(handle: RequestListener): RequestListener {
  function begin(turns: Turns, ...exchange: Exchange): void {
    turns.current = exchange
    // Of an answer whose turn it is the end of its connection is told too.
    exchange[1].on('close', turns.next)
    handle(...exchange)
  }

  function turnsOf(socket: Socket): Turns {
    const known = connections.get(socket)
    if (known !== undefined) return known
    const turns: Turns = {
      current: undefined,
      waiting: [],
      next: () => {
        turns.current = undefined
        // Also after an answer that was said to be the last one.
        if (!socket.writable) {
          turns.waiting.length = 0
          turns.end = undefined
        }
        const first = turns.waiting.shift()
        if (first !== undefined) begin(turns, ...first)
        else turns.end?.()
      },
      end: undefined,
    }
    connections.set(socket, turns)
    return turns
  }

  return (request, response) => {
    if (request instanceof Http2ServerRequest) return handle(request, response)
    // The rest of what was read of it when it was ended.
    if (request.socket.destroyed) return
    const turns = turnsOf(request.socket)
    if (turns.current === undefined) return begin(turns, request, response)
    turns.waiting.push([request, response])
    if (turns.waiting.length > longestQueue) request.socket.destroy()
  }
}

/** Whether a request has begun on a connection, ever. */
export function wasAsked(socket: Socket): boolean {
  return connections.has(socket)
}

/** Whether a request that came whole is being answered. */
export function isAtWork(socket: Socket): boolean {
  return connections.get(socket)?.current?.[0].complete === true
}

/** For a server whose listener is another's, as that of the frame is. */
export function takeTurns(server: Server): void {
  const [handle] = server.listeners('request') as RequestListener[]
  if (handle === undefined) throw new Error('a server of HTTP listens to its requests')
  server.off('request', handle).on('request', takingTurns(handle))
}

/**
 * Calls `end` when nothing more can be read of a connection and what came whole before has been answered. `canTell` says whether
 * something may be written then: an answer to the request that was broken off may have begun already.
 */
export function afterTurns(socket: Socket, end: (canTell: boolean) => void): void {
  const turns = connections.get(socket)
  if (turns?.current === undefined) return end(true)
  const [request, response] = turns.current
  if (!request.complete) return end(!response.headersSent)
  const broken = turns.waiting.findIndex(([waiting]) => !waiting.complete)
  if (broken !== -1) turns.waiting.length = broken
  turns.end = () => end(true)
}
