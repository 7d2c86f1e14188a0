import t from 'tap'
import { restMsAfter } from '../src/search/rest.ts'

t.test('the follower yields while the log grows, until it is far behind', async (t) => {
  const quiet = { isGrowing: false, backlog: 5_000n }
  t.equal(restMsAfter('full', 50, quiet), 0, 'nobody waits: on to the end')
  t.equal(restMsAfter('moved', 50, quiet), 100, 'at the end it gathers')

  const burst = { isGrowing: true, backlog: 5_000n }
  t.equal(restMsAfter('full', 50, burst), 450, 'a tenth of the time in a burst')
  t.equal(restMsAfter('moved', 5, burst), 100)
  t.equal(restMsAfter('full', 5_000, burst), 500, 'but it never stands still for long')

  const behind = { isGrowing: true, backlog: 100_000n }
  t.equal(restMsAfter('full', 50, behind), 0, 'far behind it takes what it needs')
})
