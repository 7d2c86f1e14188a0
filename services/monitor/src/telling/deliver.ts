/** Carries out what waits, and tries again later what was not taken: for about a day, then it is given up and stays as a row for a while. */
import { escaped, withoutTokens } from '@sigstack/crypto'
import { networkReason } from '@sigstack/http-client'
import type { Pool } from '@sigstack/postgres'
import type { Channel, Event } from './event.ts'

export type Send = (
  message: { /** The same at each attempt. */ readonly id: string; readonly event: Event },
  signal: AbortSignal,
) => Promise<void>

export type DeliverOptions = {
  readonly pool: Pool
  readonly channels: ReadonlyMap<Channel, Send>
  /** `reason` is why it was not taken: hostile text, escaped and without secrets. */
  readonly onAttempt: (
    channel: Channel,
    outcome: 'delivered' | 'failed' | 'given-up',
    reason?: string,
  ) => void
}

/** One attempt as a whole: a receiver that says a little from time to time is never silent. */
const longestAttemptMs = 30_000
/** A process that ends while it sends leaves the message to whoever looks after this. */
const leaseSeconds = 120
const firstPauseSeconds = 5
const longestPauseSeconds = 3_600
/** With the pauses above that is a day and a quarter. */
const mostAttempts = 38
const keptDays = 30
const mostForgotten = 1_000

type Row = {
  readonly delivery_id: bigint
  readonly channel: Channel
  readonly event: Event
  readonly attempts: number
}

/**
 * Everything that is due now, each channel by itself: who does not answer on one holds up no other. What was tried least comes first, and
 * the first message that is not taken ends the round of its channel, so that a new alarm never waits behind all that failed before. Any
 * number of processes may: each message is taken by one of them.
 */
export async function deliverDue(options: DeliverOptions, signal: AbortSignal): Promise<void> {
  await Promise.all([...options.channels].map((channel) => deliverBy(channel, options, signal)))
  await forgetOld(options)
}

/**
 * A part at each round. What waits still is given up with it: its way is not open any more, or has taken nothing for so long, while so much
 * that is new was tried first that it was not tried often enough to be given up by that.
 */
async function forgetOld({ pool, onAttempt }: DeliverOptions): Promise<void> {
  const { rows } = await pool.query<{ channel: Channel; state: string }>(
    `delete from monitor_delivery where delivery_id in (
       select delivery_id from monitor_delivery where created_at < now() - make_interval(days => $1)
       order by created_at limit $2 for update skip locked)
     returning channel, state`,
    [keptDays, mostForgotten],
  )
  for (const { channel, state } of rows)
    if (state === 'waiting') onAttempt(channel, 'given-up', `it has waited for ${keptDays} days`)
}

async function deliverBy(
  [channel, send]: readonly [Channel, Send],
  options: DeliverOptions,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const { rows } = await options.pool.query<Row>(
      `update monitor_delivery d set attempts = attempts + 1, next_at = now() + make_interval(secs => $2)
       where delivery_id = (
         select delivery_id from monitor_delivery
         where state = 'waiting' and next_at <= now() and channel = $1
         order by attempts, delivery_id limit 1 for update skip locked)
       returning delivery_id, channel, event, attempts`,
      [channel, leaseSeconds],
    )
    const [row] = rows
    if (row === undefined || !(await isTaken(row, send, options, signal))) return
  }
}

async function isTaken(
  { delivery_id: id, channel, event, attempts }: Row,
  send: Send,
  { pool, onAttempt }: DeliverOptions,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(longestAttemptMs)])
    await send({ id: `delivery-${id}`, event }, attempt)
  } catch (error) {
    if (signal.aborted) throw error
    const isLast = attempts >= mostAttempts
    const reason = escaped(withoutTokens(networkReason(error)), 500)
    const pause = Math.min(longestPauseSeconds, firstPauseSeconds * 2 ** (attempts - 1))
    await pool.query(
      `update monitor_delivery set state = $2, answer = $3, next_at = now() + make_interval(secs => $4)
       where delivery_id = $1`,
      [id, isLast ? 'given-up' : 'waiting', reason, pause],
    )
    onAttempt(channel, isLast ? 'given-up' : 'failed', reason)
    return false
  }
  await pool.query(`update monitor_delivery set state = 'delivered', answer = '' where delivery_id = $1`, [
    id,
  ])
  onAttempt(channel, 'delivered')
  return true
}
