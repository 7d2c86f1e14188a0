/**
 * Delivery by webhook: CloudEvents in JSON, signed as Standard Webhooks has it (`webhook-id`, `webhook-timestamp`,
 * `webhook-signature: v1,<base64 HMAC-SHA256 of "<id>.<timestamp>.<body>">`), so that a receiver knows the sender and refuses
 * what is old or seen.
 */
import { createHmac, hash } from 'node:crypto'
import { EventsError } from './errors.ts'
import { eventType, type NewEntryEvent, type OnEvents } from './event.ts'

export type WebhookOptions = {
  readonly url: string
  /** Bytes, or `whsec_` and base64 of them. Without it nothing is signed. */
  readonly secret?: string
  /** 1 sends each event by itself; more send lists of them. */
  readonly batch: number
  readonly timeoutMs?: number
  readonly nowMs?: () => number
  readonly onEvents?: OnEvents
}

/** Throws {@link EventsError} when the receiver cannot be reached or does not answer with 2xx. */
export function webhook(
  options: WebhookOptions,
): (events: readonly NewEntryEvent[], signal: AbortSignal) => Promise<void> {
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
      const answer = await fetch(url, {
        method: 'POST',
        body,
        // The address is the operator's, and nobody else's to change.
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          'content-type': contentType,
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          ...(signature !== undefined && { 'webhook-signature': `v1,${signature}` }),
        },
      })
      await answer.body?.cancel()
      status = answer.status
    } catch (cause) {
      throw new EventsError('not_taken', `the receiver of events cannot be reached: ${reasonOf(cause)}`, {
        cause,
      })
    }
    if (status < 200 || status > 299)
      throw new EventsError('not_taken', `the receiver of events answered ${status}`)
  }

  return async (events, signal) => {
    const groups = batch === 1 ? events.map((event) => [event]) : [events]
    for (const group of groups) {
      const single = batch === 1 ? group[0] : undefined
      const contentType = single ? eventType : 'application/cloudevents-batch+json'
      const body = single ? single.json : `[${group.map(({ json }) => json).join(',')}]`
      const id = single ? single.id : hash('sha256', group.map((event) => event.id).join(), 'hex')
      try {
        await post(id, contentType, body, signal)
        onEvents(contentType, 'SUCCESS', group.length)
      } catch (error) {
        onEvents(contentType, 'ERROR', group.length)
        throw error
      }
    }
  }
}

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret)
}

function reasonOf(error: unknown): string {
  const { cause } = (error ?? {}) as { cause?: unknown }
  const inner = cause instanceof Error ? cause : error
  return inner instanceof Error ? inner.message : String(inner)
}
