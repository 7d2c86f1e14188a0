/** What clients see while the key or the database is away, and when it is back. */
import '@sigstack/signers/few-rounds'
import { rename } from 'node:fs/promises'
import path from 'node:path'
import type { Signer } from '@sigstack/crypto'
import type { Pool, Queryable } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import { commitRollover, prepareRollover } from '@sigstack/rekor-log'
import { createLogger } from '@sigstack/server'
import { createKeyFile } from '@sigstack/signers'
import t, { type Test as TapTest } from 'tap'
import { readConfig, type StartLogOptions, startLog } from '../src/index.ts'
import { proposalFor } from './support.ts'

t.setTimeout(600_000)

const logger = createLogger({ name: 'log', level: 'silent' })
const keyPassword = 'a password'

async function openLog(t: TapTest, options: Omit<StartLogOptions, 'logger'>, keysFolder = t.testdir({})) {
  const config = readConfig(
    {
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: 'rekor.example.org',
      DATABASE_URL: 'postgres://given.as.a.pool/',
      LOG_PORT: '0',
      LOG_KEY: path.join(keysFolder, 'first.pem'),
      LOG_SIGN_TIMEOUT_MS: '2000',
    },
    keyPassword,
  )
  const log = await startLog(config, { logger, ...options })
  t.teardown(() => log.stop())
  return log
}

// Signatures differ each time, and a try that is made again has the same one.
const proposals = new Map<string, object>()

function proposalOf(artifact: string): object {
  const proposal = proposals.get(artifact) ?? proposalFor(artifact)
  proposals.set(artifact, proposal)
  return proposal
}

async function post(url: string, artifact: string, at = '/api/v1/log/entries') {
  const answer = await fetch(`${url}${at}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(at.endsWith('entries') ? proposalOf(artifact) : { hash: artifact }),
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** A key that does what it is told to. */
function moodyKey() {
  let mood: (signer: Signer, message: Uint8Array) => Promise<Uint8Array> = (signer, message) =>
    signer.sign(message)
  const wrapSigner = (signer: Signer): Signer => ({
    ...signer,
    sign: (message) => mood(signer, message),
  })
  return {
    wrapSigner,
    be: (next: typeof mood) => {
      mood = next
    },
  }
}

const ways: readonly [string, () => Promise<Uint8Array>][] = [
  ['fails', () => Promise.reject(new Error('the key service is down'))],
  ['hangs', () => new Promise(() => {})],
]
for (const [way, sign] of ways) {
  t.test(`a key that ${way} is a 503 and an entry that the next try finds`, async (t) => {
    const { pool } = await testDatabase(t)
    const key = moodyKey()
    const { url } = await openLog(t, { pool, wrapSigner: key.wrapSigner })
    t.equal((await post(url, 'before')).status, 201)
    key.be(sign)
    for (const artifact of ['one', 'two']) {
      const refused = await post(url, artifact)
      t.match([refused.status, refused.headers.get('retry-after')], [503, '1'], artifact)
      t.equal(JSON.parse(refused.text).code, 503)
    }
    const unready = await fetch(`${url}/readyz`)
    t.equal(unready.status, 503)
    t.match(await unready.json(), { checks: { database: 'ok', checkpoint: 'cannot be signed' } })

    key.be((signer, message) => signer.sign(message))
    t.equal((await fetch(`${url}/readyz`)).status, 200)
    const found = await post(url, 'one')
    t.equal(found.status, 409)
    t.equal((await fetch(`${url}${found.headers.get('location')}`)).status, 200)
    const info = (await (await fetch(`${url}/api/v1/log`)).json()) as { treeSize: number }
    t.equal(info.treeSize, 4, 'the first entry of the log and three of ours, each once')
  })
}

t.test('a key that fails only for the promise, after the checkpoint, is a 503 too', async (t) => {
  const { pool } = await testDatabase(t)
  const key = moodyKey()
  const { url } = await openLog(t, { pool, wrapSigner: key.wrapSigner })
  key.be((signer, message) =>
    Buffer.from(message).includes('"logIndex"')
      ? Promise.reject(new Error('the key service is down'))
      : signer.sign(message),
  )
  t.match(await post(url, 'one'), { status: 503 })
})

t.test('keys of later shards are watched as the first one is', async (t) => {
  const { pool } = await testDatabase(t)
  const keysFolder = t.testdir({})
  const key = moodyKey()
  const { url } = await openLog(t, { pool, wrapSigner: key.wrapSigner }, keysFolder)
  await prepareRollover(pool, { keysFolder, password: keyPassword })
  await commitRollover(pool, { key: 'prepared', keysFolder, password: keyPassword })
  t.equal((await post(url, 'in the new shard')).status, 201)
  key.be(() => new Promise(() => {}))
  t.match(await post(url, 'another'), { status: 503 })
})

t.test('while the database is away, whatever needs it is 503 with Retry-After', async (t) => {
  const { pool } = await testDatabase(t)
  let away = false
  const gone = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))
  const breakable: Pool = {
    ...pool,
    query: (...args) => (away ? gone() : pool.query(...args)),
    connect: () => (away ? gone() : pool.connect()),
  }
  const { url } = await openLog(t, { pool: breakable })
  const location = (await post(url, 'before')).headers.get('location')
  away = true
  const asked = [
    post(url, 'one'),
    post(url, `sha256:${'0'.repeat(64)}`, '/api/v1/index/retrieve'),
    ...[
      location,
      '/api/v1/log',
      '/api/v1/log/publicKeys',
      '/api/v1/log/entries?logIndex=0',
      `/api/v1/search?digest=sha256:${'0'.repeat(64)}`,
      '/checkpoint',
      '/tile/entries/000.p/1',
    ].map((at) => fetch(`${url}${at}`)),
  ]
  for (const answer of await Promise.all(asked)) {
    const at = 'url' in answer ? new URL(answer.url).pathname : 'a post'
    t.match([answer.status, answer.headers.get('retry-after')], [503, '1'], at)
  }
  t.equal((await fetch(`${url}/tile/0/000.p/1`)).status, 200, 'what is in memory is served')
  t.match(await (await fetch(`${url}/readyz`)).json(), { checks: { database: 'cannot be reached' } })
  away = false
  t.equal((await post(url, 'one')).status, 201)
  t.equal((await fetch(`${url}/readyz`)).status, 200)
})

t.test('while the database has no room the log is read, is not ready, and says why', async (t) => {
  const { pool } = await testDatabase(t)
  let isFull = false
  /** Refuses what would take disk, an entry or a probe, and nothing else. */
  const refusing = (db: Queryable): Queryable => ({
    query: (statement, values) => {
      const text = typeof statement === 'string' ? statement : statement.text
      return isFull && /insert into entry|spilled/.test(text)
        ? Promise.reject(Object.assign(new Error('could not extend file'), { code: '53100' }))
        : db.query(statement, values)
    },
  })
  const fillable: Pool = {
    ...pool,
    ...refusing(pool),
    connect: async () => {
      const client = await pool.connect()
      return { ...refusing(client), release: client.release }
    },
  }
  const { url } = await openLog(t, { pool: fillable })
  const gauge = async () =>
    /^log_database_full (\d)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]
  const location = (await post(url, 'before')).headers.get('location')
  t.equal(await gauge(), '0')

  for (const end of ['a batch', 'a probe']) {
    isFull = true
    const refused = await post(url, 'one more')
    t.match([refused.status, refused.headers.get('retry-after')], [503, '1'])
    t.match(refused.text, 'the database of the log has no room')
    const unready = await fetch(`${url}/readyz`)
    t.equal(unready.status, 503)
    t.match(await unready.json(), {
      checks: { database: /^has no room: new entries are refused/, search: /./ },
    })
    t.equal(await gauge(), '1')
    for (const at of [location, '/checkpoint', '/api/v1/log', '/healthz'])
      t.equal((await fetch(`${url}${at}`)).status, 200, `${at} is read`)

    isFull = false
    if (end === 'a batch') t.equal((await post(url, `after ${end}`)).status, 201)
    else while ((await fetch(`${url}/readyz`)).status === 503);
    t.equal((await fetch(`${url}/readyz`)).status, 200, `after ${end}`)
    t.equal(await gauge(), '0')
  }
})

t.test(
  'after a rollover a server that lacks the key of any shard, or has another one, refuses to start',
  async (t) => {
    const { pool } = await testDatabase(t)
    const keysFolder = t.testdir({ elsewhere: {} })
    const elsewhere = path.join(keysFolder, 'elsewhere')
    const { url } = await openLog(t, { pool }, keysFolder)
    const { keyFile } = await prepareRollover(pool, { keysFolder, password: keyPassword })
    await commitRollover(pool, { key: 'prepared', keysFolder, password: keyPassword })
    t.equal((await post(url, 'of the second shard')).status, 201)

    await t.rejects(
      openLog(t, { pool }, elsewhere),
      { name: 'RekorLogError', code: 'foreign_key' },
      'another first key',
    )
    await rename(path.join(keysFolder, keyFile), path.join(elsewhere, keyFile))
    await t.rejects(openLog(t, { pool }, keysFolder), { name: 'SignerError' }, 'no second key')
    await createKeyFile(path.join(keysFolder, keyFile), keyPassword)
    await t.rejects(
      openLog(t, { pool }, keysFolder),
      { name: 'RekorLogError', code: 'foreign_key' },
      'another second key',
    )
    await rename(path.join(elsewhere, keyFile), path.join(keysFolder, keyFile))
    await t.resolves(openLog(t, { pool }, keysFolder), 'both keys')
  },
)

t.test('a log whose database was put back says that it is not ready, and signs nothing', async (t) => {
  const { pool } = await testDatabase(t)
  const { url } = await openLog(t, { pool })
  for (const artifact of ['one', 'two']) t.equal((await post(url, artifact)).status, 201)
  await pool.query('delete from entry where leaf_index > 0')
  await pool.query('update log set tree_size = 1, root_hash = (select leaf_hash from entry)')
  const unready = await fetch(`${url}/readyz`)
  t.equal(unready.status, 503)
  t.match(await unready.json(), { checks: { checkpoint: /another history than was signed/ } })
  t.equal((await fetch(`${url}/api/v1/log`)).status, 500)
})
