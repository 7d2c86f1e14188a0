import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { digest, parsePublicKey, verifyDigest } from '@sigstack/crypto'
import t from 'tap'
import { type CheckThreadOptions, openCheckThread } from '../src/check-thread.ts'

const message = Buffer.from('the artifact')
const sha256 = digest('sha256', message)
const checks = Array.from({ length: 40 }, (_, at) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
  return { key, signature: sign('sha256', at % 3 === 0 ? Buffer.from('another') : message, privateKey) }
})
const expected = checks.map((_, at) => at % 3 !== 0)

const verifyAll = () =>
  Promise.all(checks.map(({ key, signature }) => verifyDigest(key, 'sha256', sha256, signature)))

type Started = {
  readonly worker: Worker /** It has loaded what it needs. */
  readonly ready: Promise<unknown>
}

/** The threads that were started since. */
function countWorkers(t: { teardown(action: () => unknown): unknown }): Started[] {
  const workers: Started[] = []
  const count = (worker: Worker) => workers.push({ worker, ready: once(worker, 'message').catch(() => {}) })
  process.on('worker', count)
  t.teardown(() => process.off('worker', count))
  return workers
}

async function firstReady(workers: readonly Started[]): Promise<Worker> {
  while (workers[0] === undefined) await once(process, 'worker')
  await workers[0].ready
  return workers[0].worker
}

async function open(t: { teardown(action: () => unknown): unknown }, options: CheckThreadOptions = {}) {
  const opened = await openCheckThread({ cores: 2, ...options })
  t.teardown(() => opened.stop())
  return opened
}

t.test(
  'on two cores checks that come together go to one thread of the process, until nobody wants it',
  async (t) => {
    const workers = countWorkers(t)
    const [first, second] = [await open(t), await open(t)]
    t.equal(workers.length, 0, 'nothing is to be checked yet')
    t.same(await verifyAll(), expected, 'while it starts')
    const worker = await firstReady(workers)
    const answered = once(worker, 'message')
    t.same(await verifyAll(), expected, 'by the thread')
    await answered
    t.equal(workers.length, 1)
    await first.stop()
    await first.stop()
    t.same(await verifyAll(), expected, 'one of the two is left')
    t.not(worker.threadId, -1)
    await second.stop()
    t.equal(worker.threadId, -1)
    t.same(await verifyAll(), expected, 'here again')
    t.equal(workers.length, 1)
  },
)

t.test('with more cores, or one, there is none', async (t) => {
  const workers = countWorkers(t)
  for (const cores of [1, 4]) {
    const { stop } = await open(t, { cores })
    t.same(await verifyAll(), expected)
    await stop()
  }
  t.equal(workers.length, 0)
})

t.test('a thread that breaks off at a message answers nothing wrong', async (t) => {
  const workers = countWorkers(t)
  await open(t, { script: new URL('./support/breaking-thread.ts', import.meta.url) })
  await verifyAll()
  await firstReady(workers)
  t.same(await verifyAll(), expected)
  // It is replaced; who does not see that waits here for ever.
  while (workers.length < 2) await once(process, 'worker')
})
