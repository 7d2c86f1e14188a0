/** What is offered by name counts before what is offered of all. */
import { takesGzip, weightsOf } from '@sigstack/server'
import t from 'tap'

t.test('gzip is taken where it is offered and not refused by its name', async (t) => {
  for (const offers of ['gzip', 'GZIP;q=0.5', '*', 'identity;q=0, *', '*;q=0, gzip;q=0.1'])
    t.equal(takesGzip(offers), true, offers)
  for (const offers of [
    undefined,
    '',
    'br',
    'gzip;q=0',
    'gzip;q=0.000, *',
    '*, gzip;q=0',
    'gzip;q=high',
    '*;q=0',
  ])
    t.equal(takesGzip(offers), false, offers ?? 'none')
})

t.test('offers whose weight is none are passed over', async (t) => {
  t.same(
    [...weightsOf('a, B;q=0.5;x=1, c;q=2, d;q=-1, , e;q=1.0')],
    [
      ['a', 1],
      ['b', 0.5],
      ['e', 1],
    ],
  )
})
