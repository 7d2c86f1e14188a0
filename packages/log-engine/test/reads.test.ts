import { verifyInclusion } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { draft, openTestLog } from './support.ts'

/** A pool that counts what it is asked, transactions included. */
function counting(pool: Pool): { pool: Pool; queries(): number } {
  let count = 0
  return {
    queries: () => count,
    pool: {
      query: (...args) => {
        count++
        return pool.query(...args)
      },
      connect: () => {
        count++
        return pool.connect()
      },
      end: pool.end,
    },
  }
}

t.test('proofs of entries that were read once ask the database nothing', async (t) => {
  const { pool } = await testDatabase(t)
  const size = 300
  const writer = await openTestLog(pool)
  await Promise.all(Array.from({ length: size }, (_, i) => writer.append(draft(`entry ${i}`))))

  // Another replica, which has seen nothing of it yet.
  let clock = 1_000_000
  const counted = counting(pool)
  const reader = await openTestLog(counted.pool, { now: () => clock })
  const readAll = async () => {
    for (let i = 0n; i < size; i++) {
      const entry = await reader.readEntry(i)
      if (entry === undefined) throw new Error(`entry ${i} is missing`)
      const { treeHead } = await reader.checkpointCovering(i)
      const proof = await reader.proveInclusion(i, treeHead.size)
      verifyInclusion(proof, entry.leafHash, treeHead.rootHash)
      const found = await reader.findByLeafHash(entry.leafHash)
      t.equal(found, entry)
    }
  }
  await readAll()
  const before = counted.queries()
  t.ok(before > size, 'the first time each entry was read')
  await readAll()
  t.equal(counted.queries(), before)
  await reader.readTile(0, 0n, 256)
  t.equal(counted.queries(), before)

  clock += 1_000
  await readAll()
  t.equal(counted.queries(), before + 1, 'a second later the head is asked for, once')
  await writer.append(draft('one more'))
  t.equal((await reader.checkpointCovering(0n)).treeHead.size, 300n, 'within a second an older head will do')
  t.ok(reader.isRecent(300n))
  t.equal((await reader.checkpointCovering(300n)).treeHead.size, 301n, 'unless it does not cover the entry')
  t.notOk(reader.isRecent(300n))
  await reader.append(draft('its own'))
  t.ok(reader.isRecent(301n), 'also while it writes itself')
  t.equal((await reader.checkpointCovering(0n)).treeHead.size, 301n)
  const own = counted.queries()
  t.equal((await reader.checkpointCovering(301n)).treeHead.size, 302n)
  t.equal(counted.queries(), own, 'which its memory knows')
  clock += 1_000
  t.notOk(reader.isRecent(301n))
  t.equal((await reader.checkpointCovering(0n)).treeHead.size, 302n)
  clock -= 5_000
  const early = counted.queries()
  await reader.checkpointCovering(0n)
  t.equal(counted.queries(), early + 1, 'a clock that is set back makes no head last')
  await Promise.all([writer.close(), reader.close()])
})

t.test('memory for entries is bounded, and the least recently used go', async (t) => {
  const { pool } = await testDatabase(t)
  const counted = counting(pool)
  const entryBytes = 10_000
  const log = await openTestLog(counted.pool, { entryCacheBytes: 3 * (entryBytes + 1_000) })
  for (const name of ['a', 'b', 'c', 'd']) await log.append(draft(name.repeat(entryBytes)))
  const asks = async (leafIndex: bigint) => {
    const before = counted.queries()
    t.ok((await log.readEntry(leafIndex))?.leaf.length === entryBytes)
    return counted.queries() > before
  }
  for (const leafIndex of [0n, 1n, 2n]) t.ok(await asks(leafIndex))
  for (const leafIndex of [0n, 1n, 2n]) t.notOk(await asks(leafIndex))
  t.ok(await asks(3n))
  t.notOk(await asks(2n))
  t.ok(await asks(0n), 'it was the one that nobody had used for longest')

  await log.append(draft('e'.repeat(40_000)))
  t.equal((await log.readEntry(4n))?.leaf.length, 40_000)
  t.notOk(await asks(2n), 'one too large to be kept drives none out')
  await log.close()
})

t.test('tiles in memory are bounded: what does not fit is read again', async (t) => {
  const { pool } = await testDatabase(t)
  const writer = await openTestLog(pool)
  for (let round = 0; round < 4; round++)
    await Promise.all(Array.from({ length: 256 }, (_, i) => writer.append(draft(`${round} ${i}`))))
  const counted = counting(pool)
  const log = await openTestLog(counted.pool, { tileCacheLimit: 2 })
  await log.treeHead()
  const asks = async (index: bigint) => {
    const before = counted.queries()
    t.equal((await log.readTile(0, index, 256))?.length, 8192)
    return counted.queries() - before
  }
  t.same([await asks(0n), await asks(1n), await asks(0n), await asks(1n)], [1, 1, 0, 0])
  t.equal(await asks(2n), 1)
  t.equal(await asks(1n), 0)
  t.equal(await asks(0n), 1)
  await Promise.all([writer.close(), log.close()])
})

t.test('many entries are read at once, in the order asked for, and once', async (t) => {
  const { pool } = await testDatabase(t)
  const writer = await openTestLog(pool)
  await Promise.all(Array.from({ length: 5 }, (_, i) => writer.append(draft(`entry ${i}`))))
  const counted = counting(pool)
  const reader = await openTestLog(counted.pool)
  const before = counted.queries()
  const known = await reader.readEntry(3n)
  const asked = [4n, 7n, 3n, 0n, -1n, 4n]
  const read = await reader.readEntriesAt(asked)
  t.same(
    read.map((entry) => entry?.leafIndex),
    [4n, undefined, 3n, 0n, undefined, 4n],
  )
  t.same(read[0], (await writer.readEntriesAt([4n]))[0])
  t.equal(read[2], known)
  t.equal(counted.queries() - before, 2)
  t.equal((await reader.readEntriesAt([0n, 4n]))[0], read[3])
  t.equal(counted.queries() - before, 2, 'what was read is told from memory')
})
