/** The search follower of the log of Rekor v1 under load, from outside: at rest, or at the end of the log. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '@sigstack/postgres'

/** Takes the follower's turn as another replica would, so that it has nothing to do until the turn is given back. */
export async function holdFollower(pool: Pool): Promise<() => Promise<void>> {
  const client = await pool.connect()
  await client.query('begin')
  await client.query(
    `select from search_position
      where log_id in (select log_id from log where coalesce(series, name) = 'rekor-v1') for update`,
  )
  return async () => {
    await client.query('rollback')
    client.release()
  }
}

export async function followerBacklog(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ behind: bigint }>(
    `select sum(tree_size)::bigint - max(next_index) as behind
       from log left join search_position using (log_id) where coalesce(series, name) = 'rekor-v1'`,
  )
  return Number(rows[0]?.behind ?? 0)
}

/** Seconds until search shows every entry. */
export async function untilFollowed(pool: Pool): Promise<number> {
  const began = performance.now()
  while ((await followerBacklog(pool)) > 0) await sleep(100)
  return (performance.now() - began) / 1000
}
