import '@sigstack/signers/few-rounds'
import { generateKeyPairSync } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ctLogKeysOnFirstUse } from '../src/adapters/ct-log-key.ts'
import { readCtLogKeyUrls } from '../src/config.ts'

const pemOfNewKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()

/** Answers each request with the next answer, and with the last one from then on. */
async function startLog(t: Test, answers: { status: number; body: string }[]): Promise<string> {
  const server = createServer((_request, response) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    response.writeHead(answer?.status ?? 500).end(answer?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/publicKey`
}

const keptIn = async (folder: string): Promise<readonly string[]> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.pub.pem'))
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
}

t.test('the key is waited for, kept, and from then on the kept one counts', async (t) => {
  const folder = join(t.testdir(), 'data')
  const [first, second] = [pemOfNewKey(), pemOfNewKey()]
  const url = await startLog(t, [
    { status: 503, body: 'starting' },
    { status: 200, body: first },
    { status: 200, body: second },
  ])
  t.equal(await ctLogKeysOnFirstUse([url], folder, { retryMs: 1 }), first)
  t.same(await keptIn(folder), [first])
  t.equal(await ctLogKeysOnFirstUse([url], folder), first, 'another key of the log changes nothing')
})

t.test('of several logs each keeps its key, whatever becomes of their order', async (t) => {
  const folder = join(t.testdir(), 'data')
  const [first, second, third] = [pemOfNewKey(), pemOfNewKey(), pemOfNewKey()]
  const a = await startLog(t, [{ status: 200, body: first }])
  // One that shows a second key would give it to the log after it.
  const b = await startLog(t, [{ status: 200, body: second + third }])
  t.equal(await ctLogKeysOnFirstUse([a, b], folder), first + second)
  t.equal(await ctLogKeysOnFirstUse([b, a], folder), second + first)
  t.equal(await ctLogKeysOnFirstUse([b], folder), second)
})

t.test('the key that an earlier release has kept is that of the first log', async (t) => {
  const [kept, other] = [pemOfNewKey(), pemOfNewKey()]
  const folder = t.testdir({ 'ct-log.pub.pem': kept })
  const b = await startLog(t, [{ status: 200, body: other }])
  t.equal(await ctLogKeysOnFirstUse(['http://127.0.0.1:1/publicKey', b], folder), kept + other)
  t.equal(await ctLogKeysOnFirstUse([b], folder), other, 'and of no other')
})

t.test('a log that shows no key stops the start with the reason, and nothing is kept', async (t) => {
  const folder = t.testdir()
  const noKey = await startLog(t, [{ status: 200, body: 'hello' }])
  await t.rejects(ctLogKeysOnFirstUse([noKey], folder, { patienceMs: 5, retryMs: 1 }), {
    message: /CA_CT_LOG_PUBLIC_KEY_URL http.* gave no public key/,
  })
  const large = await startLog(t, [{ status: 200, body: 'A'.repeat(20_000) }])
  await t.rejects(ctLogKeysOnFirstUse([large], folder, { patienceMs: 5, retryMs: 1 }), {
    message: /more than/,
  })
  t.same(await keptIn(folder), [])
})

t.test('the URLs are read from the environment, and only where no key is configured', async (t) => {
  t.equal(readCtLogKeyUrls({}), undefined)
  const both = 'http://ct/publicKey, http://ct/2027/publicKey'
  t.same(readCtLogKeyUrls({ CA_CT_LOG_PUBLIC_KEY_URL: both, CA_DATA: '/d' }), {
    urls: ['http://ct/publicKey', 'http://ct/2027/publicKey'],
    dataFolder: '/d',
  })
  for (const list of [
    'file:///k',
    'http://ct/publicKey,',
    ',http://ct/publicKey',
    `http://ct${',http://ct'.repeat(8)}`,
  ])
    t.throws(() => readCtLogKeyUrls({ CA_CT_LOG_PUBLIC_KEY_URL: list }), { message: /http or https/ }, list)
  t.throws(
    () =>
      readCtLogKeyUrls({ CA_CT_LOG_PUBLIC_KEY_URL: 'http://ct/publicKey', CA_CT_LOG_PUBLIC_KEY_FILE: '/k' }),
    { message: /keep one/ },
  )
})
