import '@sigstack/signers/few-rounds'
import { generateKeyPairSync, sign } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import { createKeyFile } from '@sigstack/signers'
import { createRoot, encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'
import { type LogConfig, readConfig, startLog } from '../src/index.ts'
import { entryVectorBytes, type Parsed, proposalFor } from './support.ts'

const logger = createLogger({ name: 'log', level: 'silent' })
const required = {
  LOG_FACE: 'rekor-v1',
  LOG_HOSTNAME: 'rekor.example.org',
  DATABASE_URL: 'postgres://db/x',
  LOG_KEY: '/k.pem',
}

t.test('a path of a CT log that clients would shorten is refused', async (t) => {
  const ct = { ...required, LOG_FACE: 'ct', CT_ROOTS_FILE: '/roots.pem' }
  for (const wrong of [
    { CT_PREFIX: '/..' },
    { CT_PREFIX: '/2026/.' },
    { CT_ORIGIN: 'ct.example.org/../2026' },
  ])
    t.throws(() => readConfig({ ...ct, ...wrong }, 'a password'), {
      message: /must not have \. or \.\. between/,
    })
  t.doesNotThrow(() => readConfig({ ...ct, CT_PREFIX: '/...' }, 'a password'))
})

t.test('the environment is read once and refused by name', async (t) => {
  t.match(readConfig(required, 'secret'), {
    face: { face: 'rekor-v1' },
    host: '127.0.0.1',
    port: 3000,
    queueLimit: 10_000,
    bodyLimitBytes: 33_554_432,
    keyPassword: 'secret',
  })
  const ct = {
    ...required,
    LOG_FACE: 'ct',
    CT_PREFIX: '/2026',
    CT_ROOTS_URL: 'http://ca/api/v1/rootCert',
    LOG_PORT: '7000',
  }
  t.match(readConfig(ct, ''), {
    port: 7000,
    face: {
      face: 'ct',
      prefix: '/2026',
      roots: { url: ct.CT_ROOTS_URL },
      extendedKeyUsages: ['1.3.6.1.5.5.7.3.3'],
    },
  })
  t.strictSame(readConfig({ ...ct, CT_EXTENDED_KEY_USAGES: 'any' }, '').face, {
    face: 'ct',
    prefix: '/2026',
    roots: { url: ct.CT_ROOTS_URL },
    extendedKeyUsages: [],
    addressLimits: [],
    namesIndex: false,
  })
  t.throws(() => readConfig({}, ''), /LOG_FACE.*LOG_HOSTNAME.*DATABASE_URL.*LOG_KEY/)
  t.throws(() => readConfig({ ...required, LOG_PORT: '70000' }, ''), /PORT/)
  t.throws(() => readConfig({ ...required, LOG_HOSTNAME: 'https://x' }, ''), /LOG_HOSTNAME/)
  t.throws(
    () => readConfig({ ...ct, CT_ROOTS_FILE: '/roots.pem' }, ''),
    /either CT_ROOTS_FILE or CT_ROOTS_URL/,
  )
  const elsewhere = { ...required, LOG_KEY: 'hashivault://rekor' }
  t.throws(() => readConfig(elsewhere, ''), /LOG_KEYS is missing: LOG_KEY is a URI/)
  t.match(readConfig({ ...elsewhere, LOG_KEYS: '/keys' }, ''), { keysFolder: '/keys' })
  t.ok(readConfig({ ...ct, LOG_KEY: 'hashivault://ct' }, ''), 'a CT log has no later shards')
  t.ok(readConfig({ ...required, LOG_KEY: 'file:/keys/key.pem' }, ''), 'later keys lie beside a file')
  t.throws(
    () => readConfig({ ...required, LOG_KEY: 'file:key.pem' }, ''),
    /LOG_KEY: .*needs an absolute path/,
  )
})

t.test('who is told of new entries is read from the environment', async (t) => {
  const eventsOf = (variables: Record<string, string>) =>
    (readConfig({ ...required, ...variables }, '').face as Parsed).events
  t.equal(eventsOf({ REDIS_URL: 'redis://shared' }), undefined)
  const url = 'https://hooks.example.org/rekor'
  t.strictSame(eventsOf({ LOG_EVENTS_URL: url }), { webhook: { url, batch: 1 } })
  const secret = 'sixteen bytes or more'
  const both = {
    LOG_EVENTS_URL: url,
    LOG_EVENTS_SECRET: secret,
    LOG_EVENTS_BATCH: '50',
    LOG_EVENTS_STREAM: 's',
  }
  t.strictSame(eventsOf({ ...both, REDIS_URL: 'redis://shared' }), {
    webhook: { url, batch: 50, secret },
    stream: { url: 'redis://shared', name: 's', maxEvents: 100_000 },
  })
  const own = { LOG_EVENTS_STREAM: 's', LOG_EVENTS_STREAM_MAX: '5', LOG_EVENTS_REDIS_URL: 'rediss://own' }
  t.strictSame(eventsOf({ ...own, REDIS_URL: 'redis://shared' }), {
    stream: { url: 'rediss://own', name: 's', maxEvents: 5 },
  })
  t.throws(
    () => eventsOf({ LOG_EVENTS_STREAM: 's' }),
    /LOG_EVENTS_STREAM: set LOG_EVENTS_REDIS_URL or REDIS_URL/,
  )
  t.throws(() => eventsOf({ ...own, LOG_EVENTS_REDIS_URL: 'http://own' }), /LOG_EVENTS_REDIS_URL/)
})

t.test('an operator says how large the unpacked metadata of packages may be', async (t) => {
  const content = (name: string) => entryVectorBytes(`inputs/alpine/${name}`).toString('base64')
  const spec = { package: { content: content('test.apk') }, publicKey: { content: content('key.pub') } }
  const body = JSON.stringify({ apiVersion: '0.0.1', kind: 'alpine', spec })
  const post = async (variables: Record<string, string>) => {
    const { connectionString } = await testDatabase(t)
    const LOG_KEY = path.join(t.testdir(), 'rekor.pem')
    const environment = { ...required, ...variables, DATABASE_URL: connectionString, LOG_PORT: '0', LOG_KEY }
    const log = await startLog(readConfig(environment, 'a password'), { logger })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${log.url}/api/v1/log/entries`, { method: 'POST', headers, body })
    await log.stop()
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  t.match(await post({}), { status: 201 })
  t.match(await post({ LOG_MAX_METADATA_BYTES: '100' }), {
    status: 400,
    message: /^error processing entry: /,
  })
  t.throws(() => readConfig({ ...required, LOG_MAX_METADATA_BYTES: '0' }, ''), /LOG_MAX_METADATA_BYTES/)
})

t.test('metrics have the names, labels and units of upstream', async (t) => {
  const { connectionString: DATABASE_URL } = await testDatabase(t)
  const LOG_KEY = path.join(t.testdir(), 'rekor.pem')
  const config = readConfig({ ...required, DATABASE_URL, LOG_KEY, LOG_PORT: '0' }, 'a password')
  const { url, stop } = await startLog(config, { logger })
  t.teardown(stop)
  const headers = { 'content-type': 'application/json' }
  const post = (at: string, body: unknown) =>
    fetch(url + at, { method: 'POST', headers, body: JSON.stringify(body) })
  await post('/api/v1/log/entries', proposalFor('measured'))
  await post('/api/v1/index/retrieve', { hash: '0'.repeat(64) })
  await fetch(`${url}/api/v1/log/entries/${'0'.repeat(64)}`)
  await fetch(`${url}/ping`)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const written = 'path="/api/v1/log/entries"'
  for (const line of [
    'rekor_new_entries 1',
    `rekor_qps_by_api{code="201",method="POST",${written}} 1`,
    'rekor_qps_by_api{code="404",method="GET",path="/api/v1/log/entries/{entryUUID}"} 1',
    `rekor_api_latency_count{code="201",${written}} 1`,
    `rekor_api_latency_summary_count{code="201",${written}} 1`,
    `rekor_latency_by_api_count{method="POST",${written}} 1`,
    `rekor_latency_by_api_bucket{method="POST",${written},le="60000000000"} 1`,
    'rekor_index_storage_latency_summary_count{success="true"} 1',
  ])
    t.ok(metrics.split('\n').includes(line), line)
  t.match(
    metrics,
    /^rekor_build_info\{build_date="",goversion="node v[\d.]+",revision="",version="[^"]+"\} 1$/m,
  )
  t.notMatch(metrics, /rekor_\w+\{[^}]*path="\/ping"/, 'only the operations of the API are counted')
})

t.test('work that is refused is counted by its reason, small bodies and large ones alike', async (t) => {
  const { connectionString: DATABASE_URL } = await testDatabase(t)
  const LOG_KEY = path.join(t.testdir(), 'rekor.pem')
  const environment = { ...required, DATABASE_URL, LOG_KEY, LOG_PORT: '0', LOG_MAX_CHECKS: '16' }
  const { url, stop } = await startLog(readConfig(environment, 'a password'), { logger })
  t.teardown(stop)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' })
  const verifier = publicKey.export({ format: 'pem', type: 'spki' })
  const dear = async (payload: Buffer) => {
    const pae = Buffer.concat([Buffer.from(`DSSEv1 1 x ${payload.length} `), payload])
    const signatures = [{ sig: sign('sha256', pae, privateKey).toString('base64') }]
    const envelope = JSON.stringify({ payload: payload.toString('base64'), payloadType: 'x', signatures })
    const proposedContent = { envelope, verifiers: [Buffer.from(verifier).toString('base64')] }
    const body = JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } })
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`${url}/api/v1/log/entries`, { method: 'POST', headers, body })).status
  }
  t.equal(await dear(Buffer.from('{}')), 400)
  t.equal(await dear(Buffer.alloc(400_000, 0x20)), 400)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(metrics, /^log_work_refused_total\{reason="too_costly"\} 2$/m)
})

t.test('a log keeps its key, its origin and its entries over a restart', async (t) => {
  const { connectionString } = await testDatabase(t)
  const directory = t.testdir({})
  const body = JSON.stringify(proposalFor('kept'))
  const config: LogConfig = {
    ...readConfig(
      {
        ...required,
        DATABASE_URL: connectionString,
        LOG_PORT: '0',
        LOG_METRICS_PORT: '0',
        LOG_KEY: path.join(directory, 'key.pem'),
      },
      'a password',
    ),
  }
  const first = await startLog(config, { logger })
  t.match(first.origin, /^rekor\.example\.org - [1-9]\d*$/)
  const post = (url: string) =>
    fetch(`${url}/api/v1/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  const posted = await post(first.url)
  t.equal(posted.status, 201)
  t.equal((await fetch(`${first.url}/readyz`)).status, 200)
  t.equal((await fetch(`${first.url}/metrics`)).status, 404, 'metrics have their own listener')
  const metrics = await (await fetch(`${first.metricsUrl}/metrics`)).text()
  t.match(metrics, /^rekor_new_entries 1$/m)
  t.match(metrics, /^log_verification_seconds_count\{kind="hashedrekord"\} 1$/m)
  t.match(metrics, /^log_queue_depth 0$/m)
  await first.stop()

  const second = await startLog({ ...config, hostname: 'renamed.example.org' }, { logger })
  t.teardown(() => second.stop())
  t.equal(second.origin, first.origin)
  t.equal(second.publicKeyPem, first.publicKeyPem)
  const location = posted.headers.get('location')
  t.equal((await fetch(`${second.url}${location}`)).status, 200)
  t.equal((await post(second.url)).status, 409)

  const foreign = { ...config, keyLocation: path.join(directory, 'other.pem') }
  await t.rejects(startLog(foreign, { logger }), { name: 'LogError', code: 'foreign_key' })
  await t.rejects(
    startLog({ ...config, port: Number(new URL(second.url).port) }, { logger }),
    /port \d+ .*PORT/,
  )
})

t.test('signed heads lie beside a key that is named by the URI of its file', async (t) => {
  const { connectionString: DATABASE_URL } = await testDatabase(t)
  const folder = t.testdir({ key: {}, later: {} })
  const file = path.join(folder, 'key/log key.pem')
  await createKeyFile(file, 'a password')
  const LOG_KEY = pathToFileURL(file).href
  const environment = { ...required, DATABASE_URL, LOG_PORT: '0', LOG_KEY, LOG_KEYS: `${folder}/later` }
  const log = await startLog(readConfig(environment, 'a password'), { logger })
  await log.stop()
  t.match(await readdir(`${folder}/key`), ['log key.pem', /^rekor-v1.*\.checkpoint$/])
  t.same(await readdir(`${folder}/later`), [])
})

t.test('a CT log in a shared process takes roots from a file and sees when it changes', async (t) => {
  const { pool } = await testDatabase(t)
  const dates = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }
  const root = (commonName: string) =>
    createRoot({
      signer: createSigner(generateSigningKey()),
      commonName,
      organization: 'example.org',
      serialNumber: Uint8Array.of(1),
      ...dates,
    })
  const directory = t.testdir({ 'roots.pem': encodeCertificatePem((await root('one')).der) })
  const rootsFile = path.join(directory, 'roots.pem')
  const environment = {
    ...required,
    LOG_FACE: 'ct',
    LOG_HOSTNAME: 'ct.example.org',
    LOG_PORT: '0',
    CT_PREFIX: '/2026',
    CT_EXTENDED_KEY_USAGES: 'any',
  }
  const config = readConfig(
    { ...environment, LOG_KEY: path.join(directory, 'ct.pem'), CT_ROOTS_FILE: rootsFile },
    'a password',
  )
  const log = await startLog(config, { logger, pool })
  t.equal(log.origin, 'ct.example.org/2026')
  const roots = async () =>
    ((await (await fetch(`${log.url}/2026/ct/v1/get-roots`)).json()) as Parsed).certificates.length
  t.equal(await roots(), 1)
  await writeFile(
    rootsFile,
    (await readFile(rootsFile, 'utf8')) + encodeCertificatePem((await root('two')).der),
  )
  const unknown = await root('three')
  const until = Date.now() + 60_000
  while ((await roots()) === 1 && Date.now() < until) {
    const chain = [Buffer.from(unknown.der).toString('base64')]
    await fetch(`${log.url}/2026/ct/v1/add-chain`, { method: 'POST', body: JSON.stringify({ chain }) })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.equal(await roots(), 2)
  t.match(await (await fetch(`${log.url}/2026/checkpoint`)).text(), /^ct\.example\.org\/2026\n0\n/)
  await log.stop()
  t.equal((await pool.query('select 1')).rows.length, 1, 'the pool is still its owner’s')
})
