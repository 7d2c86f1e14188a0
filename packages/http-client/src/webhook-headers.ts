/**
 * Signatures of webhooks as Standard Webhooks has them: HMAC-SHA256 of `<id>.<timestamp>.<body>`, so that a receiver knows the sender
 * and refuses what is old or seen.
 */
import { createHmac } from 'node:crypto'

export type WebhookMessage = {
  /** The same for each attempt to deliver the same. */
  readonly id: string
  readonly body: string
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** Bytes, or `whsec_` and base64 of them. Without it nothing is signed. */
  readonly secret?: string | undefined
}

export function webhookHeaders({
  id,
  body,
  nowMs,
  secret,
}: WebhookMessage): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp }
  if (secret === undefined) return headers
  const signature = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { ...headers, 'webhook-signature': `v1,${signature}` }
}

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret)
}
