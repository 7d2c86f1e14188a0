/** One call of gRPC to a service on this machine, over the socket that it listens on: bounded in time and size. */
import type { ClientHttp2Stream } from 'node:http2'
import { errorCode } from '@sigstack/crypto'
import { HttpError, networkReason } from './errors.ts'
import { readBounded } from './read-bounded.ts'
import { demandConnections } from './without-connections.ts'

export type SocketCall = {
  /** `/Service/Method`. */
  readonly method: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly message: Uint8Array
  readonly timeoutMs: number
  /** Of the answer's message. */
  readonly maxBytes: number
}

/** `status` is gRPC's: 0 is success, and `reason` the service's words where it is not. */
export type SocketAnswer = { readonly status: number; readonly reason: string; readonly message: Buffer }

const frameHeaderBytes = 5

/** Throws {@link HttpError}. An answer of any status is an answer. */
export async function callSocket(socketPath: string, call: SocketCall): Promise<SocketAnswer> {
  demandConnections()
  // Loaded by the first call: nearly no run of the tool makes one.
  const [{ connect }, { connect: openSocket }] = await Promise.all([import('node:http2'), import('node:net')])
  const signal = AbortSignal.timeout(call.timeoutMs)
  const session = connect('http://localhost', { createConnection: () => openSocket(socketPath) })
  const { promise: broken, reject } = Promise.withResolvers<never>()
  session.on('error', reject)
  signal.addEventListener('abort', () => reject(signal.reason))
  try {
    return await Promise.race([exchange(session.request(headersOf(call)), call), broken])
  } catch (cause) {
    if (cause instanceof HttpError) throw cause
    if (signal.aborted)
      throw new HttpError('timeout', `no whole answer within ${call.timeoutMs} ms`, { cause })
    throw new HttpError('unreachable', errorCode(cause) ?? networkReason(cause), { cause })
  } finally {
    session.destroy()
  }
}

function headersOf({ method, metadata }: SocketCall): Record<string, string> {
  return {
    ...metadata,
    ':method': 'POST',
    ':path': method,
    'content-type': 'application/grpc',
    te: 'trailers',
  }
}

async function exchange(stream: ClientHttp2Stream, { message, maxBytes }: SocketCall): Promise<SocketAnswer> {
  const told: Record<string, unknown> = {}
  // Where there is no message the first headers are the last.
  stream.on('response', (headers) => void Object.assign(told, headers))
  stream.on('trailers', (headers) => void Object.assign(told, headers))
  const header = Buffer.alloc(frameHeaderBytes)
  header.writeUInt32BE(message.length, 1)
  stream.end(Buffer.concat([header, message]))
  const body = await readBounded(stream, maxBytes + frameHeaderBytes)
  const status = Number(told['grpc-status'] ?? Number.NaN)
  if (told[':status'] !== 200 || !Number.isInteger(status))
    throw new HttpError('unreachable', 'what answers there does not speak gRPC')
  const reason = told['grpc-message']
  return {
    status,
    reason: typeof reason === 'string' ? reason : '',
    message: status === 0 ? messageIn(body) : Buffer.alloc(0),
  }
}

/** One message, which is not compressed: we said of no way to do so. */
function messageIn(body: Buffer): Buffer {
  const isWhole = body.length >= frameHeaderBytes && body.readUInt32BE(1) === body.length - frameHeaderBytes
  if (!isWhole || body[0] !== 0) throw new HttpError('unreachable', 'the answer is not one message of gRPC')
  return body.subarray(frameHeaderBytes)
}
