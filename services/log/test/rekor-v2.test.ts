/** The Rekor v2 face as a service over a real database: what it answers, row by row, and that what it says can be verified. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { noteKeyHint, noteKeyId, verifyCheckpoint } from '@sigstack/checkpoint'
import {
  createSigner,
  parsePublicKeyPem,
  preAuthenticationEncoding,
  sha256,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import { freezeLog, setMode } from '@sigstack/log-engine'
import { asHash, leafHash, verifyInclusion } from '@sigstack/merkle'
import { auditPlainLog, backUpLog, restoreBackup } from '@sigstack/rekor-log'
import { undocumentedRoutes } from '@sigstack/server/testing'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { rekorV2Of } from '../src/faces/rekor-v2/open.ts'
import { readConfig } from '../src/index.ts'
import { emptyDatabase, type LogUnderTest, startRekor } from './running-log.ts'
import { entryVector, noneUnopened, type Parsed } from './support.ts'

const hostname = 'log2026-1.rekor.example.org'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

function requestFor(artifact: string, privateKey: KeyObject = key) {
  return {
    hashedRekordRequestV002: {
      digest: toBase64(sha256(utf8(artifact))),
      signature: {
        content: sign('sha256', utf8(artifact), privateKey).toString('base64'),
        verifier: verifierOf(privateKey),
      },
    },
  }
}

function verifierOf(privateKey: KeyObject) {
  const { publicKey } = createSigner(privateKey)
  return { publicKey: { rawBytes: toBase64(publicKey.spki) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' }
}

async function start(t: Test, variables: Readonly<Record<string, string>> = {}): Promise<LogUnderTest> {
  return startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: t.testdir(),
    variables: { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname, ...variables },
  })
}

async function post(log: LogUnderTest, body: unknown, at = '/api/v2/log/entries') {
  const answer = await fetch(`${log.url}${at}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: text.startsWith('{') ? JSON.parse(text) : {},
  }
}

/** As a client does: leaf, path, root, checkpoint, log ID. */
async function verifyEntry(t: Test, log: LogUnderTest, entry: Parsed): Promise<void> {
  const publicKey = parsePublicKeyPem(log.publicKeyPem)
  const { inclusionProof } = entry
  const treeHead = {
    size: BigInt(inclusionProof.treeSize),
    rootHash: asHash(Buffer.from(inclusionProof.rootHash, 'base64')),
  }
  const checkpoint = await verifyCheckpoint(inclusionProof.checkpoint.envelope, {
    publicKey,
    keyHint: noteKeyHint(hostname, publicKey),
    name: hostname,
    expectedTreeHead: treeHead,
  })
  t.equal(checkpoint.origin, hostname)
  const proof = {
    leafIndex: BigInt(entry.logIndex),
    treeSize: treeHead.size,
    siblings: inclusionProof.hashes.map((hash: string) => asHash(Buffer.from(hash, 'base64'))),
  }
  verifyInclusion(proof, leafHash(Buffer.from(entry.canonicalizedBody, 'base64')), treeHead.rootHash)
  t.equal(entry.logId.keyId, toBase64(noteKeyId(hostname, publicKey)))
}

t.test('an entry is answered with what a client verifies, and 64-bit numbers are texts', async (t) => {
  const log = await start(t)
  t.equal(await log.read('/publicKey'), log.publicKeyPem)
  t.match(await log.read('/checkpoint'), `${hostname}\n1\n`, 'nobody’s entry is the first')
  for (const [index, artifact] of [
    [1, 'one'],
    [2, 'two'],
    [3, 'three'],
  ] as const) {
    const { status, headers, body } = await post(log, requestFor(artifact))
    t.equal(status, 201)
    t.equal(headers.get('content-type'), 'application/json')
    t.match(body, {
      logIndex: String(index),
      kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
      integratedTime: '0',
      inclusionPromise: null,
      inclusionProof: { logIndex: String(index) },
    })
    await verifyEntry(t, log, body)
    const size = (await log.read('/api/v2/checkpoint')).split('\n')[1]
    t.ok(BigInt(size ?? '') >= BigInt(body.inclusionProof.treeSize))
  }
})

t.test('an Ed25519 key signs for a shard, under an ID of its name', async (t) => {
  const keysFolder = t.testdir()
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'a password',
  })
  await writeFile(path.join(keysFolder, 'key.pem'), pem, { mode: 0o600 })
  const variables = { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname }
  const log = await startRekor(t, { ...(await emptyDatabase(t)), keysFolder, variables })
  const { body } = await post(log, requestFor('one'))
  await verifyEntry(t, log, body)
})

t.test('a repeated request gets a fresh proof of its first entry, or 409 with its index', async (t) => {
  const log = await start(t)
  const first = await post(log, requestFor('one'))
  const request = requestFor('two')
  const second = await post(log, request)
  await post(log, requestFor('three'))
  const again = await post(log, request)
  t.equal(again.status, 201)
  t.equal(again.body.logIndex, second.body.logIndex)
  t.equal(again.body.canonicalizedBody, second.body.canonicalizedBody)
  t.ok(BigInt(again.body.inclusionProof.treeSize) >= 3n)
  await verifyEntry(t, log, again.body)
  await verifyEntry(t, log, first.body)

  const strict = await start(t, { LOG_DUPLICATES: 'conflict' })
  await post(strict, requestFor('other'))
  await post(strict, request)
  const conflict = await post(strict, request)
  t.equal(conflict.status, 409)
  t.equal(conflict.headers.get('x-log-index'), '2')
  t.strictSame(conflict.body, {
    code: 6,
    message: 'an equivalent entry already exists in the transparency log with index 2',
    details: [],
  })
})

t.test('requests of upstream, good and bad', async (t) => {
  const log = await start(t)
  for (const { name, request, expect } of entryVector('rekor-v2/hashedrekord-v002.json').cases as Parsed[]) {
    const { status, body } = await post(log, request)
    t.equal(status, expect.status, name)
    if (status === 201) t.equal(body.canonicalizedBody, expect.canonicalizedBody, name)
    else {
      t.match(body, { code: 3, details: [] }, name)
      if (expect.message !== undefined) t.equal(body.message, expect.message, name)
    }
  }
})

t.test('each row of the table of errors', async (t) => {
  const log = await start(t, { LOG_BODY_LIMIT_BYTES: '20000', LOG_MAX_ENTRY_BYTES: '1024' })
  const invalidType = { code: 3, message: 'invalid type, must be hashedrekord', details: [] }
  t.match(await post(log, ''), { status: 400, body: invalidType })
  t.match(await post(log, '{}'), { status: 400, body: invalidType })
  t.match(await post(log, '{'), {
    status: 400,
    body: { code: 3, message: 'the request is not JSON', details: [] },
  })
  t.match(await post(log, { hashedRekordRequestV002: { more: 1 } }), {
    status: 400,
    body: { code: 3, message: 'hashedRekordRequestV002.more is not a known member' },
  })
  t.match(await post(log, ' '.repeat(20_001)), {
    status: 400,
    body: { code: 3, message: 'http: request body too large', details: [] },
  })
  const long = {
    dsseRequestV002: { envelope: { payload: 'AA==', payloadType: 'x', signatures: [] }, verifiers: [] },
  }
  t.match(await post(log, long), { status: 400, body: { message: 'invalid hashedrekord request' } })
  for (const [method, at] of [
    ['GET', '/api/v2/log/entries'],
    ['DELETE', '/api/v2/log/entries'],
    ['PUT', '/checkpoint'],
    ['DELETE', '/api/v2/tile/0/000'],
    ['POST', '/healthz'],
    ['QUERY', '/api/v2/log/entries'],
  ] as const) {
    const answer = await fetch(`${log.url}${at}`, { method })
    t.equal(answer.status, 501)
    t.strictSame(await answer.json(), { code: 12, message: 'Method Not Allowed', details: [] })
  }
  t.equal((await fetch(`${log.url}/api/v2/log/entries`, { method: 'HEAD' })).status, 501)
  t.equal((await fetch(`${log.url}/healthz`, { method: 'HEAD' })).status, 200)
  for (const type of ['x', 'text/plain', 'application/grpc']) {
    const headers = { 'content-type': type }
    const answer = await fetch(`${log.url}/api/v2/log/entries`, { method: 'POST', headers, body: '{}' })
    t.match(await answer.json(), invalidType, `the type is not looked at: ${type}`)
  }
  const nowhere = await fetch(`${log.url}/api/v2/none`)
  t.equal(nowhere.status, 404)
  t.strictSame(await nowhere.json(), { code: 5, message: 'Not Found', details: [] })
  t.equal(await log.read('/healthz'), '{"status":"SERVING"}\n')
})

t.test('an entry larger than the log takes is the fault of its sender', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  const log = await start(t, { LOG_MAX_ENTRY_BYTES: '1024' })
  const rawBytes = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const { hashedRekordRequestV002: request } = requestFor('large')
  const content = sign('sha256', utf8('large'), privateKey).toString('base64')
  const verifier = { publicKey: { rawBytes }, keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256' }
  const large = { hashedRekordRequestV002: { ...request, signature: { content, verifier } } }
  t.match(await post(log, large), { status: 400, body: { code: 3, message: 'invalid entry' } })
})

t.test('a log that takes no entries says so, and is read as before', async (t) => {
  const log = await start(t)
  await post(log, requestFor('one'))
  for (const [mode, status, text] of [
    ['read-only', 405, 'This log has been frozen, please switch to the latest log.\n'],
    ['maintenance', 503, '{"code":14,"message":"back at noon","details":[]}'],
  ] as const) {
    await setMode(log.pool, 'rekor-v2', mode, 'back at noon')
    const answer = await post(log, requestFor('two'))
    t.equal(answer.status, status)
    t.equal(answer.text, text)
    t.match(await log.read('/checkpoint'), `${hostname}\n2\n`)
  }
})

t.test(
  'a frozen log says since when in its last checkpoint, also after a restart and a restore',
  async (t) => {
    const keysFolder = t.testdir()
    const variables = { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname }
    const database = await emptyDatabase(t)
    const log = await startRekor(t, { ...database, keysFolder, variables })
    const { body: entry } = await post(log, requestFor('one'))
    await freezeLog(log.pool, 'rekor-v2')
    await log.pool.query('update log set frozen_at = $1', [Date.parse('2026-12-02T05:44:27.999Z')])
    t.match(await post(log, requestFor('two')), { status: 405 })
    t.match(await post(log, requestFor('one')), { status: 405 }, 'also for what it holds')

    const publicKey = parsePublicKeyPem(log.publicKeyPem)
    const keyHint = noteKeyHint(hostname, publicKey)
    const textOf = async (read: LogUnderTest['read']) => {
      const expectedTreeHead = {
        size: 2n,
        rootHash: asHash(Buffer.from(entry.inclusionProof.rootHash, 'base64')),
      }
      const note = await read('/checkpoint')
      return (await verifyCheckpoint(note, { publicKey, keyHint, name: hostname, expectedTreeHead })).text
    }
    const text = await textOf(log.read)
    t.ok(text.endsWith('=\nLog frozen — Wed Dec  2 05:44:27 UTC 2026\n'))
    t.equal(await textOf(async (at) => log.read(`/api/v2${at}`)), text)

    const last = { where: 'the log', text: await log.read('/checkpoint') }
    const audit = await auditPlainLog({ pool: log.pool, log: 'rekor-v2', checkpoints: [last] })
    t.match(audit, { checkpoints: 1, findingCount: 0 })
    const file = path.join(t.testdirName, 'log.backup')
    await backUpLog({ pool: log.pool, log: 'rekor-v2', file, checkpoints: last, now: new Date(0) })
    await log.stop()
    const again = await startRekor(t, { ...database, keysFolder, variables })
    t.equal(await textOf(again.read), text, 'after a restart')
    await again.stop()
    const fresh = await emptyDatabase(t)
    await restoreBackup({ pool: fresh.pool, file, knownHeads: [], onProgress: () => {} })
    const restored = await startRekor(t, { ...fresh, keysFolder, variables })
    t.equal(await textOf(restored.read), text, 'after a restore')
    t.match(await post(restored, requestFor('two')), { status: 405 })
  },
)

t.test('an envelope is logged as the digest that it signs', async (t) => {
  const log = await start(t)
  const payloadType = 'application/vnd.in-toto+json'
  const encoding = preAuthenticationEncoding({ payloadType, payload: utf8('{"a":1}') })
  const sig = sign('sha256', encoding, key).toString('base64')
  const envelope = { payload: toBase64(utf8('{"a":1}')), payloadType, signatures: [{ sig, keyid: '' }] }
  const request = { dsseRequestV002: { envelope, verifiers: [verifierOf(key)] } }
  const { status, body } = await post(log, request)
  t.equal(status, 201)
  await verifyEntry(t, log, body)
  const { hashedRekordV002 } = JSON.parse(Buffer.from(body.canonicalizedBody, 'base64').toString()).spec
  t.equal(hashedRekordV002.data.digest, toBase64(sha256(encoding)))
  t.equal(hashedRekordV002.signature.content, sig)
  const legacy = await post(await start(t, { LOG_DSSE: 'legacy' }), request)
  t.strictSame(legacy.body.kindVersion, { kind: 'dsse', version: '0.0.2' })
  t.match(await post(await start(t, { LOG_DSSE: 'reject' }), request), {
    status: 400,
    body: { message: 'invalid type, must be hashedrekord' },
  })
})

t.test('the tree is read under both prefixes, compressed where that is asked for', async (t) => {
  const log = await start(t)
  const first = Buffer.from(await (await fetch(`${log.url}/tile/entries/000.p/1`)).arrayBuffer())
  const leaves: Buffer[] = [first.subarray(2)]
  for (const artifact of ['one', 'two', 'three'])
    leaves.push(Buffer.from((await post(log, requestFor(artifact))).body.canonicalizedBody, 'base64'))
  const bundle = Buffer.concat(
    leaves.flatMap((leaf) => [Buffer.from([leaf.length >> 8, leaf.length & 0xff]), leaf]),
  )
  const read = (at: string, init: RequestInit = {}) => fetch(`${log.url}${at}`, init)
  const inShard = await read(`/shards/${hostname}/tile/0/000.p/4`)
  t.match(inShard.headers.get('cache-control'), 'immutable')
  for (const prefix of ['', '/api/v2', '//api/v2']) {
    const tile = await read(`${prefix}/tile/0/000.p/4`)
    t.strictSame(Buffer.from(await tile.arrayBuffer()), Buffer.concat(leaves.map((leaf) => leafHash(leaf))))
    t.equal(tile.headers.get('cache-control'), 'no-cache', 'an address is no name of a log')
    const plain = await read(`${prefix}/tile/entries/000.p/4`, { headers: { 'accept-encoding': 'identity' } })
    t.strictSame(Buffer.from(await plain.arrayBuffer()), bundle)
    const head = await read(`${prefix}/checkpoint`, { method: 'HEAD' })
    t.equal(head.status, 200)
    t.equal(head.headers.get('cache-control'), 'no-cache')
    t.equal(head.headers.get('access-control-allow-origin'), '*')
    for (const none of [
      '/tile/0/000',
      '/tile/0/000.p/5',
      '/tile/1/000.p/1',
      '/tile/0/0',
      '/tile/entries/x000/000',
    ])
      t.equal((await read(`${prefix}${none}`)).status, 404)
  }
  const asked = await read('/checkpoint', {
    method: 'OPTIONS',
    headers: { origin: 'https://example.org', 'access-control-request-method': 'GET' },
  })
  t.equal(asked.status, 204)
  t.equal(asked.headers.get('access-control-allow-methods'), 'GET, HEAD')
  t.strictSame(await compressedBundle(t, log), bundle)
})

/** Node's fetch unpacks by itself; a plain request shows what was sent. */
async function compressedBundle(t: Test, log: LogUnderTest): Promise<Buffer> {
  const request = get(`${log.url}/tile/entries/000.p/4`, { headers: { 'accept-encoding': 'gzip' } })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  t.equal(answer.headers['content-encoding'], 'gzip')
  return gunzipSync(Buffer.concat(await answer.toArray()))
}

t.test('limits of writers are those of the other face', async (t) => {
  const limited = await start(t, { LOG_LIMIT_PER_ADDRESS: '1/h' })
  t.equal((await post(limited, requestFor('one'))).status, 201)
  const refused = await post(limited, requestFor('two'))
  t.match(refused, { status: 429, body: { code: 8, details: [] } })
  t.match(refused.headers.get('retry-after'), /^\d+$/)
})

t.test('rules of writers are those of the other face', async (t) => {
  const folder = t.testdir()
  const variables = { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname }
  const file = path.join(folder, 'rules.yaml')
  await writeFile(file, 'default: deny\nrules: []\n')
  const ruled = await startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: folder,
    variables: { ...variables, LOG_ADMISSION_FILE: file },
  })
  t.match(await post(ruled, requestFor('one')), { status: 403, body: { code: 7, details: [] } })
})

t.test('it is audited and backed up as other logs, and goes on where it was restored', async (t) => {
  const log = await start(t)
  for (const artifact of ['one', 'two', 'three']) await post(log, requestFor(artifact))
  const kept = { where: 'a file', text: await log.read('/checkpoint') }
  const file = path.join(log.keysFolder, 'log.backup')
  const backedUp = await backUpLog({
    pool: log.pool,
    log: 'rekor-v2',
    file,
    checkpoints: kept,
    now: new Date('2026-11-25T12:00:00Z'),
  })
  t.equal(backedUp.entries, 4n)
  await log.stop()
  const elsewhere = await emptyDatabase(t)
  await restoreBackup({ pool: elsewhere.pool, file, knownHeads: [], onProgress: () => {} })
  const variables = { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname }
  const restored = await startRekor(t, { ...elsewhere, keysFolder: log.keysFolder, variables })
  t.equal((await post(restored, requestFor('four'))).body.logIndex, '4')
  const sound = await auditPlainLog({ pool: elsewhere.pool, log: 'rekor-v2', checkpoints: [kept] })
  t.match(sound, { entries: 5n, checkpoints: 1, findingCount: 0 })

  await elsewhere.pool.query('update log set root_hash = sha256(root_hash)')
  const damaged = await auditPlainLog({ pool: elsewhere.pool, log: 'rekor-v2', checkpoints: [kept] })
  t.ok(damaged.findingCount > 0)
})

t.test('metrics have the names of upstream', async (t) => {
  const log = await start(t)
  await post(log, requestFor('one'))
  const metrics = await log.read('/metrics')
  for (const line of [
    'rekor_v2_new_hashedrekord_entries 1',
    'rekor_v2_http_requests_total{code="201",method="post"} 1',
    'rekor_v2_build_info{version=',
    'log_verification_seconds_count{kind="hashedrekord"} 1',
  ])
    t.match(metrics, line)
})

t.test('the description of the API has every route', async (t) => {
  const log = { origin: hostname } as Parsed
  const face = {
    logs: () => [{ log, logId: '', publicKeyPem: '' }] as const,
    unopened: noneUnopened,
    toldLine: async () => '',
    verifyText: async () => ({}) as Parsed,
    searched: async () => [],
    now: () => new Date(0),
    bodyLimitBytes: 100,
    entryLimitBytes: 100,
  }
  const app = await buildApp(rekorV2Of(face), { logger: false })
  t.teardown(() => app.close())
  t.same(await undocumentedRoutes(app), [])
})

t.test('its settings are read as those of the other faces', (t) => {
  const read = (variables: Readonly<Record<string, string>>) =>
    readConfig({
      LOG_FACE: 'rekor-v2',
      LOG_HOSTNAME: hostname,
      DATABASE_URL: 'postgresql://localhost/log',
      LOG_KEY: '/keys/key.pem',
      ...variables,
    })
  t.match(read({}), {
    port: 3003,
    bodyLimitBytes: 4_194_304,
    face: { face: 'rekor-v2', duplicates: 'existing', dsse: 'convert', workLimit: 64 },
  })
  t.throws(() => read({ LOG_CLIENT_SIGNING_ALGORITHMS: 'none' }), /LOG_CLIENT_SIGNING_ALGORITHMS/)
  t.throws(() => read({ LOG_DSSE: 'none' }), /LOG_DSSE/)
  t.end()
})
