import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Printable, without spaces and quotes: it goes into logs and back into a header. */
const ACCEPTABLE = /^[\w.:/+=-]{1,128}$/

/** Takes the caller's `X-Request-Id` when it is sane, else makes one that no other process makes. */
export function requestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && ACCEPTABLE.test(given)) return given
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
