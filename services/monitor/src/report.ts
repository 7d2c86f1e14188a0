/** Raises alarms, and puts what others are to be told where it waits for them, in one transaction. */
import type { Pool, Queryable } from '@sigstack/postgres'
import { inTransaction } from '@sigstack/postgres'
import type { Alarm, Trouble } from './alarms/alarm.ts'
import { raiseAlarm } from './alarms/alarm-store.ts'
import { type Channel, isNews, queueEvent } from './telling/event.ts'

export type Reporting = {
  /** In the transaction of the caller. */
  report(tx: Queryable, trouble: Trouble): Promise<void>
  /** In one of its own. */
  reportNow(trouble: Trouble): Promise<void>
  passed(tx: Queryable, alarm: Alarm): Promise<void>
}

export type ReportingOptions = {
  readonly pool: Pool
  readonly channels: readonly Channel[]
  readonly now: () => number
  /** Of an alarm that is new. */
  readonly onOpened: (alarm: Alarm) => void
  /** There is something to be told. */
  readonly onNews: () => void
}

export function createReporting({ pool, channels, now, onOpened, onNews }: ReportingOptions): Reporting {
  async function report(tx: Queryable, trouble: Trouble): Promise<void> {
    const { alarm, isNew } = await raiseAlarm(tx, trouble)
    if (isNew) onOpened(alarm)
    if (!isNews(alarm, isNew)) return
    await queueEvent(tx, channels, isNew ? 'alarm.opened' : 'alarm.repeated', alarm, new Date(now()))
    onNews()
  }
  return {
    report,
    reportNow: (trouble) => inTransaction(pool, (tx) => report(tx, trouble)),
    passed: async (tx, alarm) => {
      await queueEvent(tx, channels, 'alarm.passed', alarm, new Date(now()))
      onNews()
    },
  }
}
