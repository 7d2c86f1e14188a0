/** The search index built anew, while the log serves. */
import { type Pool, PostgresError } from '@sigstack/postgres'
import { auditRekor, commitRollover, reindex } from '@sigstack/rekor-log'
import t, { type Test } from 'tap'
import { emptyDatabase, indexedUpTo, type LogUnderTest, startRekor } from './running-log.ts'
import { proposalFor } from './support.ts'

async function startTwoShards(t: Test): Promise<LogUnderTest> {
  const log = await startRekor(t, { ...(await emptyDatabase(t)), keysFolder: t.testdir({}) })
  for (let i = 0; i < 5; i++) await log.append(`old ${i}`)
  await commitRollover(log.pool, { key: 'same' })
  for (let i = 0; i < 5; i++) await log.append(`new ${i}`)
  await indexedUpTo(log.pool, 12)
  return log
}

async function find({ url }: LogUnderTest, artifact: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/index/retrieve`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ hash: proposalFor(artifact).spec.data.hash.value }),
  })
  if (answer.status !== 200) throw new Error(await answer.text())
  return ((await answer.json()) as unknown[]).length
}

const rows = async (pool: Pool) =>
  (await pool.query('select * from search_key order by key, leaf_index')).rows
const findings = async (pool: Pool) => (await auditRekor({ pool, search: 'all' })).findings

t.test('lost and wrong rows are mended, of all shards', async (t) => {
  const log = await startTwoShards(t)
  const { pool } = log
  const before = await rows(pool)
  await pool.query(
    'delete from search_key where leaf_index in (2, 9); insert into search_key values (5, 3), (6, 999)',
  )
  t.equal(await find(log, 'old 1'), 0)
  t.equal((await findings(pool)).length, 4)
  const progress: bigint[] = []
  let sortings = 0
  const result = await reindex({
    pool,
    onProgress: (done, total) => progress.push(done, total),
    onSorting: () => sortings++,
  })
  t.same(result, { entries: 12n, unreadable: 0 })
  t.same(progress, [6n, 12n, 12n, 12n])
  t.equal(sortings, 1)
  t.same(await rows(pool), before)
  t.same(await findings(pool), [])
  t.equal(await find(log, 'old 1'), 1)
  const { rows: ranges } = await pool.query(
    `select inhrelid::regclass::text as range from pg_inherits where inhparent = 'search_key'::regclass`,
  )
  t.same(ranges, [{ range: 'search_key_r0' }], 'in ranges, by the names that the follower looks for')
  await log.append('afterwards')
  await indexedUpTo(pool, 13)
  t.equal(await find(log, 'afterwards'), 1, 'the follower goes on in the new table')
  t.same(await findings(pool), [])
})

t.test('search answers all the time, and what is written meanwhile is found', async (t) => {
  const log = await startTwoShards(t)
  const { pool } = log
  const serving = { done: false }
  let written = 0
  const counts: number[] = []
  const writer = (async () => {
    for (; !serving.done; written++) await log.append(`meanwhile ${written}`)
  })()
  const reader = (async () => {
    while (!serving.done) counts.push(await find(log, 'new 4'))
  })()
  for (let round = 0; round < 3; round++) await reindex({ pool })
  while (counts.length < 10) await new Promise((resolve) => setTimeout(resolve, 5))
  serving.done = true
  await Promise.all([writer, reader])
  t.same(new Set(counts), new Set([1]))
  await indexedUpTo(pool, 12 + written)
  t.same(await findings(pool), [])
  t.equal(await find(log, `meanwhile ${written - 1}`), 1)
})

t.test('one at a time, and an interrupted one does no harm', async (t) => {
  const { pool } = await startTwoShards(t)
  // Whoever holds the follower's turn keeps the first one from its end.
  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query('select from search_position for update')
  const sorting = Promise.withResolvers<void>()
  const first = reindex({ pool, onSorting: sorting.resolve })
  await sorting.promise
  await t.rejects(reindex({ pool }), { code: 'busy' })
  await holder.query('rollback')
  holder.release()
  t.match(await first, { entries: 12n })

  const before = await rows(pool)
  const interrupted = reindex({
    pool,
    onSorting: () => {
      throw new Error('the process is killed')
    },
  })
  await t.rejects(interrupted, /killed/)
  t.same(await rows(pool), before)
  t.match(await reindex({ pool }), { entries: 12n })
  t.same(await rows(pool), before)
})

t.test('one that lost its lock with the connection leaves the index and the next one alone', async (t) => {
  const { pool } = await startTwoShards(t)
  const before = await rows(pool)
  const isSorting = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let lockPid: unknown
  const slow: Pool = {
    ...pool,
    connect: async () => {
      const client = await pool.connect()
      lockPid = (await client.query('select pg_backend_pid() as pid')).rows[0]?.['pid']
      return client
    },
    query: async (statement, values) => {
      if (typeof statement === 'string' && statement.includes('add primary key')) {
        isSorting.resolve()
        await goOn.promise
      }
      return pool.query(statement, values)
    },
  }
  const first = t.rejects(reindex({ pool: slow }))
  await isSorting.promise
  await pool.query('select pg_terminate_backend($1)', [lockPid])
  const isThere = async () =>
    (await pool.query('select from pg_stat_activity where pid = $1', [lockPid])).rows.length > 0
  while (await isThere());
  await pool.query('delete from search_key')
  const second = reindex({
    pool,
    // It has its table now, and the first goes on beside it.
    onSorting: goOn.resolve,
  })
  t.match(await second, { entries: 12n })
  await first
  t.same(await rows(pool), before)
  const { rows: left } = await pool.query(`select from pg_tables where tablename like 'search_key_rebuild%'
    and schemaname = current_schema()`)
  t.same(left, [])
  t.match(await reindex({ pool }), { entries: 12n }, 'and the lock is free')
})

t.test('one that has lost its lock goes no further, though nobody else has begun', async (t) => {
  const { pool } = await startTwoShards(t)
  const before = await rows(pool)
  let lock = undefined as Awaited<ReturnType<Pool['connect']>> | undefined
  const isSorting = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const watched: Pool = {
    ...pool,
    connect: async () => (lock = await pool.connect()),
    query: async (statement, values) => {
      if (typeof statement === 'string' && statement.includes('add primary key')) {
        isSorting.resolve()
        await goOn.promise
      }
      return pool.query(statement, values)
    },
  }
  const running = t.rejects(reindex({ pool: watched }), {
    code: 'unavailable',
    message: /was lost; begin again$/,
  })
  await isSorting.promise
  if (lock === undefined) throw new Error('it began without a connection')
  await t.rejects(lock.query('select pg_terminate_backend(pg_backend_pid())'))
  goOn.resolve()
  await running
  t.same(await rows(pool), before)
})

/** The database, which has no connection to give for what `isAway` is true of. */
function failing(pool: Pool, isAway: (statement: string) => boolean): Pool {
  const check = async (statement: string) => {
    if (isAway(statement)) throw new PostgresError('unavailable', 'the database cannot be reached: too slow')
  }
  return {
    ...pool,
    connect: async () => {
      await check('connect')
      return pool.connect()
    },
    query: async (statement, values) => {
      await check(typeof statement === 'string' ? statement : statement.text)
      return pool.query(statement, values)
    },
  }
}

t.test('a database that has no connection for a while does not end it', async (t) => {
  const { pool } = await startTwoShards(t)
  const before = await rows(pool)
  const asked = new Map<string, number>()
  const troubles: (readonly [string, number])[] = []
  const pauses: number[] = []
  const told = {
    onTrouble: (reason: string, pauseMs: number) => troubles.push([reason, pauseMs]),
    pause: async (ms: number) => pauses.push(ms),
  }
  const isAwayAtFirst = (statement: string) => {
    const times = asked.get(statement) ?? 0
    asked.set(statement, times + 1)
    return times === 0
  }
  t.match(await reindex({ pool: failing(pool, isAwayAtFirst), ...told }), { entries: 12n })
  t.same(await rows(pool), before)
  t.ok([...asked.values()].every((times) => times > 1))
  t.same(
    troubles,
    [...asked.keys()].map(() => ['the database cannot be reached: too slow', 1000]),
  )

  pauses.length = 0
  const isAwayForGood = failing(pool, (statement) => statement.startsWith('insert into search_key'))
  await t.rejects(reindex({ pool: isAwayForGood, ...told }), { code: 'unavailable' })
  t.same(pauses, [1000, 2000, 4000, 8000, 16_000])
  t.same(await rows(pool), before)

  pauses.length = 0
  const lost = new PostgresError('connection_lost', 'the connection to the database was lost')
  const breaking = { ...pool, query: () => Promise.reject(lost) }
  await t.rejects(reindex({ pool: breaking, ...told }), { code: 'connection_lost' })
  t.same(pauses, [], 'what may have been done is not done again')
})

t.test('an entry that cannot be read is counted, and one that is missing stops it', async (t) => {
  const { pool } = await startTwoShards(t)
  await pool.query(`update entry set leaf = '\\xff'::bytea where leaf_index = 2 and log_no = 1`)
  t.match(await reindex({ pool }), { entries: 12n, unreadable: 1 })
  const before = await rows(pool)
  await pool.query('delete from entry where leaf_index >= 4 and log_no = 2')
  await t.rejects(reindex({ pool }), {
    code: 'not_found',
    message: /^entry 10 is missing; run `sigstack log audit`$/,
  })
  t.same(await rows(pool), before)
})

t.test('a database without a log is refused', async (t) => {
  const { pool } = await emptyDatabase(t)
  await t.rejects(reindex({ pool }), { code: 'not_found' })
})
