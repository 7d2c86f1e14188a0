import { createPool, type Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { setMode } from '../src/index.ts'
import { draft, openTestLog, verifyAppended } from './support.ts'

/** Counts batches by the way they are written, and lets something happen before one that is written at once. */
function watched(pool: Pool) {
  const ways = { atOnce: 0, inTurn: 0 }
  const before: (() => Promise<unknown>)[] = []
  const watchedPool: Pool = {
    ...pool,
    query: async (statement, values) => {
      if (/with found as materialized/.test(typeof statement === 'string' ? statement : statement.text)) {
        ways.atOnce++
        await before.shift()?.()
      }
      return pool.query(statement, values)
    },
    connect: () => {
      ways.inTurn++
      return pool.connect()
    },
  }
  return { pool: watchedPool, ways, before }
}

t.test('a batch of new entries upon the own last one is written at once', async (t) => {
  const { pool } = await testDatabase(t)
  const { pool: seen, ways } = watched(pool)
  const log = await openTestLog(seen)
  await log.append(draft('first'))
  const before = { ...ways }
  const appended = await Promise.all(Array.from({ length: 600 }, (_, i) => log.append(draft(`entry ${i}`))))
  t.same(
    appended.map(({ entry, duplicate }) => [entry.leafIndex, duplicate]),
    appended.map((_, i) => [BigInt(i + 1), false]),
  )
  for (const answer of appended) verifyAppended(answer)
  t.equal(ways.inTurn, before.inTurn)
  t.ok(ways.atOnce > before.atOnce)
  // Full tiles too.
  const reopened = await openTestLog(pool)
  t.equal((await reopened.readTile(0, 1n, 256))?.length, 8192)
  t.equal((await reopened.treeHead()).size, 601n)
})

t.test('whatever happens to the log just before, nothing is written over it', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const other = await openTestLog(otherPool)
  const { pool: seen, ways, before } = watched(pool)
  const log = await openTestLog(seen)
  await log.append(draft('first'))
  let size = 1n

  t.comment('another replica writes')
  before.push(() => other.append(draft('a of another')))
  const after = await log.append(draft('a'))
  t.same([after.entry.leafIndex, after.duplicate], [2n, false])
  t.comment('it writes the same entry')
  await untilAtOnce()
  before.push(() => other.append(draft('b')))
  const same = await log.append(draft('b'))
  t.same([same.entry.leafIndex, same.duplicate], [size, true])
  t.comment('it has the turn, and commits while the statement waits for it')
  await untilAtOnce()
  const waited = await otherPool.connect()
  await waited.query('begin')
  await waited.query('select from log for no key update')
  const racing = log.append(draft('c'))
  await untilWaiting(otherPool)
  // The mode alone: the head stays, so what waited may write.
  await waited.query(`update log set mode_reason = 'none'`)
  await waited.query('commit')
  waited.release()
  t.same((await racing).entry.leafIndex, size)
  t.comment('the log is closed')
  await untilAtOnce()
  before.push(() => setMode(otherPool, 'test', 'read-only', 'closed'))
  await t.rejects(log.append(draft('d')), { code: 'read_only', message: 'closed' })
  await setMode(otherPool, 'test', 'open', undefined)
  t.comment('another history of the same size')
  await untilAtOnce()
  before.push(() => pool.query(`update log set root_hash = sha256('another')`))
  await t.rejects(log.append(draft('e')), { code: 'inconsistent' })
  t.equal((await pool.query<{ count: bigint }>('select count(*) from entry')).rows[0]?.count, size)

  /** Entries, until one goes at once again. */
  async function untilAtOnce(): Promise<void> {
    for (let way = ''; way !== 'at once'; ) {
      const { inTurn } = ways
      size = (await log.append(draft(`filler ${size}`))).entry.leafIndex + 1n
      way = ways.inTurn === inTurn ? 'at once' : 'in turn'
    }
  }
})

async function untilWaiting(pool: Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ count: bigint }>(
      `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if ((rows[0]?.count ?? 0n) > 0n) return
    await new Promise(setImmediate)
  }
}
