import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import t from 'tap'
import { type SuperviseOptions, superviseThread } from '../src/thread/supervise-thread.ts'

type Test = { teardown(action: () => unknown): unknown }
type Said = { readonly request: string; readonly threadId: number }

const script = new URL('./support/answering-thread.ts', import.meta.url)

function open(t: Test, options: Partial<SuperviseOptions> = {}) {
  const thread = superviseThread<string | Uint8Array, Said>({
    name: 'under-test',
    script,
    failureOf: (failure, cause) => new Error(failure, { cause }),
    ...options,
  })
  // A thread without work does not keep the process, and some tests wait for its end.
  const awake = setInterval(() => {}, 60_000)
  const workers: Worker[] = []
  const count = (worker: Worker) => workers.push(worker)
  process.on('worker', count)
  t.teardown(async () => {
    process.off('worker', count)
    clearInterval(awake)
    await thread.stop()
  })
  return { ...thread, workers }
}

/** `undefined` of what was answered. */
async function failuresOf(asked: readonly Promise<Said>[]): Promise<readonly (string | undefined)[]> {
  const outcomes = await Promise.allSettled(asked)
  return outcomes.map((one) => (one.status === 'rejected' ? (one.reason as Error).message : undefined))
}

t.test('one thread answers all requests in their order, from the first on', async (t) => {
  const { ask, depth, isReady, workers } = open(t)
  t.equal(workers.length, 0, 'which starts it')
  const order: string[] = []
  const asked = ['a', 'b', 'c'].map(async (text) => {
    const said = await ask(text)
    order.push(said.request)
    return said.threadId
  })
  t.equal(depth(), 3)
  t.equal(new Set(await Promise.all(asked)).size, 1)
  t.same(order, ['a', 'b', 'c'])
  t.equal(depth(), 0)
  t.equal(isReady(), true)
  t.equal(workers.length, 1)
})

t.test('a thread that is asked whether it is ready is started', async (t) => {
  const { isReady, workers } = open(t)
  t.equal(isReady(), false)
  await once(process, 'worker')
  await once(workers[0] as Worker, 'message')
  t.equal(isReady(), true)
  t.equal(workers.length, 1)
})

t.test('the request at which the thread dies fails, and those behind it go on in another', async (t) => {
  for (const [last, cause] of [
    ['die', 3],
    ['break', /no memory/],
  ] as const) {
    const { ask, workers } = open(t)
    const asked = ['a', last, 'b', last, 'c', 'd'].map((text) => ask(text))
    t.same(await failuresOf(asked), [undefined, 'broke_off', undefined, 'broke_off', undefined, undefined])
    t.equal(workers.length, 3)
    const told = await asked[1]?.catch((error: Error) => error.cause)
    t.match(told instanceof Error ? told.message : told, cause, 'its end is told')
  }
})

t.test('a request that takes too long fails alone', async (t) => {
  const { ask, workers } = open(t, { timeoutMs: 2_000, startMs: 60_000 })
  const asked = ['a', 'hang', 'b'].map((text) => ask(text))
  t.same(await failuresOf(asked), [undefined, 'too_long', undefined])
  t.equal(workers.length, 2)
})

t.test('a thread that cannot start fails what waits, one after another, and is tried again', async (t) => {
  const file = path.join(t.testdir({}), 'script.mjs')
  writeFileSync(file, `throw new Error('no memory')`)
  const { ask, depth } = open(t, { script: pathToFileURL(file) })
  t.same(await failuresOf([ask('a'), ask('b')]), ['broke_off', 'broke_off'])
  t.equal(depth(), 0)
  const slow = open(t, { timeoutMs: 60_000, startMs: 1 })
  await t.rejects(slow.ask('a'), { message: 'too_long' })
})

t.test('what the thread throws goes to who asked, and the thread goes on', async (t) => {
  const { ask, workers } = open(t)
  const outcomes = await Promise.allSettled([ask('throw'), ask('b')])
  t.match(outcomes[0], { reason: { message: 'not this one', stack: /answering-thread/ } })
  t.match(outcomes[1], { value: { request: 'b' } })
  t.equal(workers.length, 1)
})

t.test('memory changes hands, and is lost with a thread that breaks off', async (t) => {
  const { ask } = open(t)
  const bytes = Uint8Array.of(1, 2, 3)
  t.same(await ask(bytes, [bytes.buffer]), Uint8Array.of(1, 2, 3))
  t.equal(bytes.length, 0)
  const lost = Uint8Array.of(4)
  t.same(await failuresOf([ask('die'), ask(lost, [lost.buffer]), ask('b')]), [
    'broke_off',
    'broke_off',
    undefined,
  ])
})

t.test('news are told beside the answers', async (t) => {
  const news: unknown[] = []
  const { ask } = open(t, { onNews: (one) => news.push(one) })
  await ask('news')
  t.same(news, [{ about: 'news' }])
})

t.test('a thread without work puts away what it holds, ends, and is started again', async (t) => {
  const endedFile = path.join(t.testdir({}), 'ended')
  const { ask, workers } = open(t, { restMs: 1, graceMs: 60_000, data: { endedFile } })
  await ask('a')
  await once(workers[0] as Worker, 'exit')
  t.equal(readFileSync(endedFile, 'utf8'), 'put away')
  t.match(await ask('b'), { request: 'b' })
  t.equal(workers.length, 2)
  await once(workers[1] as Worker, 'exit')
})

t.test('a stop fails what waits, ends the thread, and takes no more', async (t) => {
  const { ask, stop, workers, depth } = open(t)
  await ask('a')
  let hasEnded = false
  workers[0]?.once('exit', () => {
    hasEnded = true
  })
  const failures = failuresOf([ask('hang'), ask('b')])
  await stop()
  t.equal(hasEnded, true)
  t.same(await failures, ['stopped', 'stopped'])
  t.same(await failuresOf([ask('c')]), ['closed'])
  t.equal(depth(), 0)
  t.equal(workers.length, 1)
})

/** Of a thread that never ends by itself. */
function stayingThread(folder: string, said: string): URL {
  const script = path.join(folder, 'script.mjs')
  writeFileSync(
    script,
    `import { parentPort } from 'node:worker_threads'; ${said}; setInterval(() => {}, 1_000)`,
  )
  return pathToFileURL(script)
}

t.test('a thread that does not put away in its time is cut off', async (t) => {
  const script = stayingThread(t.testdir({}), 'parentPort.postMessage({ isReady: true })')
  const { isReady, stop, workers } = open(t, { script, graceMs: 1 })
  isReady()
  await once(process, 'worker')
  await once(workers[0] as Worker, 'message')
  const ended = once(workers[0] as Worker, 'exit')
  await stop()
  t.ok(await ended)
})

t.test('a thread that has not begun has nothing to put away: its stop waits for nothing', async (t) => {
  const { isReady, stop, workers } = open(t, { script: stayingThread(t.testdir({}), ''), graceMs: 2 ** 30 })
  isReady()
  await once(process, 'worker')
  const ended = once(workers[0] as Worker, 'exit')
  await stop()
  t.ok(await ended)
})
