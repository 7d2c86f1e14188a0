import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { LogEntry, LogReader } from '@sigstack/log-engine'
import t from 'tap'
import { createEntryBundles } from '../src/faces/tiles/index.ts'

const asker = { network: '127.0.0.1', isGone: () => false }

/** A log of 300 entries that counts how often a bundle is begun, and how many entries are read at the most. */
function countedLog(origin = 'log.example.org', entryBytes = 0, more = () => '') {
  let reads = 0
  let most = 0
  let release = () => {}
  let gate: Promise<void> = Promise.resolve()
  const log = {
    origin,
    treeHead: async () => ({ size: 300n }),
    readEntries: async (start: bigint, count: number) => {
      if (start % 256n === 0n) reads++
      most = Math.max(most, count)
      await gate
      return Array.from(
        { length: Math.min(count, Number(300n - start)) },
        (_, i): Partial<LogEntry> => ({
          leaf: Buffer.from(`${origin} ${start + BigInt(i)}`.padEnd(entryBytes) + more(), 'latin1'),
        }),
      )
    },
  } as unknown as LogReader
  const hold = () => {
    gate = new Promise((resolve) => {
      release = resolve
    })
  }
  return { log, reads: () => reads, most: () => most, hold, release: () => release() }
}

t.test('a bundle is read and compressed once, for all who ask', async (t) => {
  const { log, reads } = countedLog()
  const bundles = createEntryBundles()
  const plain = await bundles.read(log, 0n, 256, asker)
  t.equal(reads(), 1)
  const [first, second] = await Promise.all([
    bundles.readCompressed(log, 0n, 256, asker),
    bundles.readCompressed(log, 0n, 256, asker),
  ])
  t.equal(reads(), 2, 'also for two at once')
  t.equal(await bundles.readCompressed(log, 0n, 256, asker), first)
  t.same(await bundles.read(log, 0n, 256, asker), plain, 'whoever wants it as it is gets it from the same')
  t.equal(reads(), 2)
  t.equal(first, second)
  t.same(gunzipSync(first as Uint8Array), plain)
  const other = countedLog('other.example.org')
  t.notSame(await bundles.read(other.log, 0n, 256, asker), plain, 'each log has its own')
})

t.test('large entries are read few at a time, small ones all at once', async (t) => {
  const large = countedLog('log.example.org', 60_000)
  t.equal((await createEntryBundles().read(large.log, 0n, 256, asker))?.length, 256 * 60_002)
  t.equal(large.most(), 16)
  const small = countedLog()
  await createEntryBundles().read(small.log, 0n, 256, asker)
  t.equal(small.most(), 240)
})

t.test('large bundles have turns also where they are kept, small ones are given at once', async (t) => {
  const bundles = createEntryBundles()
  const passed: string[] = []
  const ask = async (log: LogReader, name: string) => {
    await bundles.readCompressed(log, 0n, 256, asker)
    passed.push(name)
  }
  const random = () => randomBytes(8_192).toString('latin1')
  const large = countedLog('large.example.org', 0, random).log
  const small = countedLog('small.example.org').log
  await ask(small, 'small made')
  await ask(large, 'large made')
  await Promise.all([ask(large, 'large'), ask(large, 'large again'), ask(small, 'small')])
  t.same(passed, ['small made', 'large made', 'small', 'large', 'large again'])
})

t.test('of the many widths of a bundle those are compressed that readers ask for', async (t) => {
  const { log } = countedLog()
  const bundles = createEntryBundles()
  t.ok(await bundles.readCompressed(log, 1n, 44, asker), 'the newest')
  for (const [index, width] of [
    [0n, 255],
    [0n, 1],
    [1n, 43],
  ] as const) {
    t.equal(await bundles.readCompressed(log, index, width, asker), undefined)
    t.ok(await bundles.read(log, index, width, asker))
  }
  t.equal(await bundles.read(log, 1n, 45, asker), undefined, 'not there yet')
})

t.test('what is kept is bounded', async (t) => {
  const { log, reads } = countedLog()
  const small = createEntryBundles({ keptBytes: 10 })
  await small.readCompressed(log, 0n, 256, asker)
  await small.readCompressed(log, 0n, 256, asker)
  t.equal(reads(), 2, 'larger than all that may be kept')
})

t.test('one is made at a time, and who comes when too many wait is sent away', async (t) => {
  const { log, reads, hold, release } = countedLog()
  const bundles = createEntryBundles()
  hold()
  const asked = Array.from({ length: 110 }, (_, i) => bundles.read(log, 0n, 1 + i, asker))
  const results = Promise.allSettled(asked)
  await new Promise(setImmediate)
  t.equal(reads(), 1)
  release()
  const refused = (await results).filter(({ status }) => status === 'rejected')
  t.equal(refused.length, 59, 'half of the room is for others')
  t.match(refused[0], { reason: { name: 'RekorLogError', code: 'queue_full' } })
  t.equal(reads(), 51)
})
