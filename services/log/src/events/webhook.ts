/**
 * Delivery by webhook: CloudEvents in JSON, signed as Standard Webhooks has it (`webhook-id`, `webhook-timestamp`,
 * `webhook-signature: v1,<base64 HMAC-SHA256 of "<id>.<timestamp>.<body>">`), so that a receiver knows the sender and refuses
 * what is old or seen.
 */
import { createHmac, hash } from 'node:crypto'
import { networkReason, requestBounded } from '@sigstack/http-client'
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
  const key = options.secret === undefined ? undefined : keyOf(options.secret)

  async function post(id: string, contentType: string, body: string, signal: AbortSignal): Promise<void> {
    const timestamp = String(Math.floor(nowMs() / 1000))
    const signature =
      key === undefined
        ? undefined
        : createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
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
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          ...(signature !== undefined && { 'webhook-signature': `v1,${signature}` }),
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

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret)
}
