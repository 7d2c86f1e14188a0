/** Logs of Rekor v2 that follow each other in one process, by host names, and what a replica says that cannot go on. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSigner, sha256, toBase64, utf8 } from '@sigstack/crypto'
import { commitFollowing, prepareFollowing } from '@sigstack/rekor-log'
import t, { type Test } from 'tap'
import { logAtHost } from '../src/faces/rekor-v2/asked-log.ts'
import { emptyDatabase, startRekor } from './running-log.ts'

const first = 'log2026.rekor.example.org'
const second = 'log2027.rekor.example.org'
const password = 'a password'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

function entryOf(artifact: string): string {
  const { publicKey } = createSigner(key)
  return JSON.stringify({
    hashedRekordRequestV002: {
      digest: toBase64(sha256(utf8(artifact))),
      signature: {
        content: sign('sha256', utf8(artifact), key).toString('base64'),
        verifier: {
          publicKey: { rawBytes: toBase64(publicKey.spki) },
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        },
      },
    },
  })
}

/** By a host that no resolver knows. */
async function ask(url: string, host: string, path: string, body?: string) {
  const sent = request(`${url}${path}`, { headers: { host }, method: body === undefined ? 'GET' : 'POST' })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return {
    status: answer.statusCode,
    caching: answer.headers['cache-control'],
    text: await text(answer),
  }
}

async function start(t: Test, keysFolder: string, database: Awaited<ReturnType<typeof emptyDatabase>>) {
  const variables = { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: first }
  return startRekor(t, { ...database, keysFolder, variables })
}

t.test('each log answers at its host, and any other host asks the first', async (t) => {
  const database = await emptyDatabase(t)
  const { pool } = database
  const folder = t.testdir()
  const log = await start(t, folder, database)
  await Promise.all(
    Array.from({ length: 256 }, (_, at) => ask(log.url, first, '/api/v2/log/entries', entryOf(`${at}`))),
  )
  const tile = (host: string) => ask(log.url, host, '/tile/0/000')
  // A cache that kept it for a name that leads here already would keep it from who asks the next log.
  for (const host of [second, first, second, first])
    t.match(await tile(host), {
      status: 200,
      caching: host === first ? 'max-age=604800, immutable' : 'no-cache',
    })
  const place = { keysFolder: folder, password, host: 'LOG2027.rekor.example.org' }
  t.match(await prepareFollowing(pool, 'rekor-v2', place), { name: 'rekor-v2/1', origin: second })
  await commitFollowing(pool, 'rekor-v2', { keysFolder: folder, password })
  const head = async (host: string) => (await ask(log.url, host, '/checkpoint')).text.split('\n')[0]
  while ((await head(second)) !== second) await sleep(20)

  t.equal((await tile(second)).status, 404)
  t.match(await ask(log.url, second, '/tile/0/000.p/1'), { status: 200, caching: /immutable/ })
  for (const [host, origin] of [
    [first, first],
    [`${second}:3003`, second],
    ['LOG2027.Rekor.Example.org', second],
    [`${second}.`, second],
    [`${second}.:3003`, second],
    ['[::1]:3003', first],
    ['elsewhere.example.org', first],
  ] as const)
    t.equal(await head(host), origin, host)
  const sameEntry = entryOf('one')
  const sent = await Promise.all(
    [first, second].map((host) => ask(log.url, host, '/api/v2/log/entries', sameEntry)),
  )
  t.same(
    sent.map(({ status }) => status),
    [201, 201],
    'the same entry is new to each of them',
  )
  const [one, other] = sent.map(({ text: json }) => JSON.parse(json))
  t.not(one.logId.keyId, other.logId.keyId)
  const inShard = await ask(log.url, first, `/shards/${second}/api/v2/log/entries`, sameEntry)
  t.equal(inShard.status, 201, inShard.text)
  t.equal(JSON.parse(inShard.text).logIndex, other.logIndex, 'by the path as by the host')
  t.equal((await ask(log.url, first, '/shards/nobody/api/v2/log/entries', entryOf('two'))).status, 404)
  t.equal((await ask(log.url, first, '/shards/nobody/checkpoint')).status, 404)
  const keys = await Promise.all([first, second].map((host) => ask(log.url, host, '/publicKey')))
  t.not(keys[0]?.text, keys[1]?.text)
  for (const size of ['0/000.p/1', 'entries/000.p/1']) {
    const [a, b] = await Promise.all([first, second].map((host) => ask(log.url, host, `/tile/${size}`)))
    t.not(a?.text, b?.text)
  }
  t.same(
    log.logs.map(({ origin }) => origin),
    [first],
    'as it was at the start',
  )
  const replica = await start(t, folder, database)
  t.same(
    replica.logs.map(({ origin, pathPrefix }) => [origin, pathPrefix]),
    [
      [first, ''],
      [second, `/shards/${second}`],
    ],
  )
  const found = JSON.parse((await ask(replica.url, first, '/api/v1/search?log=rekor-v2')).text)
  t.same(
    found.logs.map((each: { log: string }) => each.log),
    ['rekor-v2', 'rekor-v2/1'],
  )
})

t.test('pages of a search go over all logs that follow each other', async (t) => {
  const database = await emptyDatabase(t)
  const { pool } = database
  const folder = t.testdir()
  const log = await start(t, folder, database)
  await prepareFollowing(pool, 'rekor-v2', { keysFolder: folder, password, host: second })
  await commitFollowing(pool, 'rekor-v2', { keysFolder: folder, password })
  while (!(await ask(log.url, second, '/checkpoint')).text.startsWith(second)) await sleep(20)
  const wanted: string[] = []
  for (const [host, artifact] of [
    [first, 'one'],
    [second, 'two'],
    [first, 'three'],
    [second, 'four'],
  ] as const) {
    const { status } = await ask(log.url, host, '/api/v2/log/entries', entryOf(artifact))
    t.equal(status, 201)
    wanted.unshift(host)
  }
  // The first entry of each log is its own.
  const origins: string[] = []
  let next: string | undefined = ''
  while (next !== undefined) {
    const cursor = next === '' ? '' : `&cursor=${next}`
    const page = JSON.parse(
      (await ask(log.url, first, `/api/v1/search?limit=1&kind=hashedrekord${cursor}`)).text,
    )
    origins.push(...page.entries.map(({ origin }: { origin: string }) => origin))
    next = page.next
  }
  t.same(origins.slice(0, 4), wanted)
  t.equal(origins.length, 6)
  t.equal((await ask(log.url, first, '/api/v1/search?cursor=AAAA')).status, 400)
})

t.test('a replica without the key that is prepared says so, and goes on', async (t) => {
  const database = await emptyDatabase(t)
  const { pool } = database
  const folder = t.testdir()
  const log = await start(t, folder, database)
  const elsewhere = `${folder}/elsewhere`
  mkdirSync(elsewhere)
  cpSync(`${folder}/key.pem`, `${elsewhere}/key.pem`)
  await prepareFollowing(pool, 'rekor-v2', { keysFolder: elsewhere, password, host: second })
  const nextKey = async () => JSON.parse(await log.read('/readyz')).checks.nextKey
  while ((await nextKey()) === undefined) await sleep(20)
  t.match(await nextKey(), /^cannot be opened here: /)
  t.equal((await ask(log.url, first, '/api/v2/log/entries', entryOf('one'))).status, 201)
  await t.rejects(
    commitFollowing(pool, 'rekor-v2', { keysFolder: folder, password }),
    { code: 'unreadable' },
    'nothing is opened whose key is not there',
  )
  cpSync(`${elsewhere}/rekor-v2.1.key.pem`, `${folder}/rekor-v2.1.key.pem`)
  await commitFollowing(pool, 'rekor-v2', { keysFolder: folder, password })
  rmSync(`${folder}/rekor-v2.1.key.pem`)
  await t.rejects(start(t, folder, database), { code: 'unreadable' }, 'nor is a replica started without it')
})

t.test('a name with port and brackets is one name', (t) => {
  const named = (origin: string) => ({ log: { origin } })
  const logs = [named('first'), named('::1')] as const
  for (const [host, origin] of [
    ['[::1]:80', '::1'],
    ['[::1]', '::1'],
    ['', 'first'],
    ['a:b:c', 'first'],
  ] as const)
    t.equal(logAtHost(logs, host).log.origin, origin)
  t.end()
})
