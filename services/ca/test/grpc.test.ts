/** The gRPC face, called by clients that we did not write: grpc-js over its own reading of the .proto files. */
import { execFileSync, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { get as httpsGet } from 'node:https'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import {
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { createLogger } from '@sigstack/server'
import { encodeCertificatePem, parseCertificatesPem } from '@sigstack/x509'
import t from 'tap'
import { readConfig, startCa } from '../src/index.ts'
import { startCtLog } from './support/ct-log.ts'
import { environmentIn } from './support/environment.ts'
import { createClientKey, emailConfig, emailIssuerUrl, person, v2Body } from './support/harness.ts'
import { createIssuer, signToken, startProxy } from './support/oidc.ts'
import { until } from './support/until.ts'

const issuer = await createIssuer(emailIssuerUrl)
const proxy = await startProxy(issuer)
const ctLog = await startCtLog()
const folder = t.testdir()
makeTls(folder)
const logLines: string[] = []
const ca = await startCa(readConfig(environment(folder)), {
  logger: createLogger({ name: 'ca', level: 'info', destination: { write: (line) => logLines.push(line) } }),
  processMetrics: false,
})
const target = ca.url.replace('https://', '')
t.teardown(async () => {
  await ca.stop()
  await proxy.stop()
  await ctLog.stop()
})

function environment(folder: string): Record<string, string> {
  const tls = {
    CA_TLS_CERTIFICATE_FILE: join(folder, 'tls.crt'),
    CA_TLS_KEY_FILE: join(folder, 'tls.key'),
  }
  return environmentIn(folder, { proxy, ctLog }, tls, {
    ...emailConfig,
    'meta-issuers': {
      'https://oidc.eks.*.amazonaws.com/id/*': { 'client-id': 'sigstore', type: 'kubernetes' },
    },
  })
}

function makeTls(folder: string): void {
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'
  const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')]
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', [...words.split(' '), ...names, ...files], { stdio: 'pipe' })
}

const definition = loadSync(['dev/sigstore/fulcio/v2/fulcio.proto', 'grpc/health/v1/health.proto'], {
  includeDirs: [
    join(import.meta.dirname, '../proto'),
    join(import.meta.dirname, '../../../packages/server/proto'),
  ],
  oneofs: true,
  defaults: true,
  enums: String,
})
const loaded = loadPackageDefinition(definition) as GrpcObject
const at = (path: string): ServiceClientConstructor =>
  path
    .split('.')
    .reduce(
      (node: unknown, name) => (node as Record<string, unknown>)[name],
      loaded,
    ) as ServiceClientConstructor
const trust = credentials.createSsl(readFileSync(join(folder, 'tls.crt')))
const caClient = new (at('dev.sigstore.fulcio.v2.CA'))(target, trust)
const healthClient = new (at('grpc.health.v1.Health'))(target, trust)
t.teardown(() => {
  caClient.close()
  healthClient.close()
})

type Status = { code: number; details: string; metadata: Metadata }

function call<T = Record<string, never>>(
  client: object,
  method: string,
  message: unknown,
  metadata = new Metadata(),
): Promise<T> {
  const methods = client as Record<string, (...words: unknown[]) => unknown>
  return new Promise((resolve, reject) => {
    methods[method]!.call(client, message, metadata, (error: Error | null, answer: T) =>
      error === null ? resolve(answer) : reject(error),
    )
  })
}

const failure = async (promise: Promise<unknown>): Promise<Status> => {
  try {
    await promise
  } catch (error) {
    return error as Status
  }
  throw new Error('the call went well')
}

type Signed = { signedCertificateEmbeddedSct: { chain: { certificates: string[] } }; certificate: string }

const key = createClientKey()
/** As sigstore-java sends it: the base64 in one line, and no line feed at the end. */
const unwrapped = `-----BEGIN PUBLIC KEY-----\n${key.der.toString('base64')}\n-----END PUBLIC KEY-----`
const keyRequest = {
  publicKey: { algorithm: 'ECDSA', content: unwrapped },
  proofOfPossession: Buffer.from(key.prove(person.email), 'base64'),
}

t.test('gRPC over TLS with an unwrapped PEM key; same port as HTTPS', async (t) => {
  const token = await signToken(issuer, person)
  const answer = await call<Signed>(caClient, 'createSigningCertificate', {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: keyRequest,
  })
  t.equal(answer.certificate, 'signedCertificateEmbeddedSct')
  const { certificates } = answer.signedCertificateEmbeddedSct.chain
  t.equal(certificates.length, 3)
  t.ok(
    certificates.every((pem) => pem.startsWith('-----BEGIN') && pem.endsWith('-----')),
    'trimmed',
  )
  t.equal(`${certificates.slice(1).join('\n')}\n`, ca.chainPem)
  const [leaf] = parseCertificatesPem(certificates[0]!)
  t.same(Buffer.from(leaf!.spki), key.der)
  const over = await httpsV2(v2Body(token, key))
  t.equal(over.status, 200, 'the same port answers HTTP/2 requests of the JSON API')
  t.match(over.text, /signedCertificateEmbeddedSct/)
  t.equal(await httpsHealth(), 'HTTP/1.1 200', 'and those of HTTP/1.1')
  t.ok(
    logLines.some((line) => line.includes('"decision":"issued"') && line.includes('127.0.0.1')),
    'audited',
  )
})

function httpsHealth(): Promise<string> {
  const options = { ca: readFileSync(join(folder, 'tls.crt')), agent: false } as const
  return new Promise((resolve, reject) => {
    httpsGet(`${ca.url}/healthz`, options, (response) => {
      response.resume()
      resolve(`HTTP/${response.httpVersion} ${response.statusCode}`)
    }).on('error', reject)
  })
}

function httpsV2(body: unknown): Promise<{ status: number; text: string }> {
  const session = connect(ca.url, { ca: readFileSync(join(folder, 'tls.crt')) })
  const stream = session.request({ ':path': '/api/v2/signingCert', ':method': 'POST' })
  return new Promise((resolve, reject) => {
    let status = 0
    let text = ''
    stream
      .on('response', (headers) => (status = Number(headers[':status'])))
      .setEncoding('utf8')
      .on('data', (part: string) => (text += part))
      .on('end', () => {
        session.close()
        resolve({ status, text })
      })
      .on('error', reject)
      .end(JSON.stringify(body))
  })
}

t.test('the token may stand in the metadata, once', async (t) => {
  const metadata = new Metadata()
  metadata.set('oidcidentitytoken', await signToken(issuer, person))
  const answer = await call<Signed>(
    caClient,
    'createSigningCertificate',
    { publicKeyRequest: keyRequest },
    metadata,
  )
  t.equal(answer.certificate, 'signedCertificateEmbeddedSct')
  metadata.add('oidcidentitytoken', 'another')
  t.match(
    await failure(call(caClient, 'createSigningCertificate', { publicKeyRequest: keyRequest }, metadata)),
    {
      code: 3,
      details: /several identity tokens/,
    },
  )
})

t.test('refusals have the code and the message of the HTTP face', async (t) => {
  const token = await signToken(issuer, person)
  const credentials = { oidcIdentityToken: token }
  const proof = Buffer.from(key.prove('somebody else'), 'base64')
  const rows: [string, unknown, number, RegExp][] = [
    ['no token', { publicKeyRequest: keyRequest }, 3, /^There was an error processing the identity token: /],
    ['no key', { credentials }, 3, /^The public key supplied in the request could not be parsed$/],
    [
      'another proof',
      { credentials, publicKeyRequest: { ...keyRequest, proofOfPossession: proof } },
      3,
      /^The signature supplied in the request could not be verified$/,
    ],
    [
      'no request',
      { credentials, certificateSigningRequest: Buffer.from('nothing') },
      3,
      /^The certificate signing request could not be parsed$/,
    ],
  ]
  for (const [name, message, code, details] of rows)
    t.match(await failure(call(caClient, 'createSigningCertificate', message)), { code, details }, name)
  ctLog.mode = 'unavailable_for_long'
  const down = await failure(
    call(caClient, 'createSigningCertificate', { credentials, publicKeyRequest: keyRequest }),
  )
  ctLog.mode = 'good'
  t.match(down, { code: 14, details: 'Error entering certificate in CTL' })
  t.equal(down.metadata.get('retry-after')[0], '17')
  const huge = { credentials: { oidcIdentityToken: 'x'.repeat(256 * 1024) } }
  t.equal((await failure(call(caClient, 'createSigningCertificate', huge))).code, 8, 'above 256 kB')
})

t.test('trust bundle and configuration are those of the HTTP face', async (t) => {
  const bundle = await call<{ chains: { certificates: string[] }[] }>(caClient, 'getTrustBundle', {})
  t.same(
    bundle.chains.map(({ certificates }) => certificates),
    [parseCertificatesPem(ca.chainPem).map(({ der }) => encodeCertificatePem(der))],
  )
  const { issuers } = await call<{ issuers: object[] }>(caClient, 'getConfiguration', {})
  t.match(issuers, [
    { issuer: 'issuerUrl', issuerUrl: emailIssuerUrl, issuerType: 'email', challengeClaim: 'email' },
    {
      issuer: 'wildcardIssuerUrl',
      wildcardIssuerUrl: 'https://oidc.eks.*.amazonaws.com/id/*',
      audience: 'sigstore',
    },
  ])
})

t.test('health: Check serves, List and Watch are not implemented', async (t) => {
  t.match(await call(healthClient, 'check', {}), { status: 'SERVING' })
  t.match(await call(healthClient, 'check', { service: 'dev.sigstore.fulcio.v2.CA' }), { status: 'SERVING' })
  t.equal((await failure(call(healthClient, 'check', { service: 'nobody' }))).code, 5)
  t.equal((await failure(call(healthClient, 'list', {}))).code, 12)
  const watch = (healthClient as unknown as { watch(message: object): NodeJS.EventEmitter }).watch({})
  const error = await new Promise<Status>((resolve) => watch.on('error', resolve).on('data', () => {}))
  t.equal(error.code, 12)
})

t.test(
  'without a CT log, by explicit wish, the answer has the detached shape with an empty SCT',
  async (t) => {
    const { CA_CT_LOG_PUBLIC_KEY_FILE: _key, ...plain } = environment(folder)
    const without = await startCa(
      readConfig({ ...plain, CA_DATA: join(folder, 'without'), CA_CT_LOG_URL: 'none' }),
      {
        logger: createLogger({ name: 'ca', level: 'silent' }),
        processMetrics: false,
      },
    )
    const client = new (at('dev.sigstore.fulcio.v2.CA'))(without.url.replace('https://', ''), trust)
    t.teardown(async () => {
      client.close()
      await without.stop()
    })
    const answer = await call<Record<string, unknown>>(client, 'createSigningCertificate', {
      credentials: { oidcIdentityToken: await signToken(issuer, person) },
      publicKeyRequest: keyRequest,
    })
    t.equal(answer['certificate'], 'signedCertificateDetachedSct')
    t.match(answer, { signedCertificateDetachedSct: { chain: { certificates: { length: 3 } } } })
    t.match(answer, { signedCertificateDetachedSct: { signedCertificateTimestamp: { length: 0 } } })
  },
)

t.test('an address over its limit is refused before its message is read', async (t) => {
  const limited = await startCa(
    readConfig({ ...environment(folder), CA_DATA: join(folder, 'limited'), CA_LIMIT_PER_ADDRESS: '1/h' }),
    { logger: createLogger({ name: 'ca', level: 'silent' }), processMetrics: false },
  )
  const client = new (at('dev.sigstore.fulcio.v2.CA'))(limited.url.replace('https://', ''), trust)
  const session = connect(limited.url, { ca: readFileSync(join(folder, 'tls.crt')) })
  t.teardown(async () => {
    client.close()
    session.close()
    await limited.stop()
  })
  const first = await failure(call(client, 'createSigningCertificate', {}))
  t.equal(first.code, 3, 'the first is looked at')
  const second = await failure(call(client, 'createSigningCertificate', {}))
  t.match(second, { code: 8, details: /^too many requests .* from this address/ })
  t.match(second.metadata.get('retry-after')[0], /^[0-9]+$/)
  t.ok(await call(client, 'getTrustBundle', {}), 'reading is not limited')
  // The head alone: the message never comes.
  const stream = session.request({
    ':method': 'POST',
    ':path': '/dev.sigstore.fulcio.v2.CA/CreateSigningCertificate',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.resume()
  const [trailer] = await once(stream, 'trailers')
  t.match(trailer, { 'grpc-status': '8' })
  stream.close()
  const page = session.request({ ':path': '/metrics' })
  let text = ''
  for await (const part of page.setEncoding('utf8')) text += part
  t.match(text, /CreateSigningCertificate",grpc_code="ResourceExhausted"\} 2/)
})

t.test('the health check of the image speaks TLS where the CA does', async (t) => {
  const script = join(import.meta.dirname, '../../../deploy/healthcheck.ts')
  const check = (more: Record<string, string>) => {
    const env = { SERVICE: 'ca', CA_HOST: '127.0.0.1', CA_PORT: new URL(ca.url).port, ...more }
    return new Promise<{ status: number | null; out: string }>((resolve) => {
      const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let out = ''
      child.stdout.on('data', (part: Buffer) => {
        out += part
      })
      child.once('close', (status) => resolve({ status, out }))
    })
  }
  const good = await check({ CA_TLS_CERTIFICATE_FILE: join(folder, 'tls.crt') })
  t.equal(good.status, 0, good.out)
  t.match(JSON.parse(good.out), { status: 'ready' })
  t.equal((await check({ CA_TLS_CERTIFICATE_FILE: '' })).status, 1, 'plain HTTP is not answered')
  t.match(await check({ CA_PORT: '1' }), {
    status: 1,
    out: /^http:\/\/127\.0\.0\.1:1\/readyz does not answer/,
  })
})

t.test('calls are counted under the names that dashboards ask for', async (t) => {
  const session = connect(ca.url, { ca: readFileSync(join(folder, 'tls.crt')) })
  t.teardown(() => session.close())
  const stream = session.request({ ':path': '/metrics' })
  let text = ''
  for await (const part of stream.setEncoding('utf8')) text += part
  t.match(
    text,
    /grpc_server_handled_total\{grpc_type="unary",grpc_service="dev.sigstore.fulcio.v2.CA",grpc_method="CreateSigningCertificate",grpc_code="OK"\} 3/,
  )
  t.match(text, /grpc_server_handling_seconds_count\{/)
})

t.test(
  'another certificate takes effect without a restart; files that do not belong together change nothing',
  async (t) => {
    const authority = () => readFileSync(join(folder, 'tls.crt'))
    const presented = () =>
      new Promise<string>((resolve, reject) => {
        const [host = '', port] = target.split(':')
        const socket = tlsConnect({ host, port: Number(port), rejectUnauthorized: false }, () => {
          resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
          socket.destroy()
        }).on('error', reject)
      })
    const before = await presented()
    makeTls(folder)
    const { fingerprint256 } = new X509Certificate(authority())
    t.not(fingerprint256, before)
    await until(async () => (await presented()) === fingerprint256)
    t.equal(await presented(), fingerprint256)
    const renewed = new (at('grpc.health.v1.Health'))(target, credentials.createSsl(authority()))
    t.teardown(() => renewed.close())
    t.match(await call(renewed, 'check', {}), { status: 'SERVING' }, 'gRPC too')

    writeFileSync(
      join(folder, 'tls.key'),
      createClientKey().privateKey.export({ format: 'pem', type: 'pkcs8' }),
    )
    await until(() =>
      logLines.some((line) => line.includes('"what":"tls"') && line.includes('belong together')),
    )
    t.equal(await presented(), fingerprint256, 'the pair before stays')
    t.match(await call(renewed, 'check', {}), { status: 'SERVING' })
  },
)
