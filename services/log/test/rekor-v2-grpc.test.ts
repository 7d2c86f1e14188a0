/** Rekor v2 over gRPC, called by a client that we did not write: grpc-js over its own reading of the .proto file. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import path from 'node:path'
import { create } from '@bufbuild/protobuf'
import {
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type MethodDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { noteKeyHint, noteKeyId, verifyCheckpoint } from '@sigstack/checkpoint'
import {
  createSigner,
  parsePublicKeyPem,
  preAuthenticationEncoding,
  sha256,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import { setMode } from '@sigstack/log-engine'
import { asHash, leafHash, verifyInclusion } from '@sigstack/merkle'
import { boundReceiving, buildServer, createRegistry, listen } from '@sigstack/server'
import { createCallMetrics, serveGrpc } from '@sigstack/server/grpc'
import t, { type Test } from 'tap'
import {
  Rekor,
  TransparencyLogEntrySchema,
} from '../src/faces/rekor-v2/grpc/generated/dev/sigstore/rekor/v2/rekor_service_pb.ts'
import { refusalOfCall } from '../src/faces/rekor-v2/grpc/refusal-of-call.ts'
import { emptyDatabase, type LogUnderTest, startRekor } from './running-log.ts'
import type { Parsed } from './support.ts'

const hostname = 'log2026-1.rekor.example.org'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const verifier = {
  publicKey: { rawBytes: createSigner(key).publicKey.spki },
  keyDetails: 'PKIX_ECDSA_P256_SHA_256',
}

const tls = t.testdir()
const certificate = path.join(tls, 'tls.crt')
execFileSync(
  'openssl',
  [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'.split(' '),
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    path.join(tls, 'tls.key'),
    '-out',
    certificate,
  ],
  { stdio: 'pipe' },
)
const trust = credentials.createSsl(readFileSync(certificate))

type Methods = ReadonlyMap<string, MethodDefinition<unknown, unknown>>

function methodsOf(includeDir: string, file: string, service: string): Methods {
  const options = { oneofs: true, defaults: true, enums: String, longs: String }
  const definition = loadSync(file, { ...options, includeDirs: [path.join(import.meta.dirname, includeDir)] })
  const loaded = service
    .split('.')
    .reduce((node: Parsed, name) => node[name], loadPackageDefinition(definition)) as ServiceClientConstructor
  return new Map(Object.entries(loaded.service).map(([name, method]) => [name, method as never]))
}

const rekor = methodsOf(
  '../proto',
  'dev/sigstore/rekor/v2/rekor_service.proto',
  'dev.sigstore.rekor.v2.Rekor',
)
const health = methodsOf(
  '../../../packages/server/proto',
  'grpc/health/v1/health.proto',
  'grpc.health.v1.Health',
)

type Answer = {
  readonly message?: Parsed
  readonly refusal?: ServiceError
  readonly header: Metadata
  readonly trailer: Metadata
}
type Called = {
  readonly log: LogUnderTest
  call(method: string, message: unknown, of?: Methods): Promise<Answer>
  readonly client: Client
}

async function start(t: Test, variables: Readonly<Record<string, string>> = {}): Promise<Called> {
  const log = await startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: t.testdir(),
    variables: {
      LOG_FACE: 'rekor-v2',
      LOG_HOSTNAME: hostname,
      LOG_TLS_CERTIFICATE_FILE: certificate,
      LOG_TLS_KEY_FILE: path.join(tls, 'tls.key'),
      ...variables,
    },
  })
  const client = new Client(new URL(log.url).host, trust)
  t.teardown(() => client.close())
  const call: Called['call'] = (name, message, of = rekor) => {
    const method = of.get(name)
    if (method === undefined) throw new Error(`no method ${name}`)
    return ask(client, method.path, method.requestSerialize, method.responseDeserialize, message)
  }
  return { log, client, call }
}

function ask(
  client: Client,
  at: string,
  serialize: (message: unknown) => Buffer,
  deserialize: (bytes: Buffer) => unknown,
  message: unknown,
): Promise<Answer> {
  return new Promise((resolve) => {
    let header = new Metadata()
    let answered: Pick<Answer, 'message' | 'refusal'> = {}
    client
      .makeUnaryRequest(at, serialize, deserialize, message, (refusal, message) => {
        answered = refusal === null ? { message: message as Parsed } : { refusal }
      })
      .on('metadata', (metadata: Metadata) => {
        header = metadata
      })
      .on('status', ({ metadata }: StatusObject) => {
        // The callback comes in the same turn.
        setImmediate(() => resolve({ ...answered, header, trailer: metadata }))
      })
  })
}

const requestFor = (artifact: string) => ({
  hashedRekordRequestV002: {
    digest: sha256(utf8(artifact)),
    signature: { content: sign('sha256', utf8(artifact), key), verifier },
  },
})

/** As a client does: leaf, path, root, checkpoint, log ID. */
async function verifyEntry(t: Test, { log }: Called, entry: Parsed): Promise<void> {
  const publicKey = parsePublicKeyPem(log.publicKeyPem)
  const { inclusionProof } = entry
  const expectedTreeHead = {
    size: BigInt(inclusionProof.treeSize),
    rootHash: asHash(inclusionProof.rootHash),
  }
  const keyHint = noteKeyHint(hostname, publicKey)
  const expected = { publicKey, keyHint, name: hostname, expectedTreeHead }
  await verifyCheckpoint(inclusionProof.checkpoint.envelope, expected)
  const proof = {
    leafIndex: BigInt(entry.logIndex),
    treeSize: expectedTreeHead.size,
    siblings: inclusionProof.hashes.map(asHash),
  }
  verifyInclusion(proof, leafHash(entry.canonicalizedBody), expectedTreeHead.rootHash)
  t.equal(inclusionProof.logIndex, entry.logIndex)
  t.equal(toBase64(entry.logId.keyId), toBase64(noteKeyId(hostname, publicKey)))
  t.match(entry, { integratedTime: '0', inclusionPromise: null })
}

/** A request of HTTP/2 on the port that speaks gRPC. */
async function http(
  called: Called,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number; text: string }> {
  const session = connect(called.log.url, { ca: readFileSync(certificate) })
  const stream = session.request(headers, { endStream: false })
  stream.end(body)
  const [head] = await once(stream, 'response')
  let text = ''
  for await (const part of stream.setEncoding('utf8')) text += part
  session.close()
  return { status: Number(head[':status']), text }
}

t.test('an entry is answered with what a client verifies, and is the entry of the HTTP face', async (t) => {
  const called = await start(t)
  const request = requestFor('one')
  const { message: entry } = await called.call('CreateEntry', request)
  t.match(entry, { logIndex: '1', kindVersion: { kind: 'hashedrekord', version: '0.0.2' } })
  await verifyEntry(t, called, entry!)

  const { digest, signature } = request.hashedRekordRequestV002
  const json = {
    hashedRekordRequestV002: {
      digest: toBase64(digest),
      signature: {
        content: toBase64(signature.content),
        verifier: { ...verifier, publicKey: { rawBytes: toBase64(verifier.publicKey.rawBytes) } },
      },
    },
  }
  const posted = await http(
    called,
    { ':method': 'POST', ':path': '/api/v2/log/entries', 'content-type': 'application/json' },
    JSON.stringify(json),
  )
  t.equal(posted.status, 201, 'the same port answers HTTP')
  const { logIndex, canonicalizedBody } = JSON.parse(posted.text)
  t.equal(logIndex, '1')
  t.equal(canonicalizedBody, toBase64(entry!.canonicalizedBody))
})

t.test('the numbers of the fields are those of the contract', async (t) => {
  const called = await start(t)
  const { digest, signature } = requestFor('by number').hashedRekordRequestV002
  // Tags by hand (rekor-v2.md section 2.1).
  const field = (number: number, value: Uint8Array) => {
    const length = value.length < 128 ? [value.length] : [(value.length & 0x7f) | 0x80, value.length >> 7]
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), value])
  }
  const publicKey = field(1, field(1, verifier.publicKey.rawBytes))
  const verifierBytes = Buffer.concat([publicKey, Buffer.from([3 << 3, 5])])
  const signed = Buffer.concat([field(1, signature.content), field(2, verifierBytes)])
  const unknown = field(15, utf8('of a later version'))
  const request = Buffer.concat([field(1, Buffer.concat([field(1, digest), field(2, signed)])), unknown])
  const at = '/dev.sigstore.rekor.v2.Rekor/CreateEntry'
  const same = (bytes: unknown) => bytes as Buffer
  const { message, refusal } = await ask(called.client, at, same, same, request)
  t.equal(refusal, undefined)
  const bytes = Buffer.from(message as unknown as Uint8Array)
  t.strictSame([...bytes.subarray(0, 2)], [1 << 3, 1], 'the index is the first field')
  const again = await called.call('CreateEntry', requestFor('another'))
  t.ok(bytes.includes(field(1, again.message!.logId.keyId)), 'the log ID is the first field of its message')
  t.ok(
    bytes.includes(field(7, Buffer.from(bytes.subarray(bytes.indexOf('{"apiVersion"'))))),
    'the body is the seventh',
  )
})

t.test('an envelope is logged as the digest that it signs, or refused', async (t) => {
  const payloadType = 'application/vnd.in-toto+json'
  const payload = utf8('{"a":1}')
  const encoding = preAuthenticationEncoding({ payloadType, payload })
  const signatures = [{ sig: sign('sha256', encoding, key), keyid: 'a key' }]
  const request = {
    dsseRequestV002: { envelope: { payload, payloadType, signatures }, verifiers: [verifier] },
  }
  const called = await start(t)
  const { message: entry } = await called.call('CreateEntry', request)
  await verifyEntry(t, called, entry!)
  const { hashedRekordV002 } = JSON.parse(Buffer.from(entry!.canonicalizedBody).toString()).spec
  t.equal(hashedRekordV002.data.digest, toBase64(sha256(encoding)))
  const strict = await start(t, { LOG_DSSE: 'reject' })
  t.match((await strict.call('CreateEntry', request)).refusal, {
    code: 3,
    details: 'invalid type, must be hashedrekord',
  })
})

t.test('a repeated request gets a fresh proof of its first entry, or the index of it', async (t) => {
  const request = requestFor('one')
  const called = await start(t)
  await called.call('CreateEntry', request)
  await called.call('CreateEntry', requestFor('two'))
  const { message: again } = await called.call('CreateEntry', request)
  t.equal(again!.logIndex, '1')
  t.ok(BigInt(again!.inclusionProof.treeSize) >= 3n)
  await verifyEntry(t, called, again!)

  const strict = await start(t, { LOG_DUPLICATES: 'conflict' })
  await strict.call('CreateEntry', request)
  const { refusal, header } = await strict.call('CreateEntry', request)
  t.match(refusal, {
    code: 6,
    details: 'an equivalent entry already exists in the transparency log with index 1',
  })
  t.same(header.get('x-log-index'), ['1'])
})

t.test('refusals have the codes and the words of the HTTP face', async (t) => {
  const called = await start(t, { LOG_BODY_LIMIT_BYTES: '20000', LOG_MAX_ENTRY_BYTES: '1024' })
  const { hashedRekordRequestV002: good } = requestFor('one')
  const signature = (change: object) => ({
    hashedRekordRequestV002: { ...good, signature: { ...good.signature, ...change } },
  })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 4096 })
  const large = signature({
    content: sign('sha256', utf8('one'), rsa.privateKey),
    verifier: {
      publicKey: { rawBytes: rsa.publicKey.export({ type: 'spki', format: 'der' }) },
      keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256',
    },
  })
  const rows: [string, unknown, number, RegExp][] = [
    ['nothing', {}, 3, /^invalid type, must be hashedrekord$/],
    ['no digest', { hashedRekordRequestV002: {} }, 3, /^invalid hashedrekord request$/],
    [
      'another signature',
      signature({ content: sign('sha256', utf8('two'), key) }),
      3,
      /^invalid hashedrekord request$/,
    ],
    [
      'a number without a name',
      signature({ verifier: { ...verifier, keyDetails: 99 } }),
      3,
      /^invalid hashedrekord request$/,
    ],
    ['a long signature', signature({ content: Buffer.alloc(9_000) }), 3, /signature\.content/],
    ['a large entry', large, 3, /^invalid entry$/],
    ['a large message', signature({ content: Buffer.alloc(20_000) }), 8, /20000/],
  ]
  for (const [name, message, code, details] of rows)
    t.match((await called.call('CreateEntry', message)).refusal, { code, details }, name)
  const nothing = { encode: () => Buffer.alloc(0) }
  for (const [method, details] of [
    ['GetTile', 'method GetTile not implemented'],
    ['%C2%85%0a', 'method \\u0085\\u000a not implemented'],
  ] as const) {
    const at = `/dev.sigstore.rekor.v2.Rekor/${method}`
    t.match((await ask(called.client, at, nothing.encode, String, {})).refusal, { code: 12, details }, method)
  }
  const broken = await ask(
    called.client,
    '/dev.sigstore.rekor.v2.Rekor/CreateEntry',
    () => Buffer.from([0x0a, 0x7f]),
    String,
    {},
  )
  t.match(broken.refusal, { code: 13, details: /^parse binary: / }, 'as the libraries of gRPC have it')
  t.ok((await called.call('CreateEntry', requestFor('after all this'))).message)
})

t.test('a log that takes no entries says so', async (t) => {
  const called = await start(t)
  for (const [mode, code, details] of [
    ['read-only', 12, 'log frozen'],
    ['maintenance', 14, 'back at noon'],
  ] as const) {
    await setMode(called.log.pool, 'rekor-v2', mode, 'back at noon')
    const { refusal, trailer } = await called.call('CreateEntry', requestFor('two'))
    t.match(refusal, { code, details })
    t.same(trailer.get('retry-after'), code === 14 ? ['1'] : [])
  }
})

t.test('an address over its limit is refused before its message is read', async (t) => {
  const called = await start(t, { LOG_LIMIT_PER_ADDRESS: '1/h' })
  t.ok((await called.call('CreateEntry', requestFor('one'))).message)
  const { refusal, trailer } = await called.call('CreateEntry', requestFor('two'))
  t.equal(refusal?.code, 8)
  t.match(trailer.get('retry-after')[0], /^[0-9]+$/)
  t.match((await called.call('Check', {}, health)).message, { status: 'SERVING' }, 'health is not limited')
  const session = connect(called.log.url, { ca: readFileSync(certificate) })
  t.teardown(() => session.close())
  // The head alone: the message never comes.
  const stream = session.request({
    ':method': 'POST',
    ':path': '/dev.sigstore.rekor.v2.Rekor/CreateEntry',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.resume()
  const [last] = await once(stream, 'trailers')
  t.match(last, { 'grpc-status': '8' })
  stream.close()
})

t.test('health: the log serves, and other services are not known', async (t) => {
  const { call } = await start(t)
  t.match((await call('Check', {}, health)).message, { status: 'SERVING' })
  const named = { service: 'dev.sigstore.rekor.v2.Rekor' }
  t.match((await call('Check', named, health)).message, { status: 'SERVING' })
  t.equal((await call('Check', { service: 'nobody' }, health)).refusal?.code, 5)
  t.equal((await call('List', {}, health)).refusal?.code, 12)
})

t.test('calls are counted by their own names, and not among the requests of HTTP', async (t) => {
  const called = await start(t)
  await called.call('CreateEntry', requestFor('one'))
  await called.call('CreateEntry', {})
  const { text } = await http(called, { ':path': '/metrics' })
  const handled = (code: string) =>
    `grpc_server_handled_total{grpc_code="${code}",grpc_method="CreateEntry",grpc_service="dev.sigstore.rekor.v2.Rekor",grpc_type="unary"} 1`
  t.match(text, handled('OK'))
  t.match(text, handled('InvalidArgument'))
  t.notMatch(text, /rekor_v2_http_requests_total\{[^}]*method="post"/)
})

t.test('a message beyond what may be on its way at once is refused as one of HTTP', async (t) => {
  const app = buildServer({
    name: 'grpc',
    logger: false,
    tls: {
      cert: readFileSync(certificate, 'utf8'),
      key: readFileSync(path.join(tls, 'tls.key'), 'utf8'),
    },
  })
  boundReceiving(app, { totalBytes: 100_000, senderOf: ({ ip }) => ip })
  app.register(async (inside) =>
    serveGrpc(inside, {
      service: Rekor,
      implementation: { createEntry: () => create(TransparencyLogEntrySchema) },
      messageLimitBytes: 1_000_000,
      calls: createCallMetrics(createRegistry({ processMetrics: false })),
      admit: async () => undefined,
      refusalOf: refusalOfCall,
    }),
  )
  const { url } = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
  const client = new Client(new URL(url).host, trust)
  t.teardown(async () => {
    client.close()
    await app.close()
  })
  const call = (bytes: number) => {
    const { path, requestSerialize, responseDeserialize } = rekor.get('CreateEntry')!
    const message = { hashedRekordRequestV002: { digest: Buffer.alloc(bytes) } }
    return ask(client, path, requestSerialize, responseDeserialize, message)
  }
  t.match((await call(90_000)).refusal, {
    code: 8,
    details: 'too much is being received; try again',
  })
  t.match((await call(10_000)).message, { logIndex: '0' }, 'one that is short enough, on the same connection')
})

t.test('without TLS there is no gRPC on the port', async (t) => {
  const log = await startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: t.testdir(),
    variables: { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname },
  })
  const answer = await fetch(`${log.url}/dev.sigstore.rekor.v2.Rekor/CreateEntry`, { method: 'POST' })
  t.equal(answer.status, 404)
})
