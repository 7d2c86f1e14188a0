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
  const log = { size: 0, looks: 0, grown: new PassThrough() }
  const newest: Newest = async () => {
    log.looks++
    return Array.from({ length: Math.min(log.size, 50) }, (_, at) => entry(log.size - 1 - at))
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
      text += part
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
  t.match(late.text(), 'event: skipped\ndata: 40\n\nid: 50\n')
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
