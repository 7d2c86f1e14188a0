import '@sigstack/signers/few-rounds'
import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ctLogKeyOnFirstUse } from '../src/adapters/ct-log-key.ts'
import { readCtLogKeyUrl } from '../src/config.ts'

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

t.test('the key is waited for, kept, and from then on the kept one counts', async (t) => {
  const folder = join(t.testdir(), 'data')
  const [first, second] = [pemOfNewKey(), pemOfNewKey()]
  const url = await startLog(t, [
    { status: 503, body: 'starting' },
    { status: 200, body: first },
    { status: 200, body: second },
  ])
  t.equal(await ctLogKeyOnFirstUse(url, folder, { retryMs: 1 }), first)
  t.equal(await readFile(join(folder, 'ct-log.pub.pem'), 'utf8'), first)
  t.equal(await ctLogKeyOnFirstUse(url, folder), first, 'another key of the log changes nothing')
})

t.test('a log that shows no key stops the start with the reason, and nothing is kept', async (t) => {
  const folder = t.testdir()
  const noKey = await startLog(t, [{ status: 200, body: 'hello' }])
  await t.rejects(ctLogKeyOnFirstUse(noKey, folder, { patienceMs: 5, retryMs: 1 }), {
    message: /CA_CT_LOG_PUBLIC_KEY_URL http.* gave no public key/,
  })
  const large = await startLog(t, [{ status: 200, body: 'A'.repeat(20_000) }])
  await t.rejects(ctLogKeyOnFirstUse(large, folder, { patienceMs: 5, retryMs: 1 }), { message: /more than/ })
  await t.rejects(readFile(join(folder, 'ct-log.pub.pem')), { code: 'ENOENT' })
})

t.test('the URL is read from the environment, and only where no key is configured', async (t) => {
  t.equal(readCtLogKeyUrl({}), undefined)
  t.same(readCtLogKeyUrl({ CA_CT_LOG_PUBLIC_KEY_URL: 'http://ct/publicKey', CA_DATA: '/d' }), {
    url: 'http://ct/publicKey',
    dataFolder: '/d',
  })
  t.throws(() => readCtLogKeyUrl({ CA_CT_LOG_PUBLIC_KEY_URL: 'file:///k' }), { message: /http or https/ })
  t.throws(
    () =>
      readCtLogKeyUrl({ CA_CT_LOG_PUBLIC_KEY_URL: 'http://ct/publicKey', CA_CT_LOG_PUBLIC_KEY_FILE: '/k' }),
    { message: /keep one/ },
  )
})
