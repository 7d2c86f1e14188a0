import '@sigstack/signers/few-rounds'
import path from 'node:path'
import {
  missingRedis,
  openRedis,
  redisServerPath,
  startRedis,
  type TestRedis,
} from '@sigstack/limits/testing'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createDelivery } from '../src/events/deliver.ts'
import { openRedisStream, type RedisStreamOptions } from '../src/events/redis-stream.ts'
import { readConfig, startLog } from '../src/index.ts'
import { propose, proposeMany, publish, until } from './publishing.ts'
import { json, openRekor, type Parsed, proposalFor, type RekorUnderTest } from './support.ts'

const skip = missingRedis() ?? false
const name = `rekor-events-${process.pid}`

async function toStream(
  t: Test,
  rekor: RekorUnderTest,
  { url }: TestRedis,
  options: Partial<RedisStreamOptions> & { onError?: (error: unknown) => void } = {},
) {
  const { onError = () => {}, ...others } = options
  const stream = openRedisStream({ url, name, maxEvents: 1000, ...others })
  const publisher = await publish(rekor, 'stream', stream.deliver, { onError })
  const stop = async () => {
    await publisher.stop()
    stream.stop()
  }
  t.teardown(stop)
  return { publisher, stop }
}

/** The events in the stream, oldest first, as a consumer reads them. */
async function readEvents({ url }: TestRedis): Promise<readonly { id: string; event: Parsed }[]> {
  const redis = new Redis(url)
  const entries = await redis.xrange(name, '-', '+')
  redis.disconnect()
  return entries.map(([, [idName, id, eventName, event]]) => {
    if (idName !== 'id' || eventName !== 'event') throw new Error('the fields of an entry are id and event')
    return { id: id!, event: JSON.parse(event!) }
  })
}

async function emptyRedis(t: Test): Promise<TestRedis> {
  const redis = await openRedis()
  t.teardown(() => redis.stop())
  const client = new Redis(redis.url)
  await client.del(name)
  client.disconnect()
  return redis
}

t.test(
  'every new entry is in the stream once, in order, beside a webhook that is away',
  { skip },
  async (t) => {
    const redis = await emptyRedis(t)
    const rekor = await openRekor(t)
    const told: [string, string, number][] = []
    const onEvents = (...outcome: [string, string, number]) => told.push(outcome)
    await propose(t, rekor, proposalFor('before anybody listened'))
    const away = await publish(rekor, 'webhook', async () => {
      throw new Error('away')
    })
    t.teardown(() => away.stop())
    const { publisher, stop } = await toStream(t, rekor, redis, { onEvents })
    const ids = await proposeMany(t, rekor, 'streamed', 25)
    await until(async () => (await readEvents(redis)).length >= ids.length)
    const events = await readEvents(redis)
    t.same(
      events.map(({ id }) => id),
      ids,
    )
    t.match(events[0]?.event, {
      specversion: '1.0',
      id: ids[0],
      type: 'dev.sigstore.rekor.events.v1.NewEntry',
      rekor_entry_kind: 'hashedrekord',
    })
    t.ok(events[0]?.event.data[ids[0]!].verification.signedEntryTimestamp)
    await until(() => publisher.backlog() === 0n)
    t.equal(publisher.backlog(), 0n)
    t.ok(told.every(([type, status]) => type === 'application/cloudevents+json' && status === 'SUCCESS'))
    t.equal(
      told.reduce((sum, [, , count]) => sum + count, 0),
      ids.length,
    )
    await stop()
    const late = await propose(t, rekor, proposalFor('while nobody published'))
    await toStream(t, rekor, redis)
    await until(async () => (await readEvents(redis)).length > ids.length)
    t.same((await readEvents(redis)).map(({ id }) => id).slice(ids.length), [late], 'where it left off')
  },
)

t.test('the stream keeps about as many events as it may', { skip }, async (t) => {
  const redis = await emptyRedis(t)
  const rekor = await openRekor(t)
  const { publisher } = await toStream(t, rekor, redis, { maxEvents: 10 })
  const ids = await proposeMany(t, rekor, 'many', 230)
  await until(async () => {
    publisher.wake()
    return publisher.backlog() === 0n && (await readEvents(redis)).at(-1)?.id === ids.at(-1)
  })
  const kept = (await readEvents(redis)).map(({ id }) => id)
  t.ok(kept.length >= 10 && kept.length <= 110, `${kept.length}`)
  t.same(kept, ids.slice(-kept.length), 'the newest')
})

t.test(
  'what was logged while Redis was away is told when it is back',
  { skip: redisServerPath() === undefined && 'redis-server is not installed' },
  async (t) => {
    const first = await startRedis()
    const rekor = await openRekor(t)
    const errors: unknown[] = []
    await toStream(t, rekor, first, { onError: (error) => errors.push(error) })
    const before = await propose(t, rekor, proposalFor('before'))
    await until(async () => (await readEvents(first)).length === 1)
    t.same((await readEvents(first))[0]?.id, before)
    await first.stop()
    const ids = await proposeMany(t, rekor, 'away', 5)
    await until(() => errors.length > 0)
    t.match(errors[0], {
      name: 'EventsError',
      code: 'not_taken',
      message: /^the stream "rekor-events-\d+" took no event: /,
    })
    const second = await startRedis(first.port)
    t.teardown(() => second.stop())
    await until(async () => (await readEvents(second)).length >= ids.length)
    t.same(
      (await readEvents(second)).map(({ id }) => id),
      ids,
    )
  },
)

t.test('a key of another type is refused with what Redis says, and nothing is lost', { skip }, async (t) => {
  const redis = await emptyRedis(t)
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  await client.set(name, 'taken')
  const rekor = await openRekor(t)
  const errors: unknown[] = []
  await toStream(t, rekor, redis, { onError: (error) => errors.push(error) })
  const id = await propose(t, rekor, proposalFor('refused'))
  await until(() => errors.length > 0)
  t.match(errors[0], { code: 'not_taken', message: /WRONGTYPE/ })
  await client.del(name)
  await until(async () => (await readEvents(redis)).length > 0)
  t.same(
    (await readEvents(redis)).map((event) => event.id),
    [id],
  )
})

t.test(
  'an event that Redis breaks off at goes without its data, and those beside it as they are',
  { skip: redisServerPath() === undefined && 'redis-server is not installed' },
  async (t) => {
    const redis = await startRedis()
    t.teardown(() => redis.stop())
    const client = new Redis(redis.url)
    t.teardown(() => client.disconnect())
    await client.config('SET', 'proto-max-bulk-len', 1_048_576)
    const stream = openRedisStream({ url: redis.url, name, maxEvents: 1000 })
    t.teardown(() => stream.stop())
    const refused: string[] = []
    const deliver = createDelivery({
      send: stream.deliver,
      atOnce: 10,
      newest: async () => undefined,
      onRefused: ({ id }, outcome) => refused.push(`${id} ${outcome}`),
    })
    const event = (id: string, length: number) => ({
      id,
      json: JSON.stringify({ id, data: 'x'.repeat(length) }),
      bareJson: JSON.stringify({ id }),
    })
    const events = [event('before', 10), event('large', 2_000_000), event('after', 10)]
    const { signal } = new AbortController()
    let failures = 0
    for (let isDone = false; !isDone && failures < 20; failures++)
      isDone = await deliver(events, signal, failures).then(
        () => true,
        () => false,
      )
    t.ok(failures > 3)
    const told = (await readEvents(redis)).map(({ id, event: { data } }) => `${id} ${typeof data}`)
    t.same(told.slice(-3), ['before string', 'large undefined', 'after string'])
    t.same([...new Set(refused)], ['large without_data'])
  },
)

t.test('a log that is started with a stream fills it, and its metrics say so', { skip }, async (t) => {
  const redis = await emptyRedis(t)
  const { connectionString } = await testDatabase(t)
  const environment = {
    LOG_FACE: 'rekor-v1',
    LOG_HOSTNAME: 'rekor.example.org',
    DATABASE_URL: connectionString,
    LOG_KEY: path.join(t.testdir(), 'rekor.pem'),
    LOG_PORT: '0',
    LOG_EVENTS_STREAM: name,
    REDIS_URL: redis.url,
  }
  const log = await startLog(readConfig(environment, 'password'), {
    logger: createLogger({ name: 'log', level: 'silent' }),
  })
  t.teardown(() => log.stop())
  const body = JSON.stringify(proposalFor('started'))
  const answer = await fetch(`${log.url}/api/v1/log/entries`, { method: 'POST', headers: json, body })
  t.equal(answer.status, 201)
  await until(async () => (await readEvents(redis)).length === 1)
  t.equal((await readEvents(redis))[0]?.id, answer.headers.get('etag'))
  const metrics = async () => (await fetch(`${log.url}/metrics`)).text()
  await until(async () => /^log_event_backlog\{receiver="stream"\} 0$/m.test(await metrics()))
  t.match(await metrics(), /^log_event_backlog\{receiver="stream"\} 0$/m)
  t.match(
    await metrics(),
    /^rekor_publish_events\{content_type="application\/cloudevents\+json",event="NewEntry",status="SUCCESS"\} 1$/m,
  )
})
