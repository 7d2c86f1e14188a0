import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { migrate } from '@sigstack/postgres'
import t, { type Test as TapTest } from 'tap'
import { migrations } from '../src/events/cursor.ts'
import { EventsError } from '../src/events/errors.ts'
import { webhook } from '../src/events/webhook.ts'
import { createTestCa } from './certified.ts'
import { type Deliver, propose, proposeMany, publish, until } from './publishing.ts'
import { openRekor, type Parsed, proposalFor, type RekorUnderTest } from './support.ts'

type Received = { headers: IncomingMessage['headers']; body: string }

/** A receiver that takes, or refuses while it is told to, all or some. */
async function openReceiver(t: TapTest, refuses: (body: string) => number | undefined = () => undefined) {
  const received: Received[] = []
  const state = { status: 204, received, attempts: 0 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      state.attempts++
      const body = Buffer.concat(chunks).toString()
      const status = refuses(body) ?? state.status
      if (status < 300) received.push({ headers: request.headers, body })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` })
}

const secret = `whsec_${Buffer.from('a secret of the receiver').toString('base64')}`

const toWebhook = (
  rekor: RekorUnderTest,
  url: string,
  { batch = 1, ...options }: { batch?: number } & NonNullable<Parameters<typeof publish>[3]> = {},
) => publish(rekor, 'webhook', webhook({ url, secret, batch }), { atOnce: batch, ...options })

const idsOf = (received: readonly Received[]) => received.map(({ body }) => JSON.parse(body).id as string)

t.test('every new entry is told once, in order, signed, with its evidence', async (t) => {
  const rekor = await openRekor(t)
  const receiver = await openReceiver(t)
  await propose(t, rekor, proposalFor('before anybody listened'))
  const publisher = await toWebhook(rekor, receiver.url)
  t.teardown(() => publisher.stop())
  const ca = await createTestCa()
  const issuer = 'https://accounts.example.org'
  const { proposal } = await ca.propose('told', { type: 'email', value: 'ann@example.org' }, issuer)
  const ids = [await propose(t, rekor, proposal)]
  for (let i = 0; i < 5; i++) ids.push(await propose(t, rekor, proposalFor(`told ${i}`)))
  publisher.wake()
  await until(() => receiver.received.length >= ids.length)
  t.same(idsOf(receiver.received), ids)
  await until(() => publisher.backlog() === 0n)
  t.equal(publisher.backlog(), 0n)

  const [first] = receiver.received
  t.equal(first?.headers['content-type'], 'application/cloudevents+json')
  const id = first?.headers['webhook-id']
  const timestamp = first?.headers['webhook-timestamp']
  t.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60)
  const expected = createHmac('sha256', 'a secret of the receiver')
    .update(`${String(id)}.${String(timestamp)}.${first?.body}`)
    .digest('base64')
  t.equal(first?.headers['webhook-signature'], `v1,${expected}`)
  const event = JSON.parse(first?.body ?? '{}')
  t.match(event, {
    specversion: '1.0',
    id: ids[0],
    source: '/createLogEntry',
    type: 'dev.sigstore.rekor.events.v1.NewEntry',
    time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    datacontenttype: 'application/json',
    rekor_entry_kind: 'hashedrekord',
    rekor_signing_subjects: 'ann@example.org',
  })
  const read = (await rekor.app.inject(`/api/v1/log/entries/${ids[0]}`)).json()
  t.equal(event.data[ids[0]!].body, read[ids[0]!].body)
  t.ok(event.data[ids[0]!].verification.inclusionProof.checkpoint)
})

t.test('a comma within a subject does not make two of it', async (t) => {
  const rekor = await openRekor(t)
  const ca = await createTestCa()
  const value = 'https://ci.example.org/w.yml@refs/heads/a,ceo@example.org,b'
  const { proposal } = await ca.propose('x', { type: 'uri', value }, 'https://token.example.org')
  const receiver = await openReceiver(t)
  const publisher = await toWebhook(rekor, receiver.url)
  t.teardown(() => publisher.stop())
  await propose(t, rekor, proposal)
  publisher.wake()
  await until(() => receiver.received.length > 0)
  const event = JSON.parse(receiver.received[0]?.body ?? '{}')
  t.equal(event.rekor_signing_subjects, value.replaceAll(',', '%2C'))
})

t.test('a receiver that is away gets everything when it is back, over restarts too', async (t) => {
  const rekor = await openRekor(t)
  const receiver = await openReceiver(t)
  const errors: unknown[] = []
  const options = { onError: (error: unknown) => errors.push(error) }
  const first = await toWebhook(rekor, receiver.url, options)
  receiver.status = 503
  const ids = await proposeMany(t, rekor, 'kept', 12)
  await until(() => receiver.attempts >= 3)
  t.match(errors[0], { name: 'EventsError', code: 'not_taken', message: /answered 503/ })
  t.ok(first.backlog() > 0n)
  await first.stop()
  const second = await toWebhook(rekor, receiver.url, options)
  receiver.status = 200
  await until(() => receiver.received.length >= ids.length)
  t.same(idsOf(receiver.received), ids)
  await second.stop()
})

t.test('an event that is too large comes without data, and those after it come', async (t) => {
  for (const batch of [1, 10]) {
    const rekor = await openRekor(t)
    const limit = batch * 5_000
    const receiver = await openReceiver(t, (body) => (body.length > limit ? 413 : undefined))
    const refused: [string, string][] = []
    const onRefused = ({ id }: { id: string }, outcome: string) => refused.push([id, outcome])
    const publisher = await toWebhook(rekor, receiver.url, { batch, onRefused })
    t.teardown(() => publisher.stop())
    const ca = await createTestCa()
    const name = { type: 'uri', value: `https://example.org/${'a'.repeat(35_000)}` } as const
    const before = await propose(t, rekor, proposalFor('before'))
    const large = await propose(t, rekor, (await ca.propose('large', name, 'https://example.org')).proposal)
    const after = await propose(t, rekor, proposalFor('after'))
    const events = () =>
      receiver.received.flatMap(({ body }) => JSON.parse(body) as Parsed) as readonly Parsed[]
    await until(() => events().length >= 3)
    t.same(
      events().map(({ id }) => id),
      [before, large, after],
    )
    t.same(events()[1], {
      specversion: '1.0',
      id: large,
      source: '/createLogEntry',
      type: 'dev.sigstore.rekor.events.v1.NewEntry',
      rekor_log_index: '1',
    })
    t.ok(events()[2]?.data)
    t.same(refused, [[large, 'without_data']])
    await until(() => publisher.backlog() === 0n)
    t.equal(publisher.backlog(), 0n)
  }
})

t.test('whoever refuses one event for good, by any 4xx, gets the others', async (t) => {
  const rekor = await openRekor(t)
  const [a, b, c] = [400, 422, 404].map((status) => ({ status, id: '' })) as [Parsed, Parsed, Parsed]
  const receiver = await openReceiver(t, (body) => {
    const { id } = JSON.parse(body) as { id: string }
    return [a, b, c].find((one) => one.id === id)?.status
  })
  receiver.status = 503
  const refused: [string, string][] = []
  const publisher = await toWebhook(rekor, receiver.url, {
    onRefused: ({ id }, outcome) => refused.push([id, outcome]),
  })
  t.teardown(() => publisher.stop())
  const ids = await proposeMany(t, rekor, 'some', 6)
  for (const [i, one] of [a, b, c].entries()) one.id = ids[2 * i]
  receiver.status = 204
  await until(() => idsOf(receiver.received).includes(ids[5]!) && publisher.backlog() === 0n)
  const told = [...new Set(idsOf(receiver.received))]
  t.same(told, [ids[1], ids[3], ids[5]])
  for (const id of [ids[0], ids[2], ids[4]])
    t.ok(refused.some((one) => one[0] === id && one[1] === 'passed_over'))
})

t.test('replicas take turns, and nothing is told twice while they live', async (t) => {
  const rekor = await openRekor(t)
  const receiver = await openReceiver(t)
  const replicas = [await toWebhook(rekor, receiver.url), await toWebhook(rekor, receiver.url)]
  const ids: string[] = []
  for (let i = 0; i < 20; i++) {
    ids.push(await propose(t, rekor, proposalFor(`turns ${i}`)))
    for (const replica of replicas) replica.wake()
  }
  await until(() => receiver.received.length >= ids.length)
  // The one that has the turn goes; the other goes on at once.
  await replicas[0]?.stop()
  const late = await propose(t, rekor, proposalFor('late'))
  await until(() => idsOf(receiver.received).includes(late))
  t.same(idsOf(receiver.received), [...ids, late])
  await replicas[1]?.stop()
})

t.test('several events travel in one list where that is wanted', async (t) => {
  const rekor = await openRekor(t)
  const receiver = await openReceiver(t)
  receiver.status = 503
  const publisher = await toWebhook(rekor, receiver.url, { batch: 10 })
  t.teardown(() => publisher.stop())
  const ids = await proposeMany(t, rekor, 'list', 10)
  receiver.status = 200
  await until(() => receiver.received.length > 0)
  const events = receiver.received.flatMap(({ body }) => JSON.parse(body) as Parsed[])
  await until(() => events.length >= 1)
  t.equal(receiver.received[0]?.headers['content-type'], 'application/cloudevents-batch+json')
  t.equal(events[0].id, ids[0])
})

t.test('a delivery that takes longer than its turn is not made by another replica as well', async (t) => {
  const rekor = await openRekor(t)
  const { pool } = rekor.database
  const taken: string[] = []
  /** Whether the turn is over that whoever delivers had when it began. */
  const isOver = async (turn: unknown) =>
    (await pool.query('select $1::timestamptz < now() as over', [turn])).rows[0]?.['over'] === true
  const slow: Deliver = async (events) => {
    const [cursor] = (await pool.query('select leased_until::text from event_cursor')).rows
    while (!(await isOver(cursor?.['leased_until']))) await sleep(20)
    taken.push(...events.map(({ id }) => id))
  }
  const replicas = [0, 1].map(() => publish(rekor, 'webhook', slow, { leaseMs: 1_500 }))
  for (const replica of await Promise.all(replicas)) t.teardown(() => replica.stop())
  const ids = await proposeMany(t, rekor, 'slow', 3)
  await until(() => taken.length >= ids.length)
  const last = await propose(t, rekor, proposalFor('after the slow ones'))
  await until(() => taken.includes(last))
  t.same(taken, [...ids, last])
})

t.test(
  'a replica whose turn was taken gives up its delivery, and one that crashed is followed',
  async (t) => {
    const rekor = await openRekor(t)
    const { pool } = rekor.database
    const errors: unknown[] = []
    const taken: string[] = []
    let hangs = true
    const deliver: Deliver = async (events, signal) => {
      if (hangs)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      taken.push(...events.map(({ id }) => id))
    }
    const options = { leaseMs: 200, onError: (error: unknown) => errors.push(error) }
    const publisher = await publish(rekor, 'webhook', deliver, options)
    t.teardown(() => publisher.stop())
    const ids = await proposeMany(t, rekor, 'taken', 2)
    await until(
      async () => (await pool.query('select from event_cursor where holder is not null')).rowCount === 1,
    )
    await pool.query(`update event_cursor set holder = 'another', leased_until = now() + interval '1 hour'`)
    await until(() => errors.length > 0)
    t.match(errors[0], new EventsError('turn_lost', 'another process delivers events now'))
    t.same(taken, [])
    hangs = false
    await pool.query(`update event_cursor set leased_until = now() + interval '200 milliseconds'`)
    await until(() => taken.length >= ids.length)
    t.same([...new Set(taken)], ids)
  },
)

t.test('a cursor that the release before has written is the one of the webhook', async (t) => {
  const rekor = await openRekor(t)
  const { pool } = rekor.database
  const name = '0001-events.sql'
  const sql = await readFile(new URL(name, migrations.directory), 'utf8')
  await migrate(pool, { component: migrations.component, files: [{ name, sql }] })
  const [, second] = await proposeMany(t, rekor, 'earlier', 2)
  await pool.query('insert into event_cursor (log_id, next_index) values ($1, 1)', [rekor.log.logId])
  const taken: string[] = []
  const publisher = await publish(rekor, 'webhook', async (events) => {
    taken.push(...events.map(({ id }) => id))
  })
  t.teardown(() => publisher.stop())
  await until(() => taken.length > 0)
  t.same(taken, [second])
})
