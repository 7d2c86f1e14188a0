import { createPool, type Pool, PostgresError } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { draft, openTestLog, signNothing, verifyAppended } from './support.ts'

/**
 * A pool whose connections break when `breaks` says so: before the statement reaches the server, or after the server has
 * done it but before its answer is heard.
 */
function breakingPool(pool: Pool, breaks: (statement: string) => 'before' | 'after' | undefined): Pool {
  const lost = () => new Error('Connection terminated unexpectedly')
  return {
    ...pool,
    query: async (statement, values) => {
      const when = breaks(typeof statement === 'string' ? statement : statement.text)
      if (when === undefined) return pool.query(statement, values)
      if (when === 'after') await pool.query(statement, values)
      throw new PostgresError('connection_lost', 'the connection to the database was lost', { cause: lost() })
    },
    connect: async () => {
      const client = await pool.connect()
      let dead = false
      return {
        query: async (statement, values) => {
          if (dead) throw lost()
          const text = typeof statement === 'string' ? statement : statement.text
          const when = breaks(text)
          if (when === undefined) return client.query(statement, values)
          if (when === 'after') await client.query(statement, values)
          else await client.query('rollback')
          dead = true
          throw lost()
        },
        release: (destroy) => client.release(destroy),
      }
    },
  }
}

/** The statement that writes a batch without a turn of its own. */
const atOnce = /with found as materialized/

const steps: [string, RegExp][] = [
  ['begin', /^begin/],
  ['taking the row', /for no key update/],
  ['finding duplicates', /select found\.\*/],
  ['writing', /^\s*with\s+new_entry as/],
]

for (const [name, pattern] of steps) {
  for (const when of ['before', 'after'] as const) {
    t.test(`a connection lost ${when} ${name} loses the batch whole, and the log goes on`, async (t) => {
      const { pool } = await testDatabase(t)
      let armed = false
      const log = await openTestLog(
        breakingPool(pool, (statement) => {
          if (!armed || !pattern.test(statement)) return undefined
          armed = false
          return when
        }),
      )
      await log.append(draft('before'))
      await writeElsewhere(pool)
      armed = true
      const lost = await Promise.allSettled([log.append(draft('a')), log.append(draft('b'))])
      t.same(
        lost.map((x) => x.status),
        ['rejected', 'rejected'],
      )
      t.match(lost[0], { reason: { name: 'LogError', code: 'unavailable' } })
      const again = await log.append(draft('a'))
      t.equal(again.duplicate, false)
      t.equal(again.entry.leafIndex, 2n)
      t.doesNotThrow(() => verifyAppended(again))
    })
  }
}

/** Then a batch takes its turn, in place of being written at once. */
async function writeElsewhere(pool: Pool): Promise<void> {
  await (await openTestLog(pool)).append(draft('elsewhere'))
}

for (const when of ['before', 'after'] as const) {
  t.test(
    `a connection lost ${when} a batch was written at once: its entries are answered, once`,
    async (t) => {
      const { pool } = await testDatabase(t)
      let breaks = 0
      const log = await openTestLog(
        breakingPool(pool, (statement) => (atOnce.test(statement) && breaks-- > 0 ? when : undefined)),
      )
      await log.append(draft('old'))
      breaks = 1
      const answers = await Promise.all(['a', 'b', 'a'].map((text) => log.append(draft(text))))
      t.equal(breaks, 0)
      t.same(
        answers.map((x) => [x.entry.leafIndex, x.duplicate]),
        [
          [1n, false],
          [2n, false],
          // It cannot be told any more from the first.
          [1n, false],
        ],
      )
      for (const answer of answers) t.doesNotThrow(() => verifyAppended(answer))
      t.equal((await log.treeHead()).size, 3n)
      t.equal((await log.append(draft('c'))).entry.leafIndex, 3n)
    },
  )
}

t.test('a statement that was never sent, or that the server has undone, wrote nothing', async (t) => {
  const { pool } = await testDatabase(t)
  const errors = [
    new PostgresError('try_again', 'the database asks to try again'),
    new PostgresError('connection_lost', 'lost', { cause: new Error('Client is not queryable') }),
  ]
  let error: Error | undefined
  const log = await openTestLog({
    ...pool,
    query: async (statement, values) => {
      const text = typeof statement === 'string' ? statement : statement.text
      if (error === undefined || !atOnce.test(text)) return pool.query(statement, values)
      const thrown = error
      error = undefined
      throw thrown
    },
  })
  await log.append(draft('old'))
  error = errors[0]
  const again = await log.append(draft('a'))
  t.same([again.entry.leafIndex, again.duplicate], [1n, false], 'by turns instead')
  await log.append(draft('b'))
  error = errors[1]
  await t.rejects(log.append(draft('c')), { code: 'unavailable' })
  const { entry, duplicate } = await log.append(draft('c'))
  t.same([entry.leafIndex, duplicate], [3n, false])
})

for (const when of ['before', 'after'] as const) {
  t.test(`a connection lost ${when} the commit: the entries are answered all the same, once`, async (t) => {
    const { pool } = await testDatabase(t)
    let armed = false
    const log = await openTestLog(
      breakingPool(pool, (statement) => {
        if (!armed || statement !== 'commit') return undefined
        armed = false
        return when
      }),
    )
    await log.append(draft('old'))
    // One that is there already has the batch take its turn.
    armed = true
    const answers = await Promise.all(['old', 'a', 'b'].map((text) => log.append(draft(text))))
    t.same(
      answers.map((x) => [x.entry.leafIndex, x.duplicate]),
      [
        [0n, true],
        [1n, false],
        [2n, false],
      ],
    )
    for (const answer of answers) t.doesNotThrow(() => verifyAppended(answer))
    t.equal((await log.treeHead()).size, 3n)
  })
}

t.test('a checkpoint that cannot be signed leaves the entry durable and the next try finds it', async (t) => {
  const { pool } = await testDatabase(t)
  let broken = true
  const log = await openTestLog(pool, {
    signCheckpoint: async () => {
      if (broken) throw new Error('the key service is down')
      return 'signed\n1\n'
    },
  })
  await t.rejects(log.append(draft('a')), {
    code: 'unavailable',
    cause: { message: 'the key service is down' },
  })
  broken = false
  const again = await log.append(draft('a'))
  t.same([again.entry.leafIndex, again.duplicate], [0n, true])
})

t.test('a database put back to an older state is refused instead of forked', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  await log.append(draft('a'))
  const { rows } = await pool.query<{ tree_size: bigint; root_hash: Buffer }>(
    'select tree_size, root_hash from log',
  )
  await log.append(draft('b'))
  await pool.query('update log set tree_size = $1, root_hash = $2', [rows[0]?.tree_size, rows[0]?.root_hash])
  await pool.query('delete from entry where leaf_index = 1')
  await t.rejects(log.append(draft('c')), { code: 'inconsistent', message: /old backup/ })
  t.equal((await pool.query<{ count: bigint }>('select count(*) from entry')).rows[0]?.count, 1n)
})

t.test('another history of the same or a larger size is refused', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const log = await openTestLog(pool)
  await log.append(draft('a'))
  await log.append(draft('b'))
  await pool.query('delete from entry')
  await pool.query(`update log set tree_size = 0, root_hash = sha256('')`)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const other = await openTestLog(otherPool)
  await other.append(draft('x'))
  await other.append(draft('y'))
  await t.rejects(log.append(draft('c')), { code: 'inconsistent' }, 'same size')
  await other.append(draft('z'))
  await t.rejects(log.append(draft('c')), { code: 'inconsistent' }, 'larger size')
})

t.test('a reader signs nothing that does not extend what it has signed before', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const writer = await openTestLog(pool)
  const reader = await openTestLog(otherPool)
  await writer.append(draft('a'))
  await writer.append(draft('b'))
  t.equal((await reader.checkpoint()).treeHead.size, 2n)
  await writer.append(draft('c'))
  t.equal((await reader.checkpoint()).treeHead.size, 3n)
  await pool.query('delete from entry where leaf_index > 0')
  await pool.query('update log set tree_size = 1, root_hash = (select leaf_hash from entry)')
  await t.rejects(reader.checkpoint(), { code: 'inconsistent', message: /old backup/ })
  const forger = await openTestLog(otherPool)
  for (const text of ['x', 'y', 'z']) await forger.append(draft(text))
  await t.rejects(reader.checkpoint(), { code: 'inconsistent' }, 'a longer history that forked')
})

t.test('a history that was changed below a full tile is refused, whatever is remembered of it', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const log = await openTestLog(pool)
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(draft(`entry ${i}`))))
  await pool.query('delete from entry')
  await pool.query('delete from tile')
  await pool.query(`update log set tree_size = 0, root_hash = sha256('')`)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const other = await openTestLog(otherPool)
  // The same entries again but for the first one, and some more.
  for (const text of ['another', ...Array.from({ length: 399 }, (_, i) => `entry ${i + 1}`)])
    await other.append(draft(text))
  await t.rejects(log.checkpoint(), { code: 'inconsistent' })
  await t.rejects(log.append(draft('c')), { code: 'inconsistent' })
})

t.test('an index beyond the database is answered like any other that is not there', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  t.equal(await log.readEntry(2n ** 63n - 1n), undefined)
  t.equal(await log.readEntry(2n ** 70n), undefined)
  t.equal(await log.readEntry(-1n), undefined)
})

/** What somebody with the database and without the key can do: one row more, and a root of their own. */
async function forgeRoot(pool: Pool): Promise<{ undo(): Promise<void> }> {
  const { rows } = await pool.query<{ tree_size: bigint; root_hash: Buffer }>('select * from log')
  const [{ tree_size: size, root_hash: root } = { tree_size: 0n, root_hash: Buffer.alloc(0) }] = rows
  await pool.query(
    `insert into entry (log_no, leaf_index, sequenced_at, leaf_hash, identity_key, leaf)
       select log_no, $1, sequenced_at, leaf_hash, identity_key, leaf from entry where leaf_index = 0`,
    [size],
  )
  await pool.query(`update log set tree_size = $1, root_hash = sha256('a tree of my own')`, [size + 1n])
  return {
    undo: async () => {
      await pool.query('delete from entry where leaf_index = $1', [size])
      await pool.query('update log set tree_size = $1, root_hash = $2', [size, root])
    },
  }
}

for (const entries of [1, 3, 255, 256, 300]) {
  t.test(
    `a root that is not that of the ${entries} entries and one more is not signed by anybody`,
    async (t) => {
      const { pool, connectionString } = await testDatabase(t)
      const otherPool = createPool({ connectionString })
      t.teardown(() => otherPool.end())
      const signed: bigint[] = []
      const signCheckpoint: typeof signNothing = async (head, origin) => {
        signed.push(head.size)
        return signNothing(head, origin)
      }
      const writer = await openTestLog(pool, { signCheckpoint })
      const reader = await openTestLog(otherPool, { signCheckpoint })
      await Promise.all(Array.from({ length: entries }, (_, i) => writer.append(draft(`entry ${i}`))))
      await reader.checkpoint()
      const forgery = await forgeRoot(pool)
      const started = await openTestLog(otherPool, { signCheckpoint })
      for (const log of [writer, reader, started]) {
        await t.rejects(log.checkpoint(), { code: 'inconsistent' })
        await t.rejects(log.checkpointCovering(BigInt(entries)), { code: 'inconsistent' })
        await t.rejects(log.append(draft('next')), { code: 'inconsistent' })
      }
      await forgery.undo()
      for (const log of [writer, reader, started]) await log.append(draft('next'))
      t.strictSame(signed.toSorted((a, b) => Number(a - b)).at(-1), BigInt(entries) + 1n)
    },
  )
}

t.test('the root of a frozen log, and of an empty one, is compared too', async (t) => {
  const { pool } = await testDatabase(t)
  const empty = await openTestLog(pool)
  await pool.query(`update log set root_hash = sha256('something')`)
  await t.rejects(empty.checkpoint(), { code: 'inconsistent' })
  await pool.query(`update log set root_hash = sha256('')`)
  await empty.append(draft('a'))
  await pool.query(`update log set final_size = tree_size, root_hash = sha256('something')`)
  await t.rejects((await openTestLog(pool)).checkpoint(), { code: 'inconsistent' })
})
