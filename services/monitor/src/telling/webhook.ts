/** Alarms by webhook: the event as JSON, signed as Standard Webhooks has it. */
import { requestBounded, webhookHeaders } from '@sigstack/http-client'
import type { Send } from './deliver.ts'

export type WebhookOptions = {
  readonly url: string
  readonly secret: string | undefined
  readonly now: () => number
}

const timeoutMs = 10_000

export function webhook({ url, secret, now }: WebhookOptions): Send {
  return async ({ id, event }, signal) => {
    const body = JSON.stringify(event)
    // A redirect is an answer: the address is the operator's, and nobody else's to change.
    const { status } = await requestBounded(url, {
      method: 'POST',
      body,
      signal,
      timeoutMs,
      maxBytes: 0,
      ignoresBody: true,
      headers: {
        'content-type': 'application/json',
        ...webhookHeaders({ id, body, nowMs: now(), secret }),
      },
    })
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`)
  }
}
