/** What is forgotten of findings: the old ones. What was found stays in its log, and the last of it in the alarm that was raised. */
import type { Queryable } from '@sigstack/postgres'
import { inPieces } from '../in-pieces.ts'

/** Forgets what was seen more than `days` ago. Which workflows a watch has met is remembered. Returns how many are gone. */
export async function forgetFindings(db: Queryable, days: number, signal: AbortSignal): Promise<number> {
  return inPieces(async (most) => {
    const { rowCount } = await db.query(
      `delete from monitor_finding where finding_id in (
         select finding_id from monitor_finding where seen_at < now() - make_interval(days => $1)
         order by seen_at limit $2)`,
      [days, most],
    )
    return rowCount ?? 0
  }, signal)
}
