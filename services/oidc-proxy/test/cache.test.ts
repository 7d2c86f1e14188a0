import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { missingRedis, openRedis, redisServerPath, startRedis } from '@sigstack/limits/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { CacheState, DocumentCache } from '../src/cache/document-cache.ts'
import { createDocumentSeal } from '../src/cache/document-seal.ts'
import { createMemoryCache } from '../src/cache/memory-cache.ts'
import { createRedisCache } from '../src/cache/redis-cache.ts'

const keepMs = 60_000
const freshMs = 10_000
const seal = createDocumentSeal('a secret of the replicas, for tests alone')
const quiet = { info: () => undefined, warn: () => undefined }
type Clock = { nowMs: number }
type Open = (t: Test, clock: Clock) => Promise<DocumentCache>

const openMemory: Open = async (t, clock) => {
  const cache = createMemoryCache({ keepMs, maxDocuments: 3, now: () => clock.nowMs })
  t.teardown(() => cache.stop())
  return cache
}

function openOverRedis(url: string, keyPrefix?: string): Open {
  return async (t, clock) => {
    const memory = createMemoryCache({ keepMs, maxDocuments: 3, now: () => clock.nowMs })
    const cache = createRedisCache({
      url,
      // What a busy machine keeps waiting would not be shared.
      answerMs: 60_000,
      keyPrefix: keyPrefix ?? `test:${randomUUID()}:`,
      seal,
      keepMs,
      freshMs,
      memory,
      now: () => clock.nowMs,
      logger: quiet,
    })
    t.teardown(() => cache.stop())
    return cache
  }
}

async function become(cache: DocumentCache, state: CacheState): Promise<void> {
  for (let attempt = 0; attempt < 1_200 && cache.state() !== state; attempt++) await sleep(50)
}

/** What every backend must do. */
async function contract(t: Test, open: Open, state: CacheState): Promise<void> {
  const start = Date.now()
  const newClock = (): Clock => ({ nowMs: start })

  await t.test('a document comes back as it was written, and an unknown key is empty', async (t) => {
    const clock = newClock()
    const cache = await open(t, clock)
    await become(cache, state)
    t.equal(cache.state(), state)
    t.equal(await cache.read('k'), undefined)
    const document = { body: '{"a":"ä\\u0000"}', fetchedAtMs: clock.nowMs }
    await cache.write('k', document)
    t.same(await cache.read('k'), document)
  })

  await t.test('a document is gone after the keep time and not before', async (t) => {
    const clock = newClock()
    const cache = await open(t, clock)
    await become(cache, state)
    await cache.write('k', { body: '{}', fetchedAtMs: clock.nowMs })
    clock.nowMs += keepMs
    t.ok(await cache.read('k'))
    clock.nowMs += 1
    t.equal(await cache.read('k'), undefined)
  })

  await t.test('a younger document replaces an older one, never the other way round', async (t) => {
    const clock = newClock()
    const cache = await open(t, clock)
    await become(cache, state)
    await cache.write('k', { body: '{"n":2}', fetchedAtMs: clock.nowMs })
    await cache.write('k', { body: '{"n":1}', fetchedAtMs: clock.nowMs - 5 })
    t.equal((await cache.read('k'))?.body, '{"n":2}')
    clock.nowMs += 5
    await cache.write('k', { body: '{"n":3}', fetchedAtMs: clock.nowMs })
    t.equal((await cache.read('k'))?.body, '{"n":3}')
  })

  await t.test('a document from the future is not used, and keeps no other from being kept', async (t) => {
    const clock = newClock()
    const cache = await open(t, clock)
    await become(cache, state)
    await cache.write('k', { body: '{"n":1}', fetchedAtMs: clock.nowMs + 1 })
    t.equal(await cache.read('k'), undefined)
    await cache.write('k', { body: '{"n":1}', fetchedAtMs: 8e15 })
    await cache.write('k', { body: '{"n":2}', fetchedAtMs: clock.nowMs })
    t.equal((await cache.read('k'))?.body, '{"n":2}')
  })
}

t.test('memory keeps the contract', (t) => contract(t, openMemory, 'memory'))

t.test('memory is bounded: what was read longest ago makes room', async (t) => {
  const clock = { nowMs: Date.now() }
  const cache = await openMemory(t, clock)
  for (const key of ['a', 'b', 'c']) await cache.write(key, { body: '{}', fetchedAtMs: clock.nowMs })
  await cache.read('a')
  await cache.write('d', { body: '{}', fetchedAtMs: clock.nowMs })
  t.ok(await cache.read('a'))
  t.equal(await cache.read('b'), undefined)
  cache.release('a')
  t.equal(await cache.read('a'), undefined)
})

const withRedis = { skip: missingRedis() ?? false }

t.test('Redis with memory before it keeps the contract', withRedis, async (t) => {
  const redis = await openRedis()
  t.teardown(() => redis.stop())
  await contract(t, openOverRedis(redis.url), 'redis')
})

t.test('replicas share documents through Redis, and each finds the younger one', withRedis, async (t) => {
  const redis = await openRedis()
  t.teardown(() => redis.stop())
  const clock = { nowMs: Date.now() }
  const open = openOverRedis(redis.url, `test:${randomUUID()}:`)
  const [one, other] = [await open(t, clock), await open(t, clock)]
  await Promise.all([become(one, 'redis'), become(other, 'redis')])
  await one.write('k', { body: '{"n":1}', fetchedAtMs: clock.nowMs })
  t.equal((await other.read('k'))?.body, '{"n":1}')
  clock.nowMs += freshMs
  await other.write('k', { body: '{"n":2}', fetchedAtMs: clock.nowMs })
  t.equal((await one.read('k'))?.body, '{"n":2}', 'its own is no longer fresh, so it looks further')
})

t.test('only what replicas sealed is a document', async (t) => {
  const document = { body: '{"keys":[]}', fetchedAtMs: 1_700_000_000_000 }
  const text = seal.seal('jwks:https://a.example', document)
  const open = (changed: string, key = 'jwks:https://a.example') => seal.open(key, changed)
  t.same(open(text), document)
  t.equal(open(text, 'jwks:https://b.example'), undefined, 'of another issuer')
  t.equal(open(text, 'discovery:https://a.example'), undefined, 'of another kind')
  const { code, ...bare } = JSON.parse(text)
  for (const change of [
    { ...bare },
    { ...bare, code: '' },
    { ...bare, code: `${code}00` },
    { ...bare, code: code.replace(/^../, code.startsWith('00') ? '11' : '00') },
    { ...bare, code, fetchedAtMs: bare.fetchedAtMs + 1 },
    { ...bare, code, fetchedAtMs: 8e15 },
    { ...bare, code, body: '{"keys":[1]}' },
    JSON.parse(
      createDocumentSeal('another secret of as many characters').seal('jwks:https://a.example', document),
    ),
  ])
    t.equal(open(JSON.stringify(change)), undefined, JSON.stringify(change))
  t.not(createDocumentSeal('another secret of as many characters').name, seal.name)
})

t.test('what nobody sealed in Redis is as good as absent, and is replaced', withRedis, async (t) => {
  const redis = await openRedis()
  t.teardown(() => redis.stop())
  const prefix = `test:${randomUUID()}:`
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  const clock = { nowMs: Date.now() }
  const cache = await openOverRedis(redis.url, prefix)(t, clock)
  await become(cache, 'redis')
  const key = `${prefix}${seal.name}:k`
  await client.set(key, JSON.stringify({ body: '{"forged":true}', fetchedAtMs: 8e15 }))
  t.equal(await cache.read('k'), undefined)
  await cache.write('k', { body: '{}', fetchedAtMs: clock.nowMs })
  t.same(seal.open('k', (await client.get(key)) ?? ''), { body: '{}', fetchedAtMs: clock.nowMs })
  t.ok((await client.pttl(key)) <= keepMs, 'it goes by itself')
  await client.del(key)
})

t.test('what does not parse in Redis is as good as absent', withRedis, async (t) => {
  const redis = await openRedis()
  t.teardown(() => redis.stop())
  const prefix = `test:${randomUUID()}:`
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  const cache = await openOverRedis(redis.url, prefix)(t, { nowMs: Date.now() })
  await become(cache, 'redis')
  for (const garbage of [
    '',
    '{',
    '[]',
    'null',
    '{"body":1,"fetchedAtMs":1}',
    '{"body":"{}","fetchedAtMs":"x"}',
  ]) {
    await client.set(`${prefix}${seal.name}:k`, garbage)
    t.equal(await cache.read('k'), undefined, garbage)
  }
  await client.del(`${prefix}${seal.name}:k`)
  await client.lpush(`${prefix}${seal.name}:k`, 'a list')
  t.equal(await cache.read('k'), undefined, 'a key of another type')
  await client.del(`${prefix}${seal.name}:k`)
})

const withOwnServer = {
  skip: redisServerPath() === undefined ? 'no redis-server on PATH to stop and start' : false,
}

t.test(
  'when Redis goes away, memory goes on, and Redis is used again when it is back',
  withOwnServer,
  async (t) => {
    const redis = await startRedis()
    const clock = { nowMs: Date.now() }
    const cache = await openOverRedis(redis.url)(t, clock)
    await become(cache, 'redis')
    await cache.write('k', { body: '{"n":1}', fetchedAtMs: clock.nowMs })
    await redis.stop()
    t.equal((await cache.read('k'))?.body, '{"n":1}')
    clock.nowMs += 1
    await cache.write('k', { body: '{"n":2}', fetchedAtMs: clock.nowMs })
    clock.nowMs += freshMs + 10
    t.equal((await cache.read('k'))?.body, '{"n":2}')
    await become(cache, 'redis_unreachable')
    t.equal(cache.state(), 'redis_unreachable')
    const again = await startRedis(redis.port)
    t.teardown(() => again.stop())
    await become(cache, 'redis')
    t.equal(cache.state(), 'redis')
    await cache.write('k', { body: '{"n":3}', fetchedAtMs: clock.nowMs })
    t.equal((await cache.read('k'))?.body, '{"n":3}')
  },
)

t.test('a Redis that never was there costs nothing but sharing', async (t) => {
  const clock = { nowMs: Date.now() }
  const cache = await openOverRedis('redis://127.0.0.1:1')(t, clock)
  t.equal(cache.state(), 'redis_unreachable')
  await cache.write('k', { body: '{}', fetchedAtMs: clock.nowMs })
  t.ok(await cache.read('k'))
})
