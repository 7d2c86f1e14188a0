/** Logs of Rekor v2 that follow each other in one process, by host names, and what a replica says that cannot go on. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSigner, type Signer, sha256, toBase64, utf8 } from '@sigstack/crypto'
import { openLog } from '@sigstack/log-engine'
import { commitFollowing, prepareFollowing } from '@sigstack/rekor-log'
import { createCleanups, createLogger } from '@sigstack/server'
import { loadOrCreateSigner } from '@sigstack/signers'
import t, { type Test } from 'tap'
import type { FaceContext } from '../src/face.ts'
import { logAtHost } from '../src/faces/rekor-v2/asked-log.ts'
import { openLine } from '../src/line/open-line.ts'
import { sharedRuns, type Unopened } from '../src/line/unopened.ts'
import { logByOrigin } from '../src/log-by-origin.ts'
import { emptyDatabase, startRekor } from './running-log.ts'
import { noneUnopened } from './support.ts'

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
    retryAfter: answer.headers['retry-after'],
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
    log.logs().map(({ origin }) => origin),
    [first, second],
    'also the one that was opened since',
  )
  const replica = await start(t, folder, database)
  t.same(
    replica.logs().map(({ origin, pathPrefix }) => [origin, pathPrefix]),
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

t.test('a replica refuses what is for a log of the line that it has not opened', async (t) => {
  const database = await emptyDatabase(t)
  const { pool } = database
  const folder = t.testdir({ elsewhere: {} })
  const elsewhere = `${folder}/elsewhere`
  await start(t, folder, database)
  cpSync(`${folder}/key.pem`, `${elsewhere}/key.pem`)
  const replica = await start(t, elsewhere, database)
  const full = Array.from({ length: 256 }, (_, at) =>
    ask(replica.url, first, '/api/v2/log/entries', entryOf(`${at}`)),
  )
  await Promise.all(full)
  const reads = ['/tile/0/000', '/checkpoint', '/publicKey', '/api/v2/tile/entries/000']
  for (const path of [...reads, ...reads]) t.equal((await ask(replica.url, second, path)).status, 200, path)
  const size = async () => (await ask(replica.url, first, '/checkpoint')).text.split('\n')[1]
  const before = await size()

  async function refuses(state: string) {
    for (const [host, path, body] of [
      ...reads.map((path) => [second, path] as const),
      [second, '/api/v2/log/entries', entryOf('one')],
      [`${second.toUpperCase()}.:3003`, '/api/v2/log/entries', entryOf('one')],
      [first, `/shards/${second}/api/v2/log/entries`, entryOf('one')],
      [first, `/shards/${second}/checkpoint`],
      [first, `/shards/${second}/tile/0/000`],
    ] as const) {
      const answer = await ask(replica.url, host, path, body)
      t.match(
        answer,
        { status: 503, retryAfter: '1', text: /log2027\S+ is not open here yet; try again/ },
        state,
      )
    }
    t.equal((await ask(replica.url, 'elsewhere.example.org', '/checkpoint')).status, 200)
  }
  // Without a wait: a poll of the replica need not have come.
  await prepareFollowing(pool, 'rekor-v2', { keysFolder: folder, password, host: second })
  await refuses('prepared')
  await commitFollowing(pool, 'rekor-v2', { keysFolder: folder, password })
  await refuses('open elsewhere')
  t.equal(await size(), before, 'nothing went into the first log')
  const laterLogs = async () => JSON.parse(await replica.read('/readyz')).checks.laterLogs
  while ((await laterLogs()) === undefined) await sleep(20)
  t.match(await laterLogs(), /^cannot be opened here: /)
  await refuses('and still so')

  cpSync(`${folder}/rekor-v2.1.key.pem`, `${elsewhere}/rekor-v2.1.key.pem`)
  while ((await ask(replica.url, second, '/checkpoint')).status === 503) await sleep(20)
  t.match((await ask(replica.url, second, '/checkpoint')).text, second)
  t.equal((await ask(replica.url, second, '/api/v2/log/entries', entryOf('one'))).status, 201)
  while ((await laterLogs()) !== undefined) await sleep(20)
})

t.test('a host that is an address is that of a log too, and asks for no look at the database', async (t) => {
  const line = {
    logs: () => [{ log: { origin: 'first' } }] as const,
    unopened: {
      known: () => [{ name: 'rekor-v2/1', origin: '::1' }],
      now: async () => t.fail('the database is asked'),
    } as unknown as Unopened,
  }
  await t.rejects(logAtHost(line, '[::1]:3003'), { code: 'unavailable', message: /::1 is not open here/ })
  for (const host of ['127.0.0.1:3003', 'localhost', '[::2]'])
    t.equal((await logAtHost(line, host)).log.origin, 'first')
})

t.test('what was opened of a log that does not open whole is closed before the next try', async (t) => {
  const { pool } = await emptyDatabase(t)
  const keysFolder = t.testdir()
  const signer = await loadOrCreateSigner(`${keysFolder}/key.pem`, password)
  const stops = createCleanups()
  const context = {
    config: { keysFolder, keyPassword: password, face: { face: 'rekor-v2' } },
    pool,
    signer,
    guarded: (each: Signer) => each,
    logger: createLogger({ name: 'log', level: 'silent' }),
    onStop: stops.add,
  } as unknown as FaceContext
  let tries = 0
  const closed: string[] = []
  const line = await openLine('rekor-v2', context, async ({ name, signer: own }, { onStop }) => {
    const log = await openLog({ pool, ...logByOrigin(name, first, own) })
    tries++
    const nth = tries
    onStop(async () => {
      await log.close()
      closed.push(`${nth} ${name}`)
    })
    if (nth === 2 || nth === 3) throw new Error('what comes after it fails')
    return { log, publicKeyPem: '' }
  })
  await prepareFollowing(pool, 'rekor-v2', { keysFolder, password, host: second })
  await commitFollowing(pool, 'rekor-v2', { keysFolder, password })
  while (line.list().length < 2) await sleep(20)
  t.same(closed, ['2 rekor-v2/1', '3 rekor-v2/1'])
  await stops.run()
  t.same(closed.slice(2), ['4 rekor-v2/1', '1 rekor-v2'])
})

t.test('who asks waits for a run that began after him, and shares it', async (t) => {
  const ends: (() => void)[] = []
  const run = sharedRuns(async () => {
    const number = ends.length
    await new Promise<void>((resolve) => ends.push(resolve))
    if (number === 1) throw new Error('once')
    return number
  })
  const until = async (begun: number) => {
    while (ends.length < begun) await sleep(1)
  }
  const earliest = run()
  await until(1)
  const shared = [run(), run()]
  ends[0]?.()
  t.equal(await earliest, 0)
  await until(2)
  const last = run()
  ends[1]?.()
  for (const each of shared) await t.rejects(each, { message: 'once' })
  await until(3)
  ends[2]?.()
  t.equal(await last, 2, 'a run that fails holds up none')
  t.equal(ends.length, 3)
})

t.test('a name with port and brackets is one name', async (t) => {
  const named = (origin: string) => ({ log: { origin } })
  const logs = [named('first'), named('::1')] as const
  for (const [host, origin] of [
    ['[::1]:80', '::1'],
    ['[::1]', '::1'],
    ['', 'first'],
    ['a:b:c', 'first'],
  ] as const)
    t.equal((await logAtHost({ logs: () => logs, unopened: noneUnopened }, host)).log.origin, origin)
})
