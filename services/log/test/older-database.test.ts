import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { emptyDatabase, startRekor } from './running-log.ts'

// Each of many logs is started and stopped here.
t.setTimeout(600_000)

const fileIn = (folder: string) =>
  path.join(folder, readdirSync(folder).find((name) => name.endsWith('.checkpoint')) ?? 'none')

/** A log with four entries, stopped; the first one is its own. */
async function stoppedLog(t: Test) {
  const database = await emptyDatabase(t)
  const folder = t.testdir({ ours: {}, theirs: {} })
  const log = await startRekor(t, { ...database, keysFolder: path.join(folder, 'ours') })
  for (const text of ['a', 'b', 'c']) await log.append(text)
  await log.stop()
  return { ...database, keysFolder: log.keysFolder, otherFolder: path.join(folder, 'theirs') }
}

t.test('a start refuses a database that was put back to an older state', async (t) => {
  const log = await stoppedLog(t)
  await log.pool.query('delete from entry where leaf_index > 0')
  await log.pool.query('update log set tree_size = 1, root_hash = (select leaf_hash from entry)')
  await t.rejects(startRekor(t, log), {
    code: 'inconsistent',
    message: /shows 1 entry where 4 were signed \(.*\.checkpoint\).*old backup.*retire it/,
  })
  rmSync(fileIn(log.keysFolder))
  await startRekor(t, log)
})

for (const [how, count] of [
  ['as long', 3],
  ['longer', 5],
] as const) {
  t.test(`a start refuses another history that is ${how} as what was signed`, async (t) => {
    const log = await stoppedLog(t)
    const { rows } = await log.pool.query('select origin, log_id, public_key from log')
    const fork = await emptyDatabase(t)
    const other = await startRekor(t, { ...fork, keysFolder: log.otherFolder })
    for (let i = 0; i < count; i++) await other.append(`other ${i}`)
    await other.stop()
    await fork.pool.query('update log set origin = $1, log_id = $2, public_key = $3', [
      rows[0]?.origin,
      rows[0]?.log_id,
      rows[0]?.public_key,
    ])
    await t.rejects(startRekor(t, { ...fork, keysFolder: log.keysFolder }), {
      code: 'inconsistent',
      message: /two different trees of 4 entries/,
    })
  })
}

t.test('a start makes no new log where one was signed with this key, and takes no other one', async (t) => {
  const log = await stoppedLog(t)
  const empty = await emptyDatabase(t)
  const there = { ...empty, keysFolder: log.keysFolder }
  await t.rejects(startRekor(t, there), {
    code: 'inconsistent',
    message: /the database holds no log rekor-v1/,
  })
  t.equal((await empty.pool.query('select from log')).rowCount, 0)
  await log.pool.query(`update log set origin = 'rekor.example.org - 5'`)
  await t.rejects(startRekor(t, log), { message: /holds the log rekor\.example\.org - 5: give the database/ })
})
