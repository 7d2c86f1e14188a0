/** Why a call was refused, as gRPC tells it. */
import type { ServerResponse } from 'node:http'
import { type Code, ConnectError } from '@connectrpc/connect'

export type GrpcRefusal = {
  readonly grpc: Code
  readonly message: string
  /** Told in the metadata `retry-after`. */
  readonly retryAfterSeconds?: number
}

/** What the code of a service throws. */
export function connectErrorOf({ grpc, message, retryAfterSeconds }: GrpcRefusal): ConnectError {
  const metadata = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  return new ConnectError(message, grpc, metadata)
}

/** Answers a call that came to no service. */
export function sendRefusal(raw: ServerResponse, { grpc, message, retryAfterSeconds }: GrpcRefusal): void {
  raw.writeHead(200, { 'content-type': 'application/grpc' })
  raw.addTrailers({
    'grpc-status': String(grpc),
    'grpc-message': percentEncode(message),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  })
  raw.end()
}

/**
 * Encodes in the message of a refusal only what gRPC asks for. The library escapes more, and some clients undo only part of
 * that, so that people would read `token%3A`.
 */
export function plainMessage(trailer: Headers): Headers {
  const message = trailer.get('grpc-message')
  if (message !== null) trailer.set('grpc-message', percentEncode(decodeURIComponent(message)))
  return trailer
}

/** Percent-encoding of gRPC over HTTP/2: all bytes but printable ASCII, and the percent sign. */
function percentEncode(text: string): string {
  return text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (run) =>
    [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
