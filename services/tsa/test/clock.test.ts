/** Whether the time is believed: other clocks, jumps in between, and what follows. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createRegistry } from '@sigstack/server'
import { createMetrics } from '@sigstack/tsa'
import t from 'tap'
import { type ClockGuardOptions, createClockGuard, type OtherClock } from '../src/clock/clock-guard.ts'
import { ntpClock } from '../src/clock/ntp-clock.ts'

const away = () => Promise.reject(new Error('away'))
const clock = (kind: OtherClock['kind'], readDifference: () => Promise<number>): OtherClock => ({
  name: kind,
  kind,
  readDifference,
})
const ntp = (differenceMs: number) => clock('ntp', async () => differenceMs)

function guarded(options: Partial<ClockGuardOptions>) {
  const told: string[] = []
  const time = { now: 1_000_000, monotonic: 5_000 }
  const guard = createClockGuard({
    clocks: [],
    ntpAnswers: 0,
    checkMs: 60_000,
    maxDifferenceMs: 1_000,
    whenUnsure: 'refuse',
    now: () => time.now,
    monotonic: () => time.monotonic,
    onUnsure: (reason) => told.push(reason),
    ...options,
  })
  const pass = (ms: number) => {
    time.now += ms
    time.monotonic += ms
  }
  return { guard, time, pass, told }
}
const refused = { name: 'StampRefusal', code: 'clock_unsure' }

t.test('clocks that agree are believed, and one of several that is wrong decides nothing', async (t) => {
  const { guard, pass } = guarded({ clocks: [ntp(3), ntp(-20), ntp(90_000)], ntpAnswers: 2 })
  t.throws(() => guard.demand(), refused, 'nobody was asked yet')
  await guard.check()
  t.doesNotThrow(() => guard.demand())
  t.equal(guard.state(), 'ok')
  pass(59_000)
  t.doesNotThrow(() => guard.demand(), 'time that passes is no jump')
})

t.test('too few other clocks, and clocks that differ, are told apart', async (t) => {
  const few = guarded({ clocks: [ntp(1), clock('ntp', away), clock('ntp', away)], ntpAnswers: 2 })
  await few.guard.check()
  t.throws(() => few.guard.demand(), { ...refused, message: /only 1 of 3 other clocks/ })
  const differ = guarded({ clocks: [ntp(-7_000), ntp(-7_100), ntp(1)], ntpAnswers: 2 })
  await differ.guard.check()
  t.throws(() => differ.guard.demand(), { ...refused, message: /7100 ms ahead of ntp/ })
  t.same([few.told, differ.told], [['err_too_few'], ['err_inv_time']])
  const slow = guarded({ clocks: [ntp(8_000)], ntpAnswers: 1 })
  await slow.guard.check()
  t.throws(() => slow.guard.demand(), { ...refused, message: /machine is 8000 ms behind ntp/ })
})

t.test('the database must answer and agree, whatever the others say', async (t) => {
  for (const read of [away, async () => 5_000]) {
    const { guard } = guarded({ clocks: [ntp(0), clock('database', read)], ntpAnswers: 1 })
    await guard.check()
    t.throws(() => guard.demand(), refused)
  }
})

t.test(
  'a jump forward or back is noticed by the next stamp, and forgiven when the others agree again',
  async (t) => {
    for (const jump of [5_000, -5_000]) {
      let differenceMs = 0
      const { guard, time, told } = guarded({
        clocks: [clock('ntp', async () => differenceMs)],
        ntpAnswers: 1,
      })
      await guard.check()
      time.now += jump
      differenceMs = -jump
      t.throws(() => guard.demand(), { ...refused, message: new RegExp(`jumped by ${jump} ms`) })
      await guard.check()
      t.throws(() => guard.demand(), refused, 'the others say so too')
      time.now -= jump
      differenceMs = 0
      await guard.check()
      t.doesNotThrow(() => guard.demand())
      t.ok(told.length > 1)
    }
  },
)

t.test('where the operator wants stamps all the same, an unsure clock is only told', async (t) => {
  const changes: (string | undefined)[] = []
  const { guard } = guarded({
    clocks: [ntp(9_000)],
    ntpAnswers: 1,
    whenUnsure: 'stamp',
    onChange: (unsure) => changes.push(unsure),
  })
  await guard.check()
  await guard.check()
  t.doesNotThrow(() => guard.demand())
  t.equal(guard.refuses(), false)
  t.match(guard.state(), /9000 ms behind ntp/)
  t.same(changes, ['err_inv_time'], 'once')
})

t.test('nobody to compare with is nothing against the clock', async (t) => {
  const { guard, time } = guarded({})
  time.now += 90_000
  t.doesNotThrow(() => guard.demand())
})

t.test('a server of NTP is asked, and what it says is how far it is ahead', async (t) => {
  const metrics = createMetrics(createRegistry({ processMetrics: false }), () => new Date())
  const aheadMs = 90_000
  const epoch = 2_208_988_800_000
  const server = createSocket('udp4')
  t.teardown(() => server.close())
  server.on('message', (question, { port, address }) => {
    const answer = Buffer.alloc(48)
    answer[0] = (4 << 3) | 4
    answer[1] = 1
    answer.write('TEST', 12)
    question.copy(answer, 24, 40, 48)
    for (const at of [32, 40]) {
      const time = Date.now() + aheadMs + epoch
      answer.writeUInt32BE(Math.floor(time / 1000), at)
      answer.writeUInt32BE(Math.floor(((time % 1000) / 1000) * 2 ** 32), at + 4)
    }
    server.send(answer, port, address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  const asked = ntpClock({ host: '127.0.0.1', port }, metrics.clock)
  const difference = await asked.readDifference()
  // It is off by at most half of the time on the way.
  t.ok(difference > aheadMs / 2 && difference < aheadMs * 2, `${difference} ms`)
  const text = await metrics.registry.metrics()
  t.match(text, /timestamp_authority_ntp_sync_total\{host="127\.0\.0\.1",failed="false"\} 1/)
})
