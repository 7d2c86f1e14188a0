/** Whether a server speaks without TLS, found out by one look at its first byte: cheaper than loading TLS to hear that it does not. */
import { connect } from 'node:net'
import { demandConnections } from './without-connections.ts'

/**
 * A handshake record (RFC 8446 section 5.1) with a message of no known type: TLS answers it with an alert. The line ends in it
 * make a server of HTTP answer too, in its own way.
 */
const hello = Buffer.from('1603010008ff0000040d0a0d0a', 'hex')
/** What a record of TLS begins with: an alert or a handshake. */
const tlsTypes = [0x15, 0x16]

/**
 * True where `host:port` answers, and not in TLS. False where it is TLS, or nobody answers: that says the request itself. Throws an
 * HttpError where no connection may be made.
 */
export async function answersPlainly(url: URL, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  demandConnections()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) })
  const give = (): void => resolve(false)
  signal?.addEventListener('abort', give)
  socket.setTimeout(timeoutMs, give)
  socket.on('error', give).on('close', give)
  socket.once('data', (bytes) => resolve(!tlsTypes.includes(bytes[0] ?? 0x15)))
  socket.write(hello)
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', give)
    socket.destroy()
  }
}
