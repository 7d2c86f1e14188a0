import fc from 'fast-check'
import t from 'tap'
import { createFairQueue } from '../src/fair-queue.ts'

fc.configureGlobal({ seed: 1 })

t.test('whoever sends much waits behind himself', async (t) => {
  const queue = createFairQueue<string>(100)
  for (let i = 0; i < 5; i++) queue.push('loud', `loud ${i}`, 1)
  queue.push('quiet', 'quiet', 1)
  queue.push('other', 'other', 1)
  const order = Array.from({ length: 8 }, () => queue.take()?.item)
  t.same(order, ['loud 0', 'quiet', 'other', 'loud 1', 'loud 2', 'loud 3', 'loud 4', undefined])
  t.ok(queue.isEmpty())
})

t.test('nobody has more than half of the room, and what is taken counts until it is done', async (t) => {
  const queue = createFairQueue<string>(10)
  const pushed = (sender: string, size: number) => queue.push(sender, '', size)
  t.same([pushed('a', 3), pushed('a', 2), pushed('a', 1)], [true, true, false])
  t.same([pushed('b', 5), pushed('c', 1)], [true, false])
  const taken = queue.take()
  t.equal(pushed('a', 1), false)
  queue.done(taken!)
  t.same([pushed('a', 1), pushed('c', 1), pushed('c', 2)], [true, true, false])
})

t.test('one that is larger than the half, or than all, is taken where nobody else is', async (t) => {
  const queue = createFairQueue<string>(10)
  t.equal(queue.push('a', 'huge', 100), true)
  t.equal(queue.push('b', 'small', 1), false)
  queue.done(queue.take()!)
  t.equal(queue.push('b', 'small', 1), true)
  t.equal(queue.push('c', 'large', 8), true, 'the first of a sender may be as large as there is room')
})

t.test('nothing is lost, nothing comes twice, and each sender is served in order', async () => {
  const items = fc.array(fc.record({ sender: fc.constantFrom('a', 'b', 'c'), takes: fc.nat(2) }), {
    maxLength: 50,
  })
  fc.assert(
    fc.property(items, (pushes) => {
      const queue = createFairQueue<number>(1_000)
      const taken: { sender: string; item: number }[] = []
      const take = () => {
        const next = queue.take()
        if (next !== undefined) taken.push(next)
        return next !== undefined
      }
      for (const [i, { sender, takes }] of pushes.entries()) {
        queue.push(sender, i, 1)
        for (let n = 0; n < takes; n++) take()
      }
      while (take());
      const inOrder = ['a', 'b', 'c'].every((sender) => {
        const own = taken.filter((one) => one.sender === sender).map(({ item }) => item)
        return own.every((item, at) => at === 0 || item > own[at - 1]!)
      })
      return (
        inOrder &&
        taken.length === pushes.length &&
        new Set(taken.map(({ item }) => item)).size === pushes.length
      )
    }),
  )
})
