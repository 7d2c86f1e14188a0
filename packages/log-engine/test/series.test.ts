import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { createPool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import {
  type Appended,
  freezeLog,
  type LogError,
  listShards,
  prepareNextKey,
  readNextKey,
  rollOver,
  setMode,
} from '../src/index.ts'
import { draft, logId, openTestLog, signNothing, verifyAppended } from './support.ts'

t.test('a frozen shard refuses its writers and serves everything it holds', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const log = await openTestLog(pool, { now: () => 1_700_000_000_000 })
  const replica = await openTestLog(otherPool)
  for (const text of ['a', 'b', 'c']) await log.append(draft(text))
  await rollOver(pool, 'test', { newOrigin: 'second.example.org', key: 'same' })

  await t.rejects(log.append(draft('d')), { name: 'LogError', code: 'frozen' })
  await t.rejects(replica.append(draft('d')), { code: 'frozen' }, 'every replica knows')
  await t.rejects(replica.append(draft('a')), { code: 'frozen' }, 'also for what it holds')
  t.equal((await log.treeHead()).size, 3n)
  t.equal((await replica.proveInclusion(1n, 3n)).siblings.length, 2)

  const shards = await listShards(pool, 'test')
  t.match(shards, [
    { name: 'test', shard: 0, finalSize: 3n, frozenAtMs: Number, origin: 'log.example.org' },
    {
      name: 'test/1',
      shard: 1,
      finalSize: undefined,
      frozenAtMs: undefined,
      origin: 'second.example.org',
      treeSize: 0n,
    },
  ])
  const next = await openTestLog(pool, { name: 'test/1', now: () => 5 })
  const appended = await next.append(draft('a'))
  t.same([appended.entry.leafIndex, appended.duplicate], [0n, false], 'each shard has duplicates of its own')
  t.equal(appended.entry.sequencedAtMs, 1_700_000_000_000, 'time goes on where the old shard stopped')
  t.doesNotThrow(() => verifyAppended(appended))
  await t.rejects(
    pool.query(`update log set tree_size = 4 where name = 'test'`),
    { code: '23514' },
    'the database itself refuses a writer that does not know of freezing',
  )
})

t.test('a new shard may have a new key, which is prepared before', async (t) => {
  const { pool } = await testDatabase(t)
  await openTestLog(pool)
  const options = { newOrigin: 'second.example.org', key: 'prepared' } as const
  await t.rejects(rollOver(pool, 'test', options), { code: 'bad_series' })
  await t.rejects(rollOver(pool, 'other', options), { code: 'not_found' })
  t.equal((await listShards(pool, 'test')).length, 1, 'a refused rollover changes nothing')

  const publicKey = Buffer.from('a public key')
  await prepareNextKey(pool, 'test', { publicKey, keyFile: 'second.pem' })
  await rollOver(pool, 'test', options)
  const newLogId = createHash('sha256').update(publicKey).digest()
  t.match((await listShards(pool, 'test'))[1], { logId: newLogId, keyFile: 'second.pem', publicKey })
  t.equal(await readNextKey(pool, 'test'), undefined, 'a prepared key is used once')
  await t.rejects(openTestLog(pool, { name: 'test/1', logId }), { code: 'foreign_key' })
  t.equal((await openTestLog(pool, { name: 'test/1', logId: newLogId })).origin, 'second.example.org')
})

t.test('of rollovers at once one is done, and the others are told of it', async (t) => {
  const { pool } = await testDatabase(t)
  await openTestLog(pool)
  const tried = await Promise.allSettled(
    ['second', 'third', 'fourth'].map((name) =>
      rollOver(pool, 'test', { newOrigin: `${name}.example.org`, key: 'same', active: 'test' }),
    ),
  )
  const message = 'another rollover of test was done just now, and this did nothing: test/1 takes the entries'
  t.match(
    tried.toSorted((a, b) => (a.status < b.status ? -1 : 1)),
    [{ status: 'fulfilled' }, ...[1, 2].map(() => ({ reason: { code: 'bad_series', message } }))],
  )
  t.same(
    (await listShards(pool, 'test')).map(({ name }) => name),
    ['test', 'test/1'],
  )
})

t.test('who freezes a log while it is rolled over is told of the rollover', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const others = createPool({ connectionString, applicationName: 'waiting' })
  t.teardown(() => others.end())
  await openTestLog(pool)
  const client = await pool.connect()
  await client.query('begin')
  await client.query(`select from log where name = 'test' for no key update`)
  const freezing = freezeLog(others, 'test')
  const isWaiting = `select from pg_stat_activity where application_name = 'waiting' and wait_event_type = 'Lock'`
  while ((await pool.query(isWaiting)).rowCount === 0) await turn()
  await client.query(`update log set final_size = tree_size, frozen_at = 1 where name = 'test'`)
  await client.query(
    `insert into log (name, series, shard, log_id, origin, root_hash)
     select 'test/1', 'test', 1, log_id, 'second.example.org', root_hash from log where name = 'test'`,
  )
  await client.query('commit')
  client.release()
  await t.rejects(freezing, { code: 'bad_series', message: /another rollover of test was done just now/ })
})

const placeOf = (outcome: Appended | string) =>
  typeof outcome === 'string' ? outcome : outcome.entry.leafIndex

t.test('writers and a rollover at once: every entry is in one shard, and no shard has a gap', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const replicas = [await openTestLog(pool), await openTestLog(otherPool)]
  const outcomes: (bigint | string)[] = []
  const writers = Array.from({ length: 20 }, async (_, writer) => {
    for (let i = 0; outcomes.at(-1) !== 'frozen'; i++) {
      const appended = replicas[writer % 2]?.append(draft(`entry ${i} of ${writer}`))
      outcomes.push((await appended?.catch((error: LogError) => error.code).then(placeOf)) ?? 'lost')
    }
  })
  while (outcomes.length < 50) await new Promise((resolve) => setImmediate(resolve))
  await rollOver(pool, 'test', { newOrigin: 'second.example.org', key: 'same' })
  await Promise.all(writers)
  const [first] = await listShards(pool, 'test')
  const placed = outcomes.filter((outcome) => typeof outcome === 'bigint')
  t.equal(BigInt(placed.length), first?.finalSize)
  t.same(
    placed.toSorted((a, b) => Number(a - b)),
    placed.map((_, at) => BigInt(at)),
  )
  t.ok(outcomes.every((outcome) => typeof outcome === 'bigint' || outcome === 'frozen'))
})

t.test('a mode is obeyed by every replica with its next batch, and kept over a rollover', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  await log.append(draft('a'))
  await setMode(pool, 'test', 'maintenance', 'back at noon')
  await t.rejects(log.append(draft('b')), { code: 'maintenance', message: 'back at noon' })
  await setMode(pool, 'test', 'read-only', undefined)
  await t.rejects(log.append(draft('b')), { code: 'read_only' })
  t.equal((await log.readEntry(0n))?.leafIndex, 0n)
  await rollOver(pool, 'test', { newOrigin: 'second.example.org', key: 'same' })
  t.equal((await listShards(pool, 'test'))[1]?.mode, 'read-only')
  await setMode(pool, 'test', 'open', undefined)
  t.equal((await (await openTestLog(pool, { name: 'test/1' })).append(draft('b'))).entry.leafIndex, 0n)
  await t.rejects(setMode(pool, 'other', 'open', undefined), { code: 'not_found' })
})

t.test('a log that is frozen has its last entry, and its last head alone is signed as that', async (t) => {
  const { pool } = await testDatabase(t)
  const signed: (readonly [bigint, number | undefined])[] = []
  const log = await openTestLog(pool, {
    signCheckpoint: async (head, origin, frozenAtMs) => {
      signed.push([head.size, frozenAtMs])
      return signNothing(head, origin)
    },
  })
  for (const text of ['a', 'b']) await log.append(draft(text))
  const before = await log.checkpoint()
  await freezeLog(pool, 'test')
  await t.rejects(log.append(draft('c')), { code: 'frozen' })
  const [{ finalSize, frozenAtMs } = {}] = await listShards(pool, 'test')
  t.equal(finalSize, 2n)
  t.equal(before.frozenAtMs, undefined)
  const last = await log.checkpoint()
  t.match(last, { treeHead: before.treeHead, frozenAtMs })
  t.equal(await log.checkpoint(), last, 'it is signed once')
  t.equal(await log.checkpointCovering(0n), last)
  t.strictSame(signed.at(-1), [2n, frozenAtMs])
  t.ok(
    signed.slice(0, -1).every(([, at]) => at === undefined),
    'no head before it',
  )

  for (const tried of [
    () => freezeLog(pool, 'test'),
    () => setMode(pool, 'test', 'open', undefined),
    () => rollOver(pool, 'test', { newOrigin: 'second.example.org', key: 'same' }),
  ])
    await t.rejects(tried(), { code: 'frozen', message: 'the log test is frozen for good' })
  await t.rejects(freezeLog(pool, 'other'), { code: 'not_found' })
  t.equal((await listShards(pool, 'test')).length, 1)
})
