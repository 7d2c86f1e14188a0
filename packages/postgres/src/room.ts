import type { Pool } from './pool.ts'
import { inTransaction } from './transaction.ts'

/**
 * Some 1 MiB that cannot be sorted in the memory it is given: the server puts it into a file, and removes that in the end. Two columns,
 * since PostgreSQL 18 does not count the bytes of one that is sorted alone, and keeps them all in memory.
 */
const spill = `
select count(*) from (
  select n, lpad(n::text, 1024, '.') as filling from generate_series(1, 1024) as n order by filling, n offset 0
) as spilled`

/**
 * Has the server take 1 MiB of its disk for a moment, where it keeps temporary files: beside its tables, unless `temp_tablespaces` says
 * otherwise. Writes to no table and no journal, so a server that has little left may be asked again and again. Throws what
 * {@link isFull} knows where there is no room.
 */
export async function probeRoom(pool: Pool): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await tx.query("set local work_mem = '64kB'")
    await tx.query(spill)
  })
}
