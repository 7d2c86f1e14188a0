import { createHash } from 'node:crypto'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import {
  forgetNextKey,
  freezeLog,
  lineOf,
  listLine,
  listShards,
  openNextLog,
  prepareNextLog,
  readNextLog,
} from '../src/index.ts'
import { draft, openTestLog } from './support.ts'

const publicKey = Buffer.from('the key of the next log')
const next = { name: 'test/1', origin: 'next.example.org', publicKey, keyFile: 'test.1.key.pem' }

t.test('a log is followed by another one, and both take entries', async (t) => {
  const { pool } = await testDatabase(t)
  const first = await openTestLog(pool)
  await first.append(draft('a'))
  t.same(
    (await listLine(pool, 'test')).map(({ name, openedAtMs }) => [name, openedAtMs]),
    [['test', undefined]],
  )
  await t.rejects(openNextLog(pool, 'test'), { code: 'bad_series' }, 'none is prepared')
  await t.rejects(openNextLog(pool, 'other'), { code: 'not_found' })
  await prepareNextLog(pool, 'test', next)
  t.same(await readNextLog(pool, 'test'), next)
  await t.rejects(prepareNextLog(pool, 'test', next), { code: '23505' }, 'one at a time')
  const outcomes = await Promise.allSettled([openNextLog(pool, 'test'), openNextLog(pool, 'test')])
  t.same(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'it is opened once')

  const [, second] = await listLine(pool, 'test')
  t.match(second, {
    name: 'test/1',
    shard: 0,
    origin: 'next.example.org',
    keyFile: 'test.1.key.pem',
    treeSize: 0n,
  })
  t.ok(second?.openedAtMs)
  t.same(await listShards(pool, 'test/1').then((rows) => rows.length), 1, 'it is no shard of the first')
  t.equal(await lineOf(pool, 'test/1'), 'test')
  t.equal(await lineOf(pool, 'test'), 'test')
  t.equal(await lineOf(pool, 'nothing'), undefined)
  const logId = createHash('sha256').update(publicKey).digest()
  const log = await openTestLog(pool, { name: 'test/1', logId })
  t.equal((await log.append(draft('a'))).entry.leafIndex, 0n)
  t.equal((await first.append(draft('b'))).entry.leafIndex, 1n)
  await freezeLog(pool, 'test')
  await t.rejects(first.append(draft('c')), { code: 'frozen' })
  t.equal((await log.append(draft('c'))).entry.leafIndex, 1n, 'the next goes on')
})

t.test('the third log stands behind the second, and a prepared one can be taken back', async (t) => {
  const { pool } = await testDatabase(t)
  await openTestLog(pool)
  await prepareNextLog(pool, 'test', next)
  await forgetNextKey(pool, 'test')
  t.equal(await readNextLog(pool, 'test'), undefined)
  for (const name of ['test/1', 'test/2']) {
    await prepareNextLog(pool, 'test', {
      ...next,
      name,
      origin: `${name}.example.org`,
      publicKey: Buffer.from(name),
    })
    await openNextLog(pool, 'test')
  }
  const line = await listLine(pool, 'test')
  t.same(
    line.map(({ name }) => name),
    ['test', 'test/1', 'test/2'],
  )
  t.ok((line[2]?.openedAtMs ?? 0) > (line[1]?.openedAtMs ?? 0), 'later, whatever the clock says')
  await prepareNextLog(pool, 'test', { ...next, name: 'test/2' })
  await t.rejects(openNextLog(pool, 'test'), { code: 'bad_series', message: /there is a log test\/2/ })
})
