/** The tail over a log that grows when the test says so. */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import type { Newest } from '../src/log/newest.ts'
import { createTail, type TailReader } from '../src/log/tail.ts'
import type { PlacedEntry } from '../src/search/places.ts'

const entry = (index: number): PlacedEntry => ({
  path: `/entry/${index}`,
  uuid: String(index).padStart(80, '0'),
  logIndex: BigInt(index),
  integratedTime: 1_770_000_000,
  kind: 'hashedrekord',
  subjects: ['alice@example.org'],
  issuers: [],
  keyHashes: [],
})

function openTail(t: Test, { limit = 10, limitEach = 10 } = {}) {
  const log = { size: 0, looks: 0, asked: 0 }
  const newest: Newest = async (limit) => {
    log.looks++
    log.asked = limit
    return Array.from({ length: Math.min(log.size, limit) }, (_, at) => entry(log.size - 1 - at))
  }
  const logs = new Map([['rekor-v1' as const, newest]])
  const tail = createTail({ logs, limit, limitEach, pollMs: 1, onError: (error) => t.fail(String(error)) })
  // Timers of the tail keep no process alive.
  const alive = setInterval(() => {}, 60_000)
  t.teardown(() => {
    clearInterval(alive)
    tail.stop()
  })
  return { log, tail }
}

type Seen = TailReader & { readonly text: () => string; readonly until: (text: string) => Promise<void> }

function reader(more: Partial<TailReader> = {}): Seen {
  const told = new PassThrough()
  let text = ''
  return {
    log: 'rekor-v1',
    address: '192.0.2.1',
    hidesAddresses: false,
    mayRead: () => true,
    write: (part) => {
      text += Buffer.from(part).toString()
      told.emit('told')
    },
    waiting: () => 0,
    cut: () => told.emit('cut'),
    text: () => text,
    until: async (wanted) => {
      while (!text.includes(wanted)) await once(told, 'told')
    },
    ...more,
  }
}

t.test('readers get what comes after they opened, once and in order', async (t) => {
  const { log, tail } = openTail(t)
  log.size = 3
  const first = reader()
  const second = reader({ hidesAddresses: true })
  t.type(tail.open(first), 'function')
  t.type(tail.open(second), 'function')
  const looked = log.looks
  while (log.looks < looked + 2) await new Promise(setImmediate)
  log.size = 5
  await Promise.all([first.until('id: 4\n'), second.until('id: 4\n')])
  t.same(
    [...first.text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
    ['3', '4'],
  )
  t.match(first.text(), 'alice@example.org')
  t.notMatch(second.text(), 'alice@')
})

t.test('who comes again goes on where it was, and hears of what is too much', async (t) => {
  const { log, tail } = openTail(t)
  log.size = 100
  const again = reader({ lastIndex: 96n })
  const late = reader({ lastIndex: 9n })
  tail.open(again)
  tail.open(late)
  await Promise.all([again.until('id: 99\n'), late.until('id: 99\n')])
  t.same(
    [...again.text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
    ['97', '98', '99'],
  )
  t.match(late.text(), 'event: skipped\ndata: 70\n\nid: 80\n')
  t.equal(log.asked, 20, 'no more is read than is told')
})

t.test('of many at once the newest are told, and how many are not', async (t) => {
  const { log, tail } = openTail(t)
  log.size = 10
  const one = reader({ lastIndex: 9n })
  tail.open(one)
  log.size = 1_010
  await one.until('id: 1009\n')
  const [, ...ids] = [...one.text().matchAll(/^(?:id|data): (\d+)$/gm)].map(([, number]) => Number(number))
  t.match(one.text(), 'event: skipped\ndata: 980\n\nid: 990\n')
  t.same(
    ids,
    Array.from({ length: 20 }, (_, at) => 990 + at),
  )
})

t.test('what is sent is made once for all who saw the same and are shown the same', async (t) => {
  const { log, tail } = openTail(t)
  const sent: Uint8Array[][] = []
  const readers = [false, false, true, true].map((hidesAddresses, at) => {
    const parts: Uint8Array[] = []
    sent.push(parts)
    const told = reader({ lastIndex: 0n, hidesAddresses, address: `192.0.2.${at}` })
    return {
      ...told,
      write: (part: Uint8Array) => {
        parts.push(part)
        told.write(part)
      },
    }
  })
  for (const each of readers) tail.open(each)
  log.size = 3
  await Promise.all(readers.map((each) => each.until('id: 2\n')))
  const [a, b, c, d] = sent.map((parts) => parts.at(-1))
  t.equal(a, b, 'the same bytes, not equal ones')
  t.equal(c, d)
  t.not(a, c)
  t.same(
    sent.map(({ length }) => length),
    [2, 2, 2, 2],
    'one write beside the greeting',
  )
})

t.test('who does not take what comes is cut off, and nobody looks for nobody', async (t) => {
  const { log, tail } = openTail(t)
  let isCut = false
  const slow = reader({
    lastIndex: -1n,
    waiting: () => 1_000_000,
    cut: () => {
      isCut = true
    },
  })
  tail.open(slow)
  log.size = 1
  while (!isCut) await new Promise(setImmediate)
  t.equal(tail.readers(), 0)
})

t.test('who may read no longer is told nothing more', async (t) => {
  const { log, tail } = openTail(t)
  let isIn = true
  const { promise: cut, resolve } = Promise.withResolvers<void>()
  const leaving = reader({ lastIndex: -1n, mayRead: () => isIn, cut: resolve })
  tail.open(leaving)
  log.size = 1
  await leaving.until('id: 0\n')
  isIn = false
  log.size = 2
  await cut
  t.notMatch(leaving.text(), 'id: 1\n')
  t.equal(tail.readers(), 0)
})

t.test('readers are bounded, in all and of one network', async (t) => {
  const { tail } = openTail(t, { limit: 3, limitEach: 2 })
  const stop = tail.open(reader())
  t.ok(tail.open(reader()))
  t.equal(tail.open(reader()), undefined, 'a third of one network')
  t.ok(tail.open(reader({ address: '198.51.100.1' })))
  t.equal(tail.open(reader({ address: '203.0.113.1' })), undefined, 'a fourth in all')
  stop?.()
  t.ok(tail.open(reader()), 'who leaves makes room')
})
