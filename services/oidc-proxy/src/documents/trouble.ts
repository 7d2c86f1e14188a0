/** Issuers that cannot be read, told where an operator looks: in the log and in `/readyz`. */
import { escaped } from '@sigstack/crypto'
import type { Logger } from '@sigstack/server'
import type { DocumentEvents } from './issuer-documents.ts'
import type { IssuerState } from './issuer-states.ts'

/** One record when a named issuer begins to fail, fails otherwise, or can be read again; families have members without end. */
export function withTroubleInLog(
  events: DocumentEvents,
  logger: Pick<Logger, 'info' | 'warn'>,
): DocumentEvents {
  const told = new Map<string, string>()
  return {
    ...events,
    fetched(issuer, kind, outcome, reason) {
      events.fetched(issuer, kind, outcome, reason)
      if (issuer.entry.url !== issuer.url) return
      const key = `${kind} ${issuer.url}`
      const before = told.get(key)
      if (reason === undefined) {
        if (before !== undefined)
          logger.info({ issuer: issuer.url, document: kind }, 'the issuer can be read again')
        told.delete(key)
      } else if (before !== reason) {
        logger.warn(
          { issuer: issuer.url, document: kind, reason },
          'the issuer cannot be read: its tokens are taken while its keys are kept, and then refused',
        )
        told.set(key, reason)
      }
    },
  }
}

const mostTold = 3

/** `ok`, or which named issuers could not be read when they were asked last, and why. */
export function troubleOf(states: readonly IssuerState[]): string {
  const failing = states.flatMap(({ issuer, history }) => {
    const { lastFailure } = history.discovery.lastFailure === undefined ? history.jwks : history.discovery
    return lastFailure === undefined || issuer.entry.url !== issuer.url ? [] : [lastFailure.error.message]
  })
  if (failing.length === 0) return 'ok'
  const more = failing.length > mostTold ? ` (and ${failing.length - mostTold} more)` : ''
  return `cannot be read: ${failing
    .slice(0, mostTold)
    .map((reason) => escaped(reason, 400))
    .join('; ')}${more}`
}
