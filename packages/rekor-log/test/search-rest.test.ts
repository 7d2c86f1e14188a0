import t from 'tap'
import { hurriedRestMs, restMsAfter } from '../src/search/rest.ts'

t.test('the follower yields while the log grows, until it is far behind', async (t) => {
  const quiet = { isGrowing: false, backlog: 5_000n }
  t.equal(restMsAfter('full', 50, quiet), 0, 'nobody waits: on to the end')
  t.equal(restMsAfter('moved', 50, quiet), 0, 'at the end it is ready for the next entry')

  const burst = { isGrowing: true, backlog: 5_000n }
  t.equal(restMsAfter('full', 50, burst), 450, 'a tenth of the time in a burst')
  t.equal(restMsAfter('moved', 5, burst), 100, 'it gathers what comes')
  t.equal(restMsAfter('full', 5_000, burst), 500, 'but it never stands still for long')

  const behind = { isGrowing: true, backlog: 100_000n }
  t.equal(restMsAfter('full', 50, behind), 0, 'far behind it takes what it needs')
  t.ok(restMsAfter('not ours', 0, quiet) > 0, 'another process is not asked without a pause')
})

t.test('where readers wait it still leaves half of the time to writers', async (t) => {
  for (const workedMs of [1, 5, 50]) t.equal(hurriedRestMs('moved', workedMs), workedMs)
  t.ok(hurriedRestMs('not ours', 0) > 0)
})
