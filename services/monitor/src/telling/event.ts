/** What others are told: that an alarm was opened, met again, or has passed. */
import type * as told from '@sigstack/monitor-api'
import type { Queryable } from '@sigstack/postgres'
import type { Alarm } from '../alarms/alarm.ts'
import { alarmAnswer } from '../answers.ts'

export type EventType = 'alarm.opened' | 'alarm.repeated' | 'alarm.passed'

export type Channel = 'webhook' | 'mail'

export type Event = {
  readonly type: EventType
  /** ISO 8601, UTC. */
  readonly timestamp: string
  /** The alarm as the API answers it. */
  readonly data: told.Alarm
}

/** Every entry of somebody who is watched is news; that a log is still wrong is none. */
const repeated: ReadonlySet<told.AlarmKind> = new Set(['identity-seen', 'new-workflow', 'outside-hours'])

export function isNews({ kind, state }: Alarm, isNew: boolean): boolean {
  return isNew || (repeated.has(kind) && state === 'open')
}

/** Put where it waits until each channel has taken it: in the transaction of the alarm, so that neither is there alone. */
export async function queueEvent(
  tx: Queryable,
  channels: readonly Channel[],
  type: EventType,
  alarm: Alarm,
  now: Date,
): Promise<void> {
  const event: Event = { type, timestamp: now.toISOString(), data: alarmAnswer(alarm) }
  for (const channel of channels)
    await tx.query('insert into monitor_delivery (channel, alarm_id, event) values ($1, $2, $3)', [
      channel,
      alarm.id,
      JSON.stringify(event),
    ])
}
