import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { LimiterOptions } from '../src/create-limiter.ts'
import { createFirstTimes, createLimiter, type FirstTimes, type Limiter, parseRules } from '../src/index.ts'
import { missingRedis, openRedis, redisServerPath, startRedis } from '../src/testing.ts'

/** On a busy machine too Redis answers, and nothing is counted beside it. */
const redisAnswerMs = 60_000

type Make = (t: Test, options: Pick<LimiterOptions, 'rules' | 'name'>) => Promise<Limiter>

async function ready(limiter: Limiter): Promise<Limiter> {
  for (let i = 0; i < 3_000 && limiter.state() === 'redis_unreachable'; i++) await sleep(20)
  return limiter
}

async function takeMany(limiter: Limiter, key: string, count: number): Promise<number> {
  const takes = await Promise.all(Array.from({ length: count }, () => limiter.take(key)))
  return takes.filter((take) => take.allowed).length
}

/** Asks until there is a token again. */
async function takeAgain(limiter: Limiter, key: string): Promise<void> {
  while (!(await limiter.take(key)).allowed) await sleep(5)
}

/** What every limiter does, wherever its buckets are. */
function contract(t: Test, make: Make): void {
  t.test('a full bucket gives its burst at once and then says when to come back', async (t) => {
    const limiter = await make(t, { name: 'burst', rules: [{ perSecond: 0.01, burst: 5 }] })
    t.equal(await takeMany(limiter, 'a', 20), 5)
    const refused = await limiter.take('a')
    t.equal(refused.allowed, false)
    t.ok(refused.retryAfterSeconds > 10 && refused.retryAfterSeconds <= 100, `${refused.retryAfterSeconds} s`)
  })

  t.test('keys do not take from each other', async (t) => {
    const limiter = await make(t, { name: 'keys', rules: [{ perSecond: 0.001, burst: 1 }] })
    t.same(await limiter.take('a'), { allowed: true, retryAfterSeconds: 0 })
    t.equal((await limiter.take('a')).allowed, false)
    t.equal((await limiter.take('b')).allowed, true)
  })

  t.test('a token comes back with time, and being refused costs none', async (t) => {
    const limiter = await make(t, { name: 'refill', rules: [{ perSecond: 0.5, burst: 1 }] })
    t.equal(await takeMany(limiter, 'a', 10), 1)
    await takeAgain(limiter, 'a')
  })

  t.test('every rule holds, and none is charged when one refuses', async (t) => {
    const limiter = await make(t, {
      name: 'rules',
      rules: [
        { perSecond: 0.5, burst: 1 },
        { perSecond: 0.001, burst: 2 },
      ],
    })
    t.equal(await takeMany(limiter, 'a', 10), 1, 'the first rule')
    await takeAgain(limiter, 'a')
    t.ok((await limiter.take('a')).retryAfterSeconds > 50, 'the second rule')
  })
}

/** What everybody remembers, wherever it is kept. */
function rememberingContract(t: Test, make: (name: string) => Promise<FirstTimes>): void {
  t.test('a key comes for the first time once, until it is forgotten', async (t) => {
    const times = await make('first')
    const answers = await Promise.all(Array.from({ length: 9 }, () => times.isFirst('a')))
    t.equal(answers.filter(Boolean).length, 1, 'of those who ask at the same moment too')
    t.equal(await times.isFirst('b'), true)
    t.equal(await times.isFirst('a'), false)
    await times.forget('a')
    t.equal(await times.isFirst('a'), true)
    t.equal(await times.isFirst('b'), false)
  })
}

t.test('in memory', async (t) => {
  contract(t, async (_, options) => createLimiter(options))

  t.test('a flood of keys does not grow it without end', async (t) => {
    const limiter = createLimiter({ rules: [{ perSecond: 0.001, burst: 1 }], mostKeys: 100, nowMs: () => 5 })
    for (let i = 0; i < 1000; i++) await limiter.take(`key ${i}`)
    t.equal((await limiter.take('key 999')).allowed, false, 'the newest are still known')
    t.equal((await limiter.take('key 0')).allowed, true, 'the oldest were let go')
  })

  rememberingContract(t, async () => createFirstTimes())

  t.test('of many keys the newest are remembered', async (t) => {
    const times = createFirstTimes({ mostKeys: 100 })
    for (let i = 0; i < 1000; i++) await times.isFirst(`key ${i}`)
    for (let i = 999; i >= 910; i--) t.equal(await times.isFirst(`key ${i}`), false)
    t.equal(await times.isFirst('key 0'), true, 'the oldest were let go')
  })
})

t.test('in Redis', { skip: missingRedis() ?? false }, async (t) => {
  const redis = await openRedis()
  t.teardown(() => redis.stop())
  const run = `${process.pid}-${Date.now()}`
  const make: Make = async (t, { name, rules }) => {
    const limiter = createLimiter({ rules, name: `${run}-${name}`, redisUrl: redis.url, redisAnswerMs })
    t.teardown(() => limiter.stop())
    return ready(limiter)
  }
  contract(t, make)

  t.test('replicas share their buckets', async (t) => {
    const options = { name: 'shared', rules: [{ perSecond: 0.001, burst: 6 }] }
    const [one, other] = [await make(t, options), await make(t, options)]
    t.equal((await takeMany(one, 'a', 4)) + (await takeMany(other, 'a', 4)), 6)
  })

  const remember = async (name: string): Promise<FirstTimes> => {
    const up = Promise.withResolvers<void>()
    const times = createFirstTimes({
      name: `${run}-${name}`,
      redisUrl: redis.url,
      redisAnswerMs,
      onReachable: (reachable) => reachable && up.resolve(),
    })
    t.teardown(() => times.stop())
    await up.promise
    return times
  }
  rememberingContract(t, remember)

  t.test('replicas share what came', async (t) => {
    const [one, other] = [await remember('together'), await remember('together')]
    const answers = await Promise.all([one, other, one, other].map((times) => times.isFirst('a')))
    t.equal(answers.filter(Boolean).length, 1)
    t.equal(await other.isFirst('b'), true)
    t.equal(await one.isFirst('b'), false)
    await other.stop()
    t.equal(await one.isFirst('c'), true)
    await redis.stop()
    t.equal(await one.isFirst('c'), false, 'and goes on without Redis')
    t.equal(await one.isFirst('d'), true)
  })
})

t.test(
  'without its Redis a limiter counts by itself',
  { skip: redisServerPath() === undefined },
  async (t) => {
    const redis = await startRedis()
    const told: boolean[] = []
    const limiter = createLimiter({
      rules: [{ perSecond: 0.001, burst: 3 }],
      redisUrl: redis.url,
      redisAnswerMs,
      onReachable: (reachable) => told.push(reachable),
    })
    t.teardown(() => limiter.stop())
    await ready(limiter)
    t.equal(await takeMany(limiter, 'a', 2), 2)
    await redis.stop()
    t.equal(await takeMany(limiter, 'a', 5), 3, 'a fresh bucket of its own')
    for (let i = 0; i < 3_000 && told.length < 2; i++) await sleep(20)
    t.equal(limiter.state(), 'redis_unreachable')
    t.same(told, [true, false])
  },
)

t.test('limits are written as counts in a time', async (t) => {
  t.same(parseRules('20/s, 600/min burst 100'), [
    { perSecond: 20, burst: 20 },
    { perSecond: 10, burst: 100 },
  ])
  t.same(parseRules(''), [])
  t.same(parseRules(' '), [])
  for (const bad of [
    '20',
    '0/s',
    '20/day',
    'x/s',
    '1/s burst 0',
    '1/s;2/s',
    ',',
    '1/s,',
    ',1/s',
    '1/s,'.repeat(9),
  ]) {
    t.throws(() => parseRules(bad), { name: 'LimitsError', code: 'bad_rule' }, bad)
  }
  for (const rule of [
    { perSecond: 0, burst: 1 },
    { perSecond: 1, burst: 0 },
    { perSecond: Number.NaN, burst: 1 },
  ]) {
    t.throws(() => createLimiter({ rules: [rule] }), { code: 'bad_rule' })
  }
})
