import { emptyTree, leafHash, type TreeHead } from '@sigstack/merkle'
import t from 'tap'
import type { CosignedLog } from '../src/cosigning.ts'
import { createPublisher } from '../src/publish.ts'
import type { FrozenHead, TreeReader } from '../src/read-tree.ts'
import { signNothing } from './support.ts'

const headOf = (size: bigint): TreeHead => ({ size, rootHash: leafHash(Buffer.from(`root of ${size}`)) })

/** A reader whose newest head is as told. */
const readerOf = (heads: {
  newest: TreeHead
  recent?: TreeHead
  frozen?: FrozenHead
}): TreeReader & { readonly asked: string[] } => {
  const asked: string[] = []
  const reader = {
    asked,
    origin: 'log.example.org',
    treeHead: async () => {
      asked.push('newest')
      return heads.newest
    },
    recentHead: (leafIndex: bigint) =>
      heads.recent !== undefined && leafIndex < heads.recent.size ? heads.recent : undefined,
    frozenHead: () => heads.frozen,
  }
  return reader as unknown as TreeReader & { readonly asked: string[] }
}

t.test(
  'a tree head is signed once, however many ask for it, and told as signed before it is given out',
  async (t) => {
    const events: string[] = []
    const publisher = createPublisher({
      reader: readerOf({ newest: headOf(3n) }),
      signCheckpoint: async (head, origin) => {
        events.push(`signed ${head.size}`)
        return signNothing(head, origin)
      },
      signedHeads: {
        read: async () => undefined,
        keep: ({ treeHead }) => events.push(`kept ${treeHead.size}`),
        follow: () => {},
        close: async () => {},
      },
    })
    const all = [publisher.publish(headOf(3n)), publisher.newest(), publisher.covering(2n)]
    for (const one of all) void one.then(() => events.push('given out'))
    const [first, ...others] = await Promise.all(all)
    for (const other of others) t.equal(other, first)
    t.strictSame(events, ['signed 3', 'kept 3', 'given out', 'given out', 'given out'])
    t.strictSame(first, { treeHead: headOf(3n), note: await signNothing(headOf(3n), 'log.example.org') })
  },
)

t.test(
  'a head that its writers do not ask for is signed when it is asked for, or when it is time to keep one',
  async (t) => {
    const signed: bigint[] = []
    const due: (() => Promise<unknown>)[] = []
    const publisher = createPublisher({
      reader: readerOf({ newest: headOf(3n) }),
      signCheckpoint: async (head, origin) => {
        signed.push(head.size)
        return signNothing(head, origin)
      },
      signedHeads: {
        read: async () => undefined,
        keep: () => {},
        follow: (sign) => due.push(sign),
        close: async () => {},
      },
    })
    for (const size of [1n, 2n, 3n]) await publisher.follow(headOf(size))
    t.strictSame(signed, [])
    await due.at(-1)?.()
    t.strictSame(signed, [3n], 'the newest, and no other')
    await publisher.newest()
    t.strictSame(signed, [3n], 'once')
  },
)

t.test('where others sign heads too, also those wait for them who want no checkpoint', async (t) => {
  const others = Promise.withResolvers<void>()
  const gathered: bigint[] = []
  const publisher = createPublisher({
    reader: readerOf({ newest: headOf(1n) }),
    signCheckpoint: signNothing,
    signedHeads: undefined,
    cosigning: {
      republishMs: 1_000,
      gather: async (checkpoint) => {
        gathered.push(checkpoint.treeHead.size)
        await others.promise
        return checkpoint
      },
    },
  })
  const following = publisher.follow(headOf(1n)).then(() => 'followed')
  t.equal(await Promise.race([following, publisher.follow(headOf(1n)), Promise.resolve('waits')]), 'waits')
  others.resolve()
  t.equal(await following, 'followed')
  t.strictSame(gathered, [1n])
})

t.test('the checkpoint that is being made keeps no other one waiting', async (t) => {
  const slow = Promise.withResolvers<void>()
  const publisher = createPublisher({
    reader: readerOf({ newest: emptyTree }),
    signCheckpoint: async (head, origin) => {
      if (head.size === 1n) await slow.promise
      return signNothing(head, origin)
    },
    signedHeads: undefined,
  })
  const first = publisher.publish(headOf(1n))
  t.equal((await publisher.publish(headOf(2n))).treeHead.size, 2n)
  slow.resolve()
  t.equal((await first).treeHead.size, 1n)
})

t.test(
  'a signature that failed is not remembered, and is told as a log that cannot answer now',
  async (t) => {
    let isDown = true
    const publisher = createPublisher({
      reader: readerOf({ newest: headOf(1n) }),
      signCheckpoint: async (head, origin) => {
        if (isDown) throw new Error('the key service is away')
        return signNothing(head, origin)
      },
      signedHeads: undefined,
    })
    await t.rejects(publisher.newest(), {
      code: 'unavailable',
      cause: { message: 'the key service is away' },
    })
    isDown = false
    t.equal((await publisher.newest()).treeHead.size, 1n)
  },
)

t.test('an entry that a head known a moment ago covers needs no look at the newest', async (t) => {
  const reader = readerOf({ newest: headOf(9n), recent: headOf(5n) })
  const publisher = createPublisher({ reader, signCheckpoint: signNothing, signedHeads: undefined })
  t.equal((await publisher.covering(4n)).treeHead.size, 5n)
  t.strictSame(reader.asked, [])
  t.equal((await publisher.covering(5n)).treeHead.size, 9n)
  t.strictSame(reader.asked, ['newest'])
})

t.test(
  'readers of a moment have one checkpoint, though writers are ahead, and none is signed twice',
  async (t) => {
    const signed: bigint[] = []
    const publisher = createPublisher({
      reader: readerOf({ newest: headOf(9n), recent: headOf(5n) }),
      signCheckpoint: async (head, origin) => {
        signed.push(head.size)
        return signNothing(head, origin)
      },
      signedHeads: undefined,
    })
    const first = await publisher.covering(4n)
    await publisher.publish(headOf(7n))
    t.equal(await publisher.covering(3n), first)
    await publisher.publish(headOf(7n))
    t.strictSame(signed, [5n, 7n])
  },
)

t.test(
  'others sign what is signed and remembered, and what they sign later is shown from then on',
  async (t) => {
    const events: string[] = []
    const reader = readerOf({ newest: headOf(3n) })
    const logs: CosignedLog[] = []
    const publisher = createPublisher({
      reader,
      signCheckpoint: signNothing,
      signedHeads: {
        read: async () => undefined,
        keep: ({ treeHead }) => events.push(`kept ${treeHead.size}`),
        follow: () => {},
        close: async () => {},
      },
      cosigning: {
        republishMs: 1_000,
        gather: async (checkpoint, log) => {
          events.push(`gathered ${checkpoint.treeHead.size}`)
          logs.push(log)
          return checkpoint
        },
      },
    })
    const plain = await publisher.newest()
    t.strictSame(events, ['kept 3', 'gathered 3'])
    t.equal(await publisher.newest(), plain, 'once for each head')
    const cosigned = { ...plain, note: `${plain.note}a line\n` }
    logs[0]?.update({ ...cosigned, treeHead: headOf(2n) })
    t.equal(await publisher.newest(), plain, 'lines of another head are not shown')
    logs[0]?.update(cosigned)
    t.equal(await publisher.newest(), cosigned)
    await publisher.republish()
    t.equal(events.at(-1), 'gathered 3', 'without growth, too')
    t.equal(events.length, 4)
    t.strictSame(await logs[0]?.newest(), plain, 'the log alone')
  },
)

t.test(
  'the head of a log that was frozen is signed anew, and what is late for the one before is passed over',
  async (t) => {
    const heads: Parameters<typeof readerOf>[0] = { newest: headOf(3n) }
    const logs: CosignedLog[] = []
    const publisher = createPublisher({
      reader: readerOf(heads),
      signCheckpoint: async (head, origin, frozenAtMs) =>
        `${await signNothing(head, origin)}${frozenAtMs ?? 'open'}\n`,
      signedHeads: undefined,
      cosigning: {
        republishMs: 1_000,
        gather: async (checkpoint, log) => {
          logs.push(log)
          return checkpoint
        },
      },
    })
    const open = await publisher.newest()
    t.match(open.note, /\nopen\n$/)
    heads.frozen = { size: 3n, atMs: 5 }
    const frozen = await publisher.newest()
    t.match(frozen.note, /\n5\n$/)
    logs[0]?.update({ ...open, note: `${open.note}late\n` })
    t.equal(await publisher.newest(), frozen)
    const cosigned = { ...frozen, note: `${frozen.note}witness\n` }
    logs[0]?.update(cosigned)
    t.equal(await publisher.newest(), cosigned)
    t.match((await publisher.publish(headOf(2n))).note, /\nopen\n$/, 'an older head is not the last one')
  },
)
