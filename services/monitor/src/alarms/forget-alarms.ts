/** What is forgotten of alarms: those that are done with, in time. Whatever shows that a log has rewritten itself stays. */
import type { Queryable } from '@sigstack/postgres'
import { inPieces } from '../in-pieces.ts'
import { evidenceKinds } from './alarm.ts'

/**
 * Forgets closed alarms that were neither met nor acted on for `days`, with their acts and messages, but for evidence and for those of
 * which somebody is still to be told. Returns how many are gone.
 */
export async function forgetAlarms(db: Queryable, days: number, signal: AbortSignal): Promise<number> {
  return inPieces(async (most) => {
    const { rowCount } = await db.query(
      // Locked, so that one that is reopened meanwhile is seen to be open.
      `delete from monitor_alarm where alarm_id in (
         select alarm_id from monitor_alarm a
         where state = 'closed' and last_at < now() - make_interval(days => $1) and kind <> all($2)
           and not exists (select from monitor_act t
             where t.alarm_id = a.alarm_id and t.at >= now() - make_interval(days => $1))
           and not exists (select from monitor_delivery d
             where d.alarm_id = a.alarm_id and d.state = 'waiting')
         order by last_at limit $3 for update)`,
      [days, evidenceKinds, most],
    )
    return rowCount ?? 0
  }, signal)
}
