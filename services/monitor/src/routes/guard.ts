/**
 * Who may ask. With a token: who has it, as a bearer or, for readers of feeds, as the password of Basic. Without one the monitor
 * listens on loopback alone, and takes nothing from pages of browsers: neither a request for another host name (a name that was led
 * here) nor one that comes from a page of another origin.
 */
import { timingSafeEqual } from 'node:crypto'
import { sha256 } from '@sigstack/crypto'
import { isLoopback } from '@sigstack/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MonitorError } from '../errors.ts'

/** Throws `unauthorized` before the body is read. */
export function guard(app: FastifyInstance, token: string | undefined): void {
  const isAllowed = token === undefined ? isFromHere : (request: FastifyRequest) => bears(request, token)
  app.addHook('onRequest', (request, _reply, done) => {
    done(
      isAllowed(request)
        ? undefined
        : new MonitorError(
            'unauthorized',
            'this needs the token of the monitor, as Authorization: Bearer TOKEN',
          ),
    )
  })
}

function bears({ headers }: FastifyRequest, token: string): boolean {
  const [scheme = '', credential = ''] = (headers.authorization ?? '').split(' ', 2)
  const given =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(credential, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : scheme.toLowerCase() === 'bearer'
        ? credential
        : ''
  // Hashes have one length, so nothing is told by the time.
  return timingSafeEqual(sha256(given), sha256(token))
}

function isFromHere({ headers }: FastifyRequest): boolean {
  const host = URL.parse(`http://${headers.host ?? ''}`)
  return host !== null && isLoopback(host.hostname) && headers.origin === undefined
}
