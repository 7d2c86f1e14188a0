/**
 * One keep-alive connection that sends bytes made beforehand and reads answers only as far as needed to know that they are whole. It
 * costs a few microseconds a request, so that the generator does not take the processors from what it measures.
 */
import { connect, type Socket } from 'node:net'

export type Answer = {
  readonly status: number
  /** Everything behind the headers, the frames of chunks included. */
  readonly body: Buffer
}

export type HttpSocket = {
  /** One request at a time. Rejects when the connection breaks. */
  send(request: Buffer): Promise<Answer>
  close(): void
}

/** The bytes of a request, ready to be sent any number of times. */
export function encodeRequest(
  method: string,
  url: URL,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const lines = Object.entries({
    Host: url.host,
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': `${Buffer.byteLength(body)}` }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
}

/** The body of a request made by {@link encodeRequest}. */
export function bodyOf(request: Buffer): string {
  return request.toString('utf8', request.indexOf('\r\n\r\n') + 4)
}

/** The body of an answer without the frames of its chunks, if it came in such. Throws where they are broken. */
export function joinChunks(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    const size = /^[\da-f]{1,8}$/i.exec(body.toString('latin1', at, line))?.[0]
    if (size === undefined) {
      if (at === 0) return body
      throw new Error('a chunk has no length')
    }
    const start = line + 2
    at = start + Number.parseInt(size, 16)
    chunks.push(body.subarray(start, at))
    at += 2
  }
  return Buffer.concat(chunks)
}

export async function openSocket(url: URL): Promise<HttpSocket> {
  const socket = await connected(url)
  let pending: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  let received: Buffer[] = []
  let receivedBytes = 0
  let wanted: Header | undefined

  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    receivedBytes += chunk.length
    wanted ??= readHeader(received.length === 1 ? chunk : Buffer.concat(received))
    if (wanted === undefined || receivedBytes < wanted.bytes) return
    const whole = received.length === 1 ? chunk : Buffer.concat(received)
    if (wanted.isChunked && !whole.subarray(-lastChunk.length).equals(lastChunk)) return
    const answer = { status: wanted.status, body: whole.subarray(wanted.headerBytes) }
    received = []
    receivedBytes = 0
    wanted = undefined
    const { resolve } = pending ?? {}
    pending = undefined
    resolve?.(answer)
  })
  const broken = (error: Error): void => {
    pending?.reject(error)
    pending = undefined
  }
  socket.on('error', broken)
  socket.on('close', () => broken(new Error('the server closed the connection')))

  return {
    send: (request) =>
      new Promise<Answer>((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('the connection is closed'))
        pending = { resolve, reject }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

function connected(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** `bytes` are those of the whole answer, or of its headers where it comes in chunks. */
type Header = {
  readonly status: number
  readonly headerBytes: number
  readonly bytes: number
  readonly isChunked: boolean
}

/** With the line end before it: an answer in JSON holds none. */
const lastChunk = Buffer.from('\r\n0\r\n\r\n')

function readHeader(bytes: Buffer): Header | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const header = bytes.toString('latin1', 0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(header)?.[1]
  const isChunked = /\r\ntransfer-encoding: chunked/i.test(header)
  if (length === undefined && !isChunked) {
    throw new Error(`an answer of unknown length: ${header.slice(0, 200)}`)
  }
  const headerBytes = end + 4
  return {
    status: Number(header.slice(9, 12)),
    headerBytes,
    bytes: headerBytes + Number(length ?? 0),
    isChunked,
  }
}
