import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { LogReader } from '@sigstack/log-engine'
import { createDearReads } from '@sigstack/rekor-log'
import t from 'tap'
import { createEntryBundles } from '../src/faces/tiles/index.ts'

/** The full bundle, or the first `width` entries of the one at `index`. */
const full = { index: 0n, width: 256 }
const asker = { network: '127.0.0.1', isGone: () => false }

/** A log of 300 entries that counts how often a bundle is begun, and how many entries are read at the most. */
function countedLog(origin = 'log.example.org', entryBytes = 0, more = () => '', atOnce = 256) {
  let reads = 0
  let release = () => {}
  let gate: Promise<void> = Promise.resolve()
  const log = {
    origin,
    treeHead: async () => ({ size: 300n }),
    reaches: async (size: bigint) => size <= 300n,
    readLeaves: async (start: bigint, count: number) => {
      if (start % 256n === 0n) reads++
      await gate
      // As the engine, which gives fewer of long ones.
      return Array.from({ length: Math.min(count, atOnce, Number(300n - start)) }, (_, i) =>
        Buffer.from(`${origin} ${start + BigInt(i)}`.padEnd(entryBytes) + more(), 'latin1'),
      )
    },
  } as unknown as LogReader
  const hold = () => {
    gate = new Promise((resolve) => {
      release = resolve
    })
  }
  return { log, reads: () => reads, hold, release: () => release() }
}

t.test('a bundle of each form is made once, for all who ask', async (t) => {
  const { log, reads } = countedLog()
  const bundles = createEntryBundles()
  const plain = await bundles.read(log, full, false, asker)
  t.equal(reads(), 1)
  const [first, second] = await Promise.all([
    bundles.read(log, full, true, asker),
    bundles.read(log, full, true, asker),
  ])
  t.equal(await bundles.read(log, full, true, asker), first)
  t.equal(first, second, 'also for two at once')
  t.equal(await bundles.read(log, full, false, asker), plain)
  t.equal(reads(), 1)
  t.match([plain, first], [{ encoding: undefined }, { encoding: 'gzip' }])
  t.not(plain?.etag, first?.etag)
  t.same(gunzipSync(first?.bytes ?? ''), plain?.bytes)
  const other = countedLog('other.example.org')
  const otherPlain = await bundles.read(other.log, full, false, asker)
  t.notSame(otherPlain, plain, 'each log has its own')
})

t.test('long entries, of which few come at once, make a whole bundle', async (t) => {
  const { log } = countedLog('log.example.org', 60_000, () => '', 7)
  const bundle = await createEntryBundles().read(log, full, false, asker)
  t.equal(bundle?.bytes.length, 256 * 60_002)
  const tooLong = countedLog('log.example.org', 65_536).log
  t.equal(await createEntryBundles().read(tooLong, full, false, asker), undefined)
})

t.test('what is kept is given at once, but large bundles, and all while entries are written', async (t) => {
  let isWriting = false
  const bundles = createEntryBundles({ dearReads: createDearReads({ isWriting: () => isWriting }) })
  const passed: string[] = []
  const ask = async (log: LogReader, name: string) => {
    await bundles.read(log, full, true, asker)
    passed.push(name)
  }
  const random = () => randomBytes(8_192).toString('latin1')
  const large = countedLog('large.example.org', 0, random).log
  const small = countedLog('small.example.org').log
  await ask(small, 'small made')
  await ask(large, 'large made')
  await Promise.all([ask(large, 'large'), ask(large, 'large again'), ask(small, 'small')])
  t.same(passed.splice(0), ['small made', 'large made', 'small', 'large', 'large again'])
  isWriting = true
  await Promise.all([ask(large, 'large'), ask(small, 'small')])
  t.same(passed, ['large', 'small'])
})

t.test('of the many widths of a bundle those are compressed that readers ask for', async (t) => {
  const { log } = countedLog()
  const bundles = createEntryBundles()
  t.equal((await bundles.read(log, { index: 1n, width: 44 }, true, asker))?.encoding, 'gzip', 'the newest')
  for (const [index, width] of [
    [0n, 255],
    [0n, 1],
    [1n, 43],
  ] as const) {
    const bundle = await bundles.read(log, { index, width }, true, asker)
    t.ok(bundle)
    t.equal(bundle?.encoding, undefined)
  }
  t.equal(await bundles.read(log, { index: 1n, width: 45 }, true, asker), undefined, 'not there yet')
})

t.test('what is kept is bounded', async (t) => {
  const { log, reads } = countedLog()
  const small = createEntryBundles({ keptBytes: 10 })
  await small.read(log, full, true, asker)
  await small.read(log, full, true, asker)
  t.equal(reads(), 2, 'larger than all that may be kept')
})

t.test('one is made at a time, and who comes when too many wait is sent away', async (t) => {
  const { log, reads, hold, release } = countedLog()
  const bundles = createEntryBundles()
  hold()
  const asked = Array.from({ length: 110 }, (_, i) =>
    bundles.read(log, { index: 0n, width: 1 + i }, false, asker),
  )
  const results = Promise.allSettled(asked)
  await new Promise(setImmediate)
  t.equal(reads(), 1)
  release()
  const refused = (await results).filter(({ status }) => status === 'rejected')
  t.equal(refused.length, 59, 'half of the room is for others')
  t.match(refused[0], { reason: { name: 'RekorLogError', code: 'queue_full' } })
  t.equal(reads(), 51)
})
