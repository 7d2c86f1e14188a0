/**
 * What is no request of HTTP, answered in every dialect as Go's net/http answers it, on which upstream's servers stand: one line of
 * text, from before any handler is asked (net/http server.go, `(*conn).serve` and `readRequest`).
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { afterTurns } from './take-turns.ts'

const TEXT = 'text/plain; charset=utf-8'

/**
 * For `clientError`: the connection ends with the answer, behind those to the requests before it. Go says nothing to who was too slow;
 * 408 is what HTTP has for that.
 */
export function answerNoRequest({ code }: { readonly code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return
  socket.pause()
  afterTurns(socket, (canTell) => {
    const status = statusOf(code)
    const line = `${status} ${STATUS_CODES[status]}`
    if (canTell && socket.writable)
      socket.write(
        `HTTP/1.1 ${line}\r\nContent-Type: ${TEXT}\r\nContent-Length: ${line.length}\r\nConnection: close\r\n\r\n${line}`,
      )
    socket.destroy()
  })
}

function statusOf(code: string | undefined): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
}

/** Refuses, before any route is asked, what Node's parser reads and Go's does not. */
export function refuseNoRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const reason = whyNoRequest(request.raw)
    if (reason === undefined) return done()
    request.log.info({ req: request, status: 400, reason }, 'request refused')
    reply.code(400).header('connection', 'close').type(TEXT).send(`400 Bad Request: ${reason}`)
  })
}

/** In Go's words. Go answers another version with 505, which counts as a failure of the service. */
function whyNoRequest(raw: FastifyRequest['raw']): string | undefined {
  const hosts = hostsOf(raw)
  if (hosts.length > 1) return 'too many Host headers'
  if (!isHost.test(hosts[0] ?? '')) return 'malformed Host header'
  if (raw instanceof Http2ServerRequest) return undefined
  if (raw.httpVersionMajor !== 1) return 'unsupported protocol version'
  return hosts.length === 0 && raw.httpVersionMinor === 1 ? 'missing required Host header' : undefined
}

/** The characters of RFC 3986 section 3.2.2, which is all that Go looks at (x/net/http/httpguts, `ValidHostHeader`). */
const isHost = /^[\w!$%&'()*+,\-.:;=[\]~]*$/

/** Node's `headers` has the first of them. */
function hostsOf({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): string[] {
  const hosts: string[] = []
  for (let at = 0; at < (rawHeaders?.length ?? 0); at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts.push(rawHeaders[at + 1] ?? '')
  }
  return hosts
}
