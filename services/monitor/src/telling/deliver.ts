/** Carries out what waits, and tries again later what was not taken: for about a day, then it is given up and stays as a row. */
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
  readonly onAttempt: (channel: Channel, outcome: 'delivered' | 'failed' | 'given-up') => void
}

const atOnce = 20
/** A process that ends while it sends leaves the message to whoever looks after this. */
const leaseSeconds = 120
const firstPauseSeconds = 5
const longestPauseSeconds = 3_600
/** With the pauses above that is a day and a quarter. */
const mostAttempts = 38
const keptDays = 30

type Row = {
  readonly delivery_id: bigint
  readonly channel: Channel
  readonly event: Event
  readonly attempts: number
}

/** Everything that is due now. Any number of processes may: each message is taken by one of them. */
export async function deliverDue(options: DeliverOptions, signal: AbortSignal): Promise<void> {
  const { pool, channels } = options
  const names = [...channels.keys()]
  for (;;) {
    signal.throwIfAborted()
    const { rows } = await pool.query<Row>(
      `update monitor_delivery d set attempts = attempts + 1, next_at = now() + make_interval(secs => $2)
       where delivery_id in (
         select delivery_id from monitor_delivery
         where state = 'waiting' and next_at <= now() and channel = any($1)
         order by delivery_id limit ${atOnce} for update skip locked)
       returning delivery_id, channel, event, attempts`,
      [names, leaseSeconds],
    )
    for (const row of rows.toSorted((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1)))
      await attempt(row, options, signal)
    if (rows.length < atOnce) break
  }
  await pool.query(
    `delete from monitor_delivery where state <> 'waiting' and created_at < now() - make_interval(days => $1)`,
    [keptDays],
  )
}

async function attempt(
  row: Row,
  { pool, channels, onAttempt }: DeliverOptions,
  signal: AbortSignal,
): Promise<void> {
  const { delivery_id: id, channel, event, attempts } = row
  try {
    await channels.get(channel)?.({ id: `delivery-${id}`, event }, signal)
  } catch (error) {
    if (signal.aborted) throw error
    const isLast = attempts >= mostAttempts
    const pause = Math.min(longestPauseSeconds, firstPauseSeconds * 2 ** (attempts - 1))
    await pool.query(
      `update monitor_delivery set state = $2, answer = $3, next_at = now() + make_interval(secs => $4)
       where delivery_id = $1`,
      [id, isLast ? 'given-up' : 'waiting', escaped(withoutTokens(networkReason(error)), 500), pause],
    )
    onAttempt(channel, isLast ? 'given-up' : 'failed')
    return
  }
  await pool.query(`update monitor_delivery set state = 'delivered', answer = '' where delivery_id = $1`, [
    id,
  ])
  onAttempt(channel, 'delivered')
}
