import t from 'tap'
import { networkOf } from '../src/addresses.ts'
import { askerOf, createTurnstile } from '../src/turnstile.ts'

const onFull = (): Error => new Error('full')
const asker = (network = 'a', isGone = () => false) => ({ network, isGone })

t.test('so many are at work at once, the next wait in order, and more are sent away', async (t) => {
  const turnstile = createTurnstile({ places: 2, queue: 2, onFull })
  const began: number[] = []
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<number>())
  const passed = gates.map((gate, i) =>
    turnstile.pass(asker(`${i}`), () => {
      began.push(i)
      return gate.promise
    }),
  )
  await t.rejects(
    turnstile.pass(asker('4'), async () => 4),
    { message: 'full' },
  )
  t.same(began, [0, 1])
  gates[1]?.resolve(1)
  t.equal(await passed[1], 1)
  await new Promise(setImmediate)
  t.same(began, [0, 1, 2])
  for (const [i, gate] of gates.entries()) gate.resolve(i)
  t.same(await Promise.all(passed), [0, 1, 2, 3])
  t.equal(await turnstile.pass(asker(), async () => 5), 5, 'and the places are free again')
})

t.test('work that fails gives its place on, and with a rest the next begins after it', async (t) => {
  const turnstile = createTurnstile({ places: 1, queue: 4, rest: () => 50, onFull })
  await t.rejects(
    turnstile.pass(asker(), () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  const order: string[] = []
  const first = turnstile.pass(asker(), async () => {
    const end = performance.now() + 20
    while (performance.now() < end);
    order.push('first')
  })
  const second = turnstile.pass(asker(), async () => {
    order.push('second')
  })
  await first
  // Before the rest is over everything else that is due has had its turn.
  await new Promise(setImmediate)
  order.push('others')
  await second
  t.same(order, ['first', 'others', 'second'])
})

t.test('those who wait have turns by network, and none fills the room alone', async (t) => {
  const turnstile = createTurnstile({ places: 1, queue: 10, onFull })
  const held = Promise.withResolvers<void>()
  const order: string[] = []
  const ask = (network: string) =>
    turnstile.pass(asker(network), async () => {
      order.push(network)
      await held.promise
    })
  const passed = Array.from({ length: 6 }, () => ask('many'))
  await t.rejects(ask('many'), { message: 'full' }, 'five of ten wait')
  passed.push(ask('one'))
  held.resolve()
  await Promise.all(passed)
  t.same(order, ['many', 'many', 'one', 'many', 'many', 'many', 'many'])
})

t.test('nothing is done for whom has gone, and others have the room', async (t) => {
  const turnstile = createTurnstile({ places: 1, queue: 4, onFull })
  const held = Promise.withResolvers<void>()
  let isGone = false
  let done = 0
  const first = turnstile.pass(asker('a'), () => held.promise)
  const gone = [1, 2].map(() =>
    turnstile.pass(
      asker('a', () => isGone),
      async () => {
        done++
      },
    ),
  )
  const ended = Promise.allSettled(gone)
  isGone = true
  const next = turnstile.pass(asker('a'), async () => 'next')
  held.resolve()
  await first
  t.equal(await next, 'next')
  t.same(
    (await ended).map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  t.equal(done, 0)
})

t.test('nothing is done for whom has waited too long, and the turn is of the next', async (t) => {
  const clock = { ms: 0 }
  const turnstile = createTurnstile({
    places: 1,
    queue: 10,
    longestWaitMs: 100,
    nowMs: () => clock.ms,
    onFull,
  })
  const held = Promise.withResolvers<void>()
  const done: string[] = []
  const ask = (name: string) =>
    turnstile.pass(asker(), async () => {
      done.push(name)
      await held.promise
    })
  const first = ask('first')
  const late = ask('late')
  clock.ms = 1
  const inTime = ask('in time')
  clock.ms = 101
  held.resolve()
  await first
  await t.rejects(late, { message: 'full' })
  await inTime
  t.same(done, ['first', 'in time'])
})

t.test('it is open while there is a place, or room to wait for this network', async (t) => {
  const turnstile = createTurnstile({ places: 1, queue: 2, onFull })
  const held = Promise.withResolvers<void>()
  const ask = (network: string) => turnstile.pass(asker(network), () => held.promise)
  t.equal(turnstile.isOpen(asker('a')), true)
  const passed = [ask('a')]
  t.equal(turnstile.isOpen(asker('a')), true)
  passed.push(ask('a'))
  t.same(
    [turnstile.isOpen(asker('a')), turnstile.isOpen(asker('b'))],
    [false, true],
    'a has its half of the room',
  )
  held.resolve()
  await Promise.all(passed)
  t.equal(turnstile.isOpen(asker('a')), true)
})

t.test('a request over HTTP/1.1 has gone with its connection, one over HTTP/2 with its stream', (t) => {
  const socket = { destroyed: false }
  const stream = { destroyed: false }
  const first = askerOf({ ip: '2001:db8::1', raw: { socket } })
  const second = askerOf({ ip: '192.0.2.1', raw: { socket, stream } })
  t.equal(first.network, networkOf('2001:db8::1'))
  t.same([first.isGone(), second.isGone()], [false, false])
  stream.destroyed = true
  t.same([first.isGone(), second.isGone()], [false, true])
  socket.destroyed = true
  t.equal(first.isGone(), true)
  t.end()
})
