import t from 'tap'
import { createShared } from '../src/sources/cached.ts'

t.test('who asks within a second is given one answer, and an older one nobody', async (t) => {
  let nowMs = 1_000
  let count = 0
  const ask = createShared(
    async () => {
      count++
      if (count === 2) throw new Error('not now')
      return count
    },
    () => nowMs,
  )
  t.same(await Promise.all([ask(), ask()]), [1, 1])
  nowMs += 1_000
  t.equal(await ask(), 1)
  nowMs += 1
  await t.rejects(ask(), { message: 'not now' })
  await t.rejects(ask(), { message: 'not now' }, 'nor is a log that fails asked by everybody')
  nowMs += 1_001
  t.equal(await ask(), 3)
  t.equal(count, 3)
})
