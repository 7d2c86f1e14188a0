/** Delivery by webhook: CloudEvents in JSON, signed as Standard Webhooks has it. */
import { hash } from 'node:crypto'
import { networkReason, requestBounded, webhookHeaders } from '@sigstack/http-client'
import type { Send } from './deliver.ts'
import { EventsError, type EventsErrorCode } from './errors.ts'
import { eventType, type OnEvents } from './event.ts'

export type WebhookOptions = {
  readonly url: string
  /** Bytes, or `whsec_` and base64 of them. Without it nothing is signed. */
  readonly secret?: string
  /** With 1 events come one by one and are sent as they are; with more they are sent as lists. */
  readonly batch: number
  readonly timeoutMs?: number
  readonly nowMs?: () => number
  readonly onEvents?: OnEvents
}

/** Throws {@link EventsError} when the receiver cannot be reached or does not answer with 2xx. */
export function webhook(options: WebhookOptions): Send {
  const { url, batch, timeoutMs = 10_000, nowMs = Date.now, onEvents = () => {} } = options

  async function post(id: string, contentType: string, body: string, signal: AbortSignal): Promise<void> {
    let status: number
    try {
      // A redirect is an answer: the address is the operator's, and nobody else's to change.
      const answer = await requestBounded(url, {
        method: 'POST',
        body,
        signal,
        timeoutMs,
        maxBytes: 0,
        ignoresBody: true,
        headers: {
          'content-type': contentType,
          ...webhookHeaders({ id, body, nowMs: nowMs(), secret: options.secret }),
        },
      })
      status = answer.status
    } catch (cause) {
      throw new EventsError(
        'not_taken',
        `the receiver of events cannot be reached: ${networkReason(cause)}`,
        {
          cause,
        },
      )
    }
    if (status < 200 || status > 299)
      throw new EventsError(codeOf(status), `the receiver of events answered ${status}`)
  }

  return async (events, signal) => {
    const [first] = events
    const single = batch === 1 && events.length === 1 ? first : undefined
    const contentType = single ? eventType : 'application/cloudevents-batch+json'
    const body = single ? single.json : `[${events.map(({ json }) => json).join(',')}]`
    const id = single ? single.id : hash('sha256', events.map((event) => event.id).join(), 'hex')
    try {
      await post(id, contentType, body, signal)
      onEvents(contentType, 'SUCCESS', events.length)
    } catch (error) {
      onEvents(contentType, 'ERROR', events.length)
      throw error
    }
  }
}

/** Too early, too much, and whatever is the server's own trouble, passes. */
const comeBack: ReadonlySet<number> = new Set([408, 425, 429])
/** About who asks and where: a password or an address that is wrong, or a rule in front of the receiver that dislikes this event. */
const turnedAway: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 410, 421])

function codeOf(status: number): EventsErrorCode {
  if (status < 400 || status > 499 || comeBack.has(status)) return 'not_taken'
  return turnedAway.has(status) ? 'turned_away' : 'refused'
}
