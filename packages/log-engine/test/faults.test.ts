import { createPool, type Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { draft, openTestLog, verifyAppended } from './support.ts'

/**
 * A pool whose connections break when `breaks` says so: before the statement reaches the server, or after the server has
 * done it but before its answer is heard.
 */
function breakingPool(pool: Pool, breaks: (statement: string) => 'before' | 'after' | undefined): Pool {
  const lost = () => Object.assign(new Error('Connection terminated unexpectedly'))
  return {
    ...pool,
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

const steps: [string, RegExp][] = [
  ['begin', /^begin/],
  ['taking the row', /for no key update/],
  ['finding duplicates', /identity_key = wanted/],
  ['writing', /insert into entry/],
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
      armed = true
      const lost = await Promise.allSettled([log.append(draft('a')), log.append(draft('b'))])
      t.same(
        lost.map((x) => x.status),
        ['rejected', 'rejected'],
      )
      t.match(lost[0], { reason: { name: 'LogError', code: 'unavailable' } })
      const again = await log.append(draft('a'))
      t.equal(again.duplicate, false)
      t.equal(again.entry.leafIndex, 1n)
      t.doesNotThrow(() => verifyAppended(again))
    })
  }
}

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
