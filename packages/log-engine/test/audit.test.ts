import { leafHash, verifyConsistency } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t, { type Test } from 'tap'
import { auditLog, createFindings, type Log } from '../src/index.ts'
import { draft, openTestLog } from './support.ts'

const size = 2500n

async function filledLog(t: Test): Promise<{ pool: Pool; log: Log }> {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  await Promise.all(Array.from({ length: Number(size) }, (_, i) => log.append(draft(`entry ${i}`))))
  return { pool, log }
}

async function audit(pool: Pool, rootsAt: readonly bigint[] = []) {
  const findings = createFindings()
  const audited = await auditLog({ pool, name: 'test', findings, rootsAt })
  return {
    ...audited,
    count: findings.count(),
    findings: findings.list.map(({ kind, message }) => `${kind}: ${message}`),
  }
}

t.test('a whole log is found whole, and the roots it once had are computed again', async (t) => {
  const { pool, log } = await filledLog(t)
  const progress: bigint[] = []
  const seen: bigint[] = []
  const findings = createFindings()
  const audited = await auditLog({
    pool,
    name: 'test',
    findings,
    rootsAt: [1n, 256n, 2049n, size, 9999n],
    onProgress: (done, total) => progress.push(done, total),
    onEntries: async (entries) => void seen.push(...entries.map(({ leafIndex }) => leafIndex)),
  })
  t.same(findings.list, [])
  t.match(audited, { size, entries: size, origin: 'log.example.org' })
  t.equal(audited.tiles, 9n + 1n, 'full tiles of level 0 and the unfinished one above')
  t.same(progress, [2048n, size, size, size])
  t.same(
    seen,
    Array.from({ length: Number(size) }, (_, i) => BigInt(i)),
  )
  t.same([...audited.roots.keys()], [0n, 1n, 256n, 2049n, size], 'a size that is not reached has no root')
  for (const at of [1n, 256n, 2049n]) {
    const root = audited.roots.get(at)
    if (root === undefined) return t.fail(`no root at ${at}`)
    verifyConsistency(await log.proveConsistency(at, size), root, audited.rootHash)
  }
  await t.rejects(auditLog({ pool, name: 'other', findings }), { code: 'not_found' })
})

t.test('a log that is written to meanwhile is found whole', async (t) => {
  const { pool, log } = await filledLog(t)
  const writing = { done: false }
  const writer = (async () => {
    for (let i = 0; !writing.done; i++) await log.append(draft(`meanwhile ${i}`))
  })()
  for (let i = 0; i < 3; i++) t.same((await audit(pool)).findings, [])
  writing.done = true
  await writer
})

const damages: [string, string, readonly (string | RegExp)[]][] = [
  [
    'a flipped byte in an entry',
    `update entry set leaf = set_byte(leaf, 5, get_byte(leaf, 5) # 1) where leaf_index = 700`,
    ['entry: the bytes of entry 700 are not those that were logged'],
  ],
  [
    'an entry whose stored form cannot be read',
    `update entry set leaf = '\\xff'::bytea where leaf_index = 700`,
    ['entry: the bytes of entry 700 are not those that were logged'],
  ],
  [
    'a flipped byte in a leaf hash',
    `update entry set leaf_hash = set_byte(leaf_hash, 31, get_byte(leaf_hash, 31) # 1) where leaf_index = 700`,
    ['entry: the stored hash of entry 700 is wrong; its bytes are those that were logged'],
  ],
  [
    'a missing entry',
    'delete from entry where leaf_index = 2047',
    ['entry: entry 2047 is missing; its hash is still in its tile'],
  ],
  [
    'a missing entry at the end, whose hash is in no tile',
    'delete from entry where leaf_index = 2499',
    [/^entry: entry 2499 is missing, and its hash with it/],
  ],
  [
    'an entry put in another’s place',
    `update entry as a set leaf = b.leaf, leaf_hash = b.leaf_hash, identity_key = b.identity_key
       from entry as b where a.leaf_index = 30 and b.leaf_index = 31`,
    [/^tile: tile 0\/0 is not/, /^tile: tile 1\/0 is not/, /^head: the root/],
  ],
  [
    'a flipped byte in a full tile',
    `update tile set hashes = set_byte(hashes, 100, get_byte(hashes, 100) # 1) where level = 0 and tile_index = 3`,
    ['tile: tile 0/3 is not that of the entries below it'],
  ],
  [
    'a flipped byte in the tile above',
    `update tile set hashes = set_byte(hashes, 100, get_byte(hashes, 100) # 1) where level = 1`,
    ['tile: tile 1/0 is not that of the entries below it'],
  ],
  ['a missing tile', 'delete from tile where level = 0 and tile_index = 8', ['tile: tile 0/8 is missing']],
  [
    'a flipped byte in the head',
    'update log set root_hash = set_byte(root_hash, 0, get_byte(root_hash, 0) # 1)',
    ['head: the root of the tree head at size 2500 is not that of the entries'],
  ],
  [
    'a wrong key of an identity',
    'update entry set identity_key = identity_key + 1 where leaf_index = 640',
    ['index: entry 640 is not found by its identity: its key is wrong'],
  ],
  [
    'entries and tiles beyond the head',
    `insert into entry select log_no, 2500, sequenced_at, leaf_hash, identity_key, identity, leaf_key, leaf, extra
       from entry where leaf_index = 0;
     insert into tile select log_no, 0, 9, hashes from tile where level = 0 and tile_index = 0`,
    ['surplus: beyond the tree head, and in no tree: 1 entry', 'surplus: beyond the tree head: 1 tile'],
  ],
  [
    'a time that goes backwards',
    'update entry set sequenced_at = 1 where leaf_index = 10',
    ['entry: entry 10 is older than the one before it'],
  ],
]

t.test('each kind of damage is found and named, and nothing else', async (t) => {
  const { pool } = await filledLog(t)
  for (const table of ['entry', 'tile', 'log'])
    await pool.query(`create table whole_${table} as table ${table}`)
  for (const [name, damage, expected] of damages) {
    await pool.query(damage)
    const { findings, count } = await audit(pool)
    t.equal(count, expected.length, `${name}: ${findings.join('; ')}`)
    for (const [at, sentence] of expected.entries()) {
      if (typeof sentence === 'string') t.equal(findings[at], sentence, name)
      else t.match(findings[at], sentence, name)
    }
    await pool.query(`delete from entry; insert into entry select * from whole_entry;
      delete from tile; insert into tile select * from whole_tile;
      update log set root_hash = (select root_hash from whole_log)`)
  }
  t.same((await audit(pool)).findings, [])
})

t.test('keys of an entry with an identity of its own are compared, both of them', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  await log.append(draft('a'))
  await pool.query(`update entry set identity = $1, leaf_key = $2 where leaf_index = 0`, [
    Buffer.from(leafHash(Buffer.from('other'))),
    5n,
  ])
  const { findings } = await audit(pool)
  t.same(findings, [
    'index: entry 0 is not found by its identity: its key is wrong',
    'index: entry 0 is not found by its leaf hash: its key is wrong',
  ])
})
