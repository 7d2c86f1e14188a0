/** Backups of a log: written while it is written to, read without a database, restored whole or not at all. */
import { createHash } from 'node:crypto'
import { leafHash, type TreeHead } from '@sigstack/merkle'
import { createPool, type Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  auditLog,
  checkBackup,
  createFindings,
  type EntryDraft,
  type KnownHead,
  type Log,
  listShards,
  type Manifest,
  openBackup,
  restoreLog,
  rollOver,
  writeBackup,
} from '../src/index.ts'
import { type BackupPage, encodePage, parsePage } from '../src/maintenance/backup/format.ts'
import { draft, openTestLog, signNothing } from './support.ts'

const publicKey = Buffer.from('the public key of the log')
const logId = createHash('sha256').update(publicKey).digest()
const origins = ['log.example.org', 'log.example.org/1']

/** An entry like those of CT: its identity is not its leaf hash, it knows its index, and something is kept beside it. */
function draftBeside(text: string): EntryDraft {
  return {
    identity: leafHash(Buffer.from(text)),
    encode: ({ leafIndex }) => ({
      leaf: Buffer.from(`${text} at ${leafIndex}`),
      extra: Buffer.from(`beside ${text}`),
    }),
  }
}

const appendMany = (log: Log, count: number, name: string) =>
  Promise.all(
    Array.from({ length: count }, (_, i) => log.append((i % 3 === 0 ? draftBeside : draft)(`${name} ${i}`))),
  )

/** Two shards, the first frozen with 2,500 entries, the second with 300. */
async function twoShards(t: Test) {
  const { pool } = await testDatabase(t)
  const first = await openTestLog(pool, { logId })
  await appendMany(first, 2500, 'old')
  await rollOver(pool, 'test', { newOrigin: origins[1] ?? '', key: 'same' })
  const second = await openTestLog(pool, { logId, name: 'test/1' })
  await appendMany(second, 300, 'new')
  return { pool, first, second }
}

async function manifestOf(pool: Pool, heads: readonly TreeHead[]): Promise<Manifest> {
  const shards = (await listShards(pool, 'test')).slice(0, heads.length)
  return {
    log: 'test',
    takenAt: '2026-11-25T12:00:00Z',
    mode: 'read-only',
    modeReason: 'It moves.',
    shards: await Promise.all(
      shards.map(async ({ name, shard, origin, frozenAtMs: shardFrozenAtMs }, at) => {
        const { size, rootHash } = heads[at] as TreeHead
        const checkpoint = await signNothing({ size, rootHash }, origin)
        const isFrozen = at < heads.length - 1
        const frozenAtMs = isFrozen ? shardFrozenAtMs : undefined
        return {
          name,
          shard,
          origin,
          logId,
          publicKey,
          keyFile: undefined,
          size,
          rootHash,
          isFrozen,
          frozenAtMs,
          checkpoint,
        }
      }),
    ),
  }
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inPieces(bytes: Uint8Array, length = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

async function backUp(t: Test) {
  const { pool, first, second } = await twoShards(t)
  const manifest = await manifestOf(pool, [await first.treeHead(), await second.treeHead()])
  return { pool, first, second, manifest, bytes: await collect(writeBackup({ pool, manifest })) }
}

const restore = async (pool: Pool, bytes: Uint8Array, knownHeads: readonly KnownHead[] = []) =>
  restoreLog(pool, { backup: await openBackup(inPieces(bytes)), knownHeads })

const rowsOf = async (pool: Pool, table: string, order: string) =>
  (await pool.query(`select * from ${table} order by ${order}`)).rows

async function isEmpty(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ count: bigint }>(
    'select (select count(*) from log) + (select count(*) from entry) + (select count(*) from tile) as count',
  )
  return rows[0]?.count === 0n
}

t.test('a restored log has the same rows, proofs and duplicates, and goes on', async (t) => {
  const { pool, first, second, manifest, bytes } = await backUp(t)
  const { pool: fresh } = await testDatabase(t)
  const progress: bigint[] = []
  const backup = await openBackup(inPieces(bytes, 7))
  t.same(backup.manifest, manifest)
  await restoreLog(fresh, { backup, onProgress: (done, total) => progress.push(done, total) })
  t.same(progress, [2048n, 2800n, 2500n, 2800n, 2800n, 2800n])
  t.same(backup.checksum(), bytes.subarray(-32), 'the last checksum is that of the whole')

  t.same(
    await rowsOf(fresh, 'entry', 'log_no, leaf_index'),
    await rowsOf(pool, 'entry', 'log_no, leaf_index'),
  )
  const byPlace = 'log_no, level, tile_index'
  t.same(await rowsOf(fresh, 'tile', byPlace), await rowsOf(pool, 'tile', byPlace))
  const columns =
    'name, series, shard, log_id, origin, tree_size, root_hash, last_sequenced_at, final_size, frozen_at'
  const logs = async (of: Pool) => (await of.query(`select ${columns} from log order by log_no`)).rows
  t.same(await logs(fresh), await logs(pool))
  t.match((await listShards(fresh, 'test'))[1], { mode: 'read-only', modeReason: 'It moves.', publicKey })

  const findings = createFindings()
  for (const name of ['test', 'test/1']) await auditLog({ pool: fresh, name, findings })
  t.same(findings.list, [])
  const old = await openTestLog(fresh, { logId })
  t.same(await old.proveInclusion(700n, 2500n), await first.proveInclusion(700n, 2500n))
  t.same(await old.proveConsistency(256n, 2500n), await first.proveConsistency(256n, 2500n))
  await fresh.query(`update log set mode = 'open', mode_reason = null`)
  const active = await openTestLog(fresh, { logId, name: 'test/1' })
  t.match(await active.append(draftBeside('new 3')), { duplicate: true, entry: { leafIndex: 3n } })
  const appended = await active.append(draft('after'))
  t.match(appended, { duplicate: false, entry: { leafIndex: 300n } })
  const { rootHash } = (await second.append(draft('after'))).checkpoint.treeHead
  t.same(appended.checkpoint.treeHead.rootHash, rootHash, 'on the same tree')
  await t.rejects(old.append(draft('x')), { code: 'frozen' })
})

t.test('a backup of a log that is written to meanwhile ends exactly at its checkpoint', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool, { logId })
  await appendMany(log, 3000, 'before')
  const writing = { done: false }
  const writer = (async () => {
    for (let i = 0; !writing.done; i++) await log.append(draft(`meanwhile ${i}`))
  })()
  const head = await log.treeHead()
  const bytes = await collect(writeBackup({ pool, manifest: await manifestOf(pool, [head]) }))
  writing.done = true
  await writer
  t.ok((await log.treeHead()).size > head.size)
  const { pool: fresh } = await testDatabase(t)
  await restore(fresh, bytes)
  t.match(await (await openTestLog(fresh, { logId })).treeHead(), head)
})

t.test('a damaged log is not backed up', async (t) => {
  const { pool, manifest } = await backUp(t)
  for (const damage of [
    `update entry set leaf = set_byte(leaf, 3, get_byte(leaf, 3) # 1) where leaf_index = 2100`,
    `delete from entry where leaf_index = 2100`,
    `delete from entry where log_no = 1`,
  ]) {
    await pool.query(damage)
    await t.rejects(collect(writeBackup({ pool, manifest })), {
      code: 'damaged',
      message: /^entry \d+ of log\.example\.org is missing.*; run `sigstack log audit`/,
    })
  }
})

t.test('any flipped bit and any missing end is found without a database', async (t) => {
  const { bytes } = await backUp(t)
  const check = async (given: Uint8Array) => checkBackup({ backup: await openBackup(inPieces(given)) })
  await check(bytes)
  for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 60)) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] ?? 0) ^ 0x10
    await t.rejects(check(flipped), { name: 'BackupError' }, `bit flipped in byte ${at}`)
  }
  for (const length of [0, 5, 22, 100, 50_000, bytes.length - 38, bytes.length - 37, bytes.length - 1]) {
    await t.rejects(check(bytes.subarray(0, length)), { code: length < 22 ? 'not_a_backup' : 'truncated' })
  }
  await t.rejects(check(Buffer.concat([bytes, Buffer.of(0)])), { code: 'damaged' })
  await t.rejects(check(Buffer.from('{"a file": "of another kind"}')), { code: 'not_a_backup' })
})

t.test('entries that make another tree than the checkpoint signs are refused', async (t) => {
  const { pool, manifest } = await backUp(t)
  const [old, active] = manifest.shards
  if (old === undefined || active === undefined) return t.fail('two shards')
  const otherRoot = { ...active, rootHash: old.rootHash }
  await t.rejects(collect(writeBackup({ pool, manifest: { ...manifest, shards: [old, otherRoot] } })), {
    code: 'damaged',
    message: /do not make the tree of its checkpoint/,
  })
  const { pool: fresh } = await testDatabase(t)
  const whole = await collect(writeBackup({ pool, manifest }))
  const forged = await openBackup(inPieces(whole))
  const backup = { ...forged, manifest: { ...manifest, shards: [old, otherRoot] } }
  await t.rejects(restoreLog(fresh, { backup }), {
    code: 'damaged',
    message: /the 300 entries of .*\/1 in the backup/,
  })
  t.ok(await isEmpty(fresh), 'nothing of it is left')
})

t.test('heads that are known must be beginnings of the tree', async (t) => {
  const { pool, first, bytes } = await backUp(t)
  const { pool: fresh } = await testDatabase(t)
  const findings = createFindings()
  const { roots } = await auditLog({ pool, name: 'test', findings, rootsAt: [1n, 2048n, 2100n, 2500n] })
  const heads = [...roots]
    .filter(([size]) => size > 0n)
    .map(([size, rootHash]) => ({ size, rootHash, origin: origins[0] ?? '', where: 'a file' }))
  t.equal(heads.length, 4)
  const { rootHash } = await first.treeHead()
  await t.rejects(
    restore(fresh, bytes, [{ size: 2100n, rootHash, origin: origins[0] ?? '', where: 'a file' }]),
    {
      code: 'other_history',
      message: /^the backup and a file have two different trees of 2100 entries of log\.example\.org: /,
    },
  )
  t.ok(await isEmpty(fresh))
  await restore(fresh, bytes, heads)
  t.notOk(await isEmpty(fresh))
})

t.test('only a database without the log is restored into', async (t) => {
  const { pool, bytes } = await backUp(t)
  const before = await rowsOf(pool, 'log', 'log_no')
  await t.rejects(restore(pool, bytes), { code: 'not_empty', message: /restore into a new, empty database$/ })
  t.same(await rowsOf(pool, 'log', 'log_no'), before)
})

t.test('a restore that is cut off leaves nothing, and is made again from the start', async (t) => {
  const { bytes } = await backUp(t)
  const { pool: fresh, connectionString } = await testDatabase(t)
  await t.rejects(restore(fresh, bytes.subarray(0, bytes.length - 1)), { code: 'truncated' })
  t.ok(await isEmpty(fresh))
  const cutOff = restoreLog(fresh, {
    backup: await openBackup(inPieces(bytes)),
    onProgress: (done) => {
      if (done > 2048n) throw new Error('the process is killed')
    },
  })
  await t.rejects(cutOff, /killed/)
  t.ok(await isEmpty(fresh))
  const { pool: other, schema } = await testDatabase(t)
  const applicationName = `restore ${schema}`
  const dying = createPool({ connectionString, applicationName, maxConnections: 1 })
  t.teardown(() => dying.end())
  const whole = await openBackup(inPieces(bytes))
  async function* killedAfterOnePage(): AsyncGenerator<BackupPage> {
    for await (const page of whole.pages) {
      yield page
      const { rows } = await other.query<{ killed: boolean }>(
        'select pg_terminate_backend(pid) as killed from pg_stat_activity where application_name = $1',
        [applicationName],
      )
      t.same(rows, [{ killed: true }])
    }
  }
  const disconnected = restoreLog(dying, { backup: { ...whole, pages: killedAfterOnePage() } })
  await t.rejects(disconnected, { name: 'PostgresError' })
  t.ok(await isEmpty(fresh))
  await restore(fresh, bytes)
  t.notOk(await isEmpty(fresh))
})

t.test('pages of entries come back as they were, and nothing else is taken for one', (t) => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
  const entry = fc.record({
    sequencedAtMs: fc.maxSafeNat(),
    leaf: bytes(50),
    extra: fc.option(bytes(50), { nil: undefined }),
    identity: fc.option(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array)),
      {
        nil: undefined,
      },
    ),
  })
  fc.assert(
    fc.property(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.array(entry), (shard, first, list) => {
      const entries = list.map((one, i) => ({ ...one, leafIndex: first + BigInt(i) }))
      t.same(parsePage(encodePage({ shard, entries } as never)), { shard, entries })
    }),
    { numRuns: 50, seed: 1 },
  )
  fc.assert(
    fc.property(bytes(200), (garbage) => {
      try {
        parsePage(garbage)
      } catch (error) {
        t.match(error, { code: 'not_a_backup' })
      }
    }),
    { numRuns: 200, seed: 2 },
  )
  t.end()
})
