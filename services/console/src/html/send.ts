/** How pages and files leave: with what a browser may do with them, and small. */
import { promisify } from 'node:util'
import { gzip, gzipSync } from 'node:zlib'
import { takesGzip } from '@sigstack/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Html, textOf } from './html.ts'

/** Nothing runs, is loaded or is sent to but what this site serves itself. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** What is answered may differ by who reads, so nobody else keeps it. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': pagePolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

const compress = promisify(gzip)
const worthCompressing = 1_024
/** A hundredth larger than by the usual level, for six tenths of its time: most of a page is hashes. */
const level = 3
/** A page is packed in less time than a thread takes to be woken for it; a large file is not. */
const mostPackedHere = 65_536

export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: Html,
  status = 200,
): Promise<FastifyReply> {
  reply.code(status)
  return sendText(request, reply, 'text/html; charset=utf-8', textOf(page))
}

export async function sendText(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  text: string,
): Promise<FastifyReply> {
  reply.header('content-type', type).header('vary', 'accept-encoding')
  const bytes = Buffer.from(text)
  if (bytes.length < worthCompressing || !takesGzip(request.headers['accept-encoding']))
    return reply.send(bytes)
  const packed =
    bytes.length <= mostPackedHere ? gzipSync(bytes, { level }) : await compress(bytes, { level })
  return reply.header('content-encoding', 'gzip').send(packed)
}

/** Bytes of an entry are nobody's page, whatever they begin with. */
export function sendDownload(reply: FastifyReply, name: string, bytes: Uint8Array | string): FastifyReply {
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', `attachment; filename="${name.replaceAll(/[^\w.-]/g, '_')}"`)
    .send(Buffer.from(bytes))
}
