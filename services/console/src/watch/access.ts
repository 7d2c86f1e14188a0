/**
 * Who may enter the watch room, and whose forms it takes: alarms and watches tell of people, and closing one hides it from
 * others.
 */
import type { FastifyRequest } from 'fastify'
import type { Reader } from '../reader.ts'

export class AccessError extends Error {
  override readonly name = 'AccessError'
  readonly statusCode = 403
}

/** Throws {@link AccessError}, before a body is read. */
export function assertMayEnter(request: FastifyRequest, { name, seesAlarms }: Reader): void {
  if (!seesAlarms)
    throw new AccessError(
      name !== undefined
        ? 'alarms and watches are for operators, whom CONSOLE_OPERATORS lists'
        : 'alarms and watches are personal data: an open console shows them on the machine that it runs on alone, and only where it listens on loopback, without CONSOLE_HIDE_ADDRESSES; elsewhere CONSOLE_ACCESS=header tells operators apart',
    )
  if (request.method !== 'GET' && request.method !== 'HEAD' && !isFromOwnPage(request))
    throw new AccessError('this form does not come from a page of this console, so nothing was done')
}

/**
 * Browsers tell where a form comes from (Fetch metadata, and Origin where the page is not of a trustworthy address). Pages
 * cannot forge either, and who sends neither is no browser with a form of ours.
 */
function isFromOwnPage({ headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  return URL.parse(headers.origin ?? '')?.host === URL.parse(`${schemeOf(headers.origin)}://${host}`)?.host
}

/** So that a port that goes without saying is left out on both sides. */
function schemeOf(origin: string | undefined): string {
  return origin?.startsWith('https://') === true ? 'https' : 'http'
}
