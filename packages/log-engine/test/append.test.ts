import { emptyRootHash, leafHash, tileFromHashes, verifyConsistency, verifyInclusion } from '@sigstack/merkle'
import { createPool, type Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { draft, logId, openTestLog, signNothing, verifyAppended } from './support.ts'

t.test('an entry is answered with its place and a proof that holds', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  t.same(await log.treeHead(), { size: 0n, rootHash: emptyRootHash })
  for (let i = 0n; i < 5n; i++) {
    const appended = await log.append(draft(`entry ${i}`))
    t.equal(appended.entry.leafIndex, i)
    t.equal(appended.duplicate, false)
    t.equal(appended.checkpoint.treeHead.size, i + 1n)
    t.doesNotThrow(() => verifyAppended(appended))
  }
  t.same((await log.readEntry(3n))?.leaf, Buffer.from('entry 3'))
  t.equal(await log.readEntry(5n), undefined)
})

t.test('an entry whose writer needs no proof is placed without a signature', async (t) => {
  const { pool } = await testDatabase(t)
  let signatures = 0
  const log = await openTestLog(pool, {
    signCheckpoint: async (treeHead, origin) => {
      signatures++
      return signNothing(treeHead, origin)
    },
  })
  const both = await Promise.all([log.place(draft('a')), log.place(draft('b'))])
  t.same(
    both.map(({ entry, duplicate }) => [entry.leafIndex, duplicate]),
    [
      [0n, false],
      [1n, false],
    ],
  )
  t.match(await log.place(draft('a')), { entry: { leafIndex: 0n }, duplicate: true })
  t.equal(signatures, 0)
  const [placed, appended] = await Promise.all([log.place(draft('c')), log.append(draft('d'))])
  t.equal(placed.entry.leafIndex, 2n)
  t.doesNotThrow(() => verifyAppended(appended), 'beside one that does not')
  t.equal((await log.checkpoint()).treeHead.size, 4n)
  t.equal(signatures, 1)
})

t.test('an equal identity is found again, in the same batch and later', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  const together = await Promise.all([draft('a'), draft('b'), draft('a')].map((d) => log.append(d)))
  t.same(
    together.map((x) => [x.entry.leafIndex, x.duplicate]),
    [
      [0n, false],
      [1n, false],
      [0n, true],
    ],
  )
  const again = await log.append(draft('b'))
  t.same([again.entry.leafIndex, again.duplicate], [1n, true])
  t.doesNotThrow(() => verifyAppended(again))
  t.equal((await log.treeHead()).size, 2n)
})

t.test('an identity that is not the leaf hash finds the entry, and so does the leaf hash', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool, { now: () => 1_700_000_000_000 })
  const identity = leafHash(Buffer.from('certificate'))
  const encode = ({ leafIndex, sequencedAtMs }: { leafIndex: bigint; sequencedAtMs: number }) => ({
    leaf: Buffer.from(`${leafIndex} at ${sequencedAtMs}`),
    extra: Buffer.from('chain'),
  })
  await log.append(draft('other'))
  const { entry } = await log.append({ identity, encode })
  t.same(Buffer.from(entry.leaf).toString(), '1 at 1700000000000')
  const again = await log.append({ identity, encode: () => ({ leaf: Buffer.from('never used') }) })
  t.equal(again.duplicate, true)
  t.same(again.entry.leaf, entry.leaf)
  t.same(again.entry.extra, Buffer.from('chain'))
  t.equal((await log.findByIdentity(identity))?.leafIndex, 1n)
  t.equal((await log.findByLeafHash(entry.leafHash))?.leafIndex, 1n)
  t.equal((await log.findByLeafHash(leafHash(Buffer.from('other'))))?.leafIndex, 0n)
  t.equal(await log.findByLeafHash(identity), undefined)
})

t.test('the clock of a log never goes backwards', async (t) => {
  const { pool } = await testDatabase(t)
  let now = 5000
  const log = await openTestLog(pool, { now: () => now })
  t.equal((await log.append(draft('a'))).entry.sequencedAtMs, 5000)
  now = 3000
  t.equal((await log.append(draft('b'))).entry.sequencedAtMs, 5000)
})

t.test('a machine whose clock runs ahead does not push the time of the log ahead', async (t) => {
  const { pool } = await testDatabase(t)
  const told: number[] = []
  let aheadMs = 86_400_000
  const log = await openTestLog(pool, {
    now: () => Date.now() + aheadMs,
    onClock: (ms) => told.push(ms),
  })
  for (const text of ['a', 'b']) {
    const { entry } = await log.append(draft(text))
    t.ok(entry.sequencedAtMs < Date.now() + 60_000, 'the time is that of the database')
  }
  aheadMs = 0
  await log.append(draft('c'))
  t.equal(told.length, 2)
  t.ok((told[0] ?? 0) > 86_000_000)
  t.equal(told[1], 0, 'and once more when the clocks agree again')
})

t.test('replicas that append at once share one gapless numbering and one tree', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const otherPool = createPool({ connectionString })
  t.teardown(() => otherPool.end())
  const replicas = [await openTestLog(pool), await openTestLog(otherPool)]
  // Each writes its next entry when it has an answer, so that batches of both replicas interleave.
  const writers = Array.from({ length: 40 }, async (_, writer) => {
    const replica = replicas[writer % 2] as (typeof replicas)[0]
    const answers = []
    for (let i = 0; i < 10; i++) answers.push(await replica.append(draft(`entry ${i} of ${writer}`)))
    return answers
  })
  const appended = (await Promise.all(writers)).flat()
  for (const answer of appended) verifyAppended(answer)
  t.same(new Set(appended.map((x) => x.entry.leafIndex)).size, 400)
  const roots = new Map<bigint, string>()
  for (const { checkpoint } of appended) {
    const { size, rootHash } = checkpoint.treeHead
    const root = Buffer.from(rootHash).toString('hex')
    if ((roots.get(size) ?? root) !== root) t.fail(`two roots of size ${size}`)
    roots.set(size, root)
  }
  t.ok(roots.size > 2, 'more than one batch each')
  const head = await replicas[0]?.treeHead()
  t.equal(head?.size, 400n)
})

t.test(
  'every tree a log ever signed is consistent with the newest, and old entries are still proved',
  async (t) => {
    const { pool } = await testDatabase(t)
    const log = await openTestLog(pool)
    const answers = []
    for (const size of [1, 254, 1, 1, 300, 3]) {
      answers.push(
        ...(await Promise.all(
          Array.from({ length: size }, (_, i) => log.append(draft(`${answers.length}/${i}`))),
        )),
      )
    }
    // Reopened: nothing is in memory.
    const reopened = await openTestLog(pool)
    const head = await reopened.treeHead()
    t.equal(head.size, 560n)
    for (const { entry, checkpoint } of answers.filter((_, i) => i % 37 === 0)) {
      const inclusion = await reopened.proveInclusion(entry.leafIndex, head.size)
      verifyInclusion(inclusion, entry.leafHash, head.rootHash)
      const { size, rootHash } = checkpoint.treeHead
      verifyConsistency(await reopened.proveConsistency(size, head.size), rootHash, head.rootHash)
    }
    const tile = await reopened.readTile(0, 1n, 256)
    t.equal(tile?.length, 8192)
    t.same(
      tileFromHashes(tile as Uint8Array).nodes.subarray(510 * 32),
      (await reopened.readTile(1, 0n, 2))?.subarray(32),
    )
    t.equal((await reopened.readTile(0, 2n, 48))?.length, 48 * 32)
    t.equal(await reopened.readTile(0, 2n, 49), undefined)
    const more = await reopened.append(draft('after'))
    t.doesNotThrow(() => verifyAppended(more))
    await t.rejects(reopened.proveInclusion(1n, 562n), { code: 'not_found' })
    await t.rejects(reopened.proveConsistency(5n, 4n), { code: 'not_found' })
  },
)

t.test('a database that belongs to another key is refused', async (t) => {
  const { pool } = await testDatabase(t)
  await openTestLog(pool)
  await t.rejects(openTestLog(pool, { logId: new Uint8Array(32).fill(9) }), {
    name: 'LogError',
    code: 'foreign_key',
  })
  const same = await openTestLog(pool, { logId, newOrigin: () => 'another.example.org' })
  t.equal(same.origin, 'log.example.org', 'an existing log keeps its origin')
})

t.test('writers beyond the queue are refused, and those within it are served', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool, { queueLimit: 10, batchLimit: 4 })
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, i) => log.append(draft(`entry ${i}`))),
  )
  t.equal(results.filter((x) => x.status === 'fulfilled').length, 10)
  const refused = results.find((x) => x.status === 'rejected')
  t.match(refused, { reason: { code: 'queue_full' } })
  await log.close()
  await t.rejects(log.append(draft('late')), { code: 'closed' })
})

t.test(
  'writers who wait for a slow signature count as waiting, so that a dead key fills no memory',
  async (t) => {
    const { pool } = await testDatabase(t)
    const signing = Promise.withResolvers<void>()
    const log = await openTestLog(pool, {
      queueLimit: 3,
      signCheckpoint: async (treeHead, origin) => {
        await signing.promise
        return signNothing(treeHead, origin)
      },
    })
    const first = ['a', 'b', 'c'].map((text) => log.append(draft(text)))
    while ((await log.treeHead()).size < 3n) await new Promise((resolve) => setTimeout(resolve, 5))
    t.equal(log.queueDepth(), 0, 'all are durable already')
    await t.rejects(log.append(draft('d')), { code: 'queue_full', message: /^3 entries are waiting/ })
    signing.resolve()
    await Promise.all(first)
    t.equal((await log.append(draft('d'))).entry.leafIndex, 3n)
  },
)

t.test(
  'observers that throw harm nobody: entries are answered, the next batch is run, and it is told',
  async (t) => {
    const { pool } = await testDatabase(t)
    const told: unknown[] = []
    const heard: bigint[] = []
    const log = await openTestLog(pool, {
      onBatch: () => {
        throw new Error('a label that does not fit')
      },
      onError: (error) => told.push((error as Error).message),
    })
    log.onAppended(() => {
      throw new Error('a follower that is gone')
    })
    log.onAppended((size) => heard.push(size))
    for (const text of ['a', 'b', 'c']) verifyAppended(await log.append(draft(text)))
    await log.close()
    t.strictSame(heard.at(-1), 3n, 'the others hear of it all the same')
    t.strictSame([...new Set(told)], ['a label that does not fit', 'a follower that is gone'])
  },
)

t.test('whoever watches is told why a batch was not committed, and may throw', async (t) => {
  const { pool } = await testDatabase(t)
  const told: unknown[] = []
  const errors: unknown[] = []
  let isFull = false
  const full = Object.assign(new Error('could not extend file'), { code: '53100' })
  const fillable: Pool = {
    ...pool,
    query: (statement, values) =>
      isFull && (typeof statement === 'string' ? statement : statement.text).includes('insert into entry')
        ? Promise.reject(full)
        : pool.query(statement, values),
  }
  const log = await openTestLog(fillable, {
    onRefused: (reason) => {
      told.push(reason)
      throw new Error('a label that does not fit')
    },
    onError: (error) => errors.push(error),
  })
  verifyAppended(await log.append(draft('before')))
  isFull = true
  await t.rejects(log.append(draft('a')), { code: 'unavailable', message: /has no room/ })
  t.strictSame(told, [full], 'as the database says it')
  t.match(errors, [{ message: 'a label that does not fit' }])
  isFull = false
  verifyAppended(await log.append(draft('a')))
  t.equal(told.length, 1)
})

t.test('a draft that cannot be encoded is refused alone', async (t) => {
  const { pool } = await testDatabase(t)
  const log = await openTestLog(pool)
  const broken = {
    ...draft('broken'),
    encode: () => {
      throw new Error('a chain that is too long')
    },
  }
  const settled = await Promise.allSettled([draft('a'), broken, draft('b')].map((each) => log.append(each)))
  t.match(settled, [
    { status: 'fulfilled', value: { entry: { leafIndex: 0n } } },
    { status: 'rejected', reason: { message: 'a chain that is too long' } },
    { status: 'fulfilled', value: { entry: { leafIndex: 1n } } },
  ])
})
