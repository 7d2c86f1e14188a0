/** What operators see and turn: limits, CT modes, traces, the description of the API, and metrics. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { encodePublicKeyPem } from '@sigstack/crypto'
import { createLogger, createRegistry } from '@sigstack/server'
import { undocumentedRoutes } from '@sigstack/server/testing'
import { embeddedScts } from '@sigstack/x509'
import t from 'tap'
import { createIssuanceLimits } from '../src/adapters/issuance-limits.ts'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { openApi } from '../src/fulcio/http/openapi.ts'
import { createMetrics } from '../src/metrics.ts'
import { createReadiness } from '../src/readiness.ts'
import { startTracing } from '../src/tracing.ts'
import {
  createAuthority,
  createClientKey,
  emailConfig,
  emailToken,
  person,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'

const every = (perSecond: number, burst: number) => [{ perSecond, burst }]

t.test('an identity over its limit gets 429 code 8 with Retry-After; others go on', async (t) => {
  const limits = createIssuanceLimits({ perAddress: [], perIdentity: every(0.001, 2) })
  const harness = await startHarness({ change: (plain) => ({ ...plain, limits }) })
  const key = createClientKey()
  const post = async (claims: Record<string, unknown> = {}, proof = person.email) =>
    postV2(harness, v2Body(await emailToken(harness, claims), key, key.prove(proof)))
  t.equal((await post()).statusCode, 200)
  t.equal((await post()).statusCode, 200)
  const refused = await post()
  t.equal(refused.statusCode, 429)
  t.match(refused.headers, { 'retry-after': /^[1-9]\d*$/, 'content-type': 'application/json' })
  t.match(refused.json(), { code: 8, message: /^too many requests .* from this identity; try again in / })
  for (const email of [person.email.toUpperCase(), `${person.email}.`])
    t.equal((await post({ email }, email)).statusCode, 429, `${email} is the same person`)
  t.equal((await post({ email: 'bob@example.com' }, 'bob@example.com')).statusCode, 200)
  t.match(await harness.metricsText(), /ca_refusals_total\{reason="too_many_requests"\} 3/)
  await harness.stop()
  await limits.stop()
})

t.test('an address over its limit is refused before its token is looked at', async (t) => {
  const limits = createIssuanceLimits({ perAddress: every(0.001, 3), perIdentity: [] })
  const harness = await startHarness({ change: (plain) => ({ ...plain, limits }) })
  const post = (remoteAddress: string) =>
    harness.app.inject({ method: 'POST', url: '/api/v2/signingCert', payload: '{}', remoteAddress })
  for (let i = 0; i < 3; i++) t.equal((await post('192.0.2.1')).statusCode, 400)
  const refused = await post('192.0.2.1')
  t.equal(refused.statusCode, 429)
  t.match(refused.json().message, /from this address/)
  t.equal((await post('192.0.2.2')).statusCode, 400)
  t.equal(harness.proxy.requests.length, 0)
  await harness.stop()
  await limits.stop()
})

t.test('an address over its limit is refused before its body is read', async (t) => {
  const limits = createIssuanceLimits({ perAddress: every(0.001, 1), perIdentity: [] })
  const harness = await startHarness({ change: (plain) => ({ ...plain, limits }) })
  t.teardown(async () => {
    await harness.stop()
    await limits.stop()
  })
  const port = new URL(await harness.app.listen({ host: '127.0.0.1', port: 0 })).port
  /** The head of a request whose body never comes. */
  const answerTo = async (path: string): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port: Number(port) })
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n`)
    let answer = ''
    while (!answer.includes('}')) answer += String((await once(socket, 'data'))[0])
    socket.destroy()
    return answer
  }
  t.equal((await postV2(harness, {})).statusCode, 400)
  for (const path of ['/api/v2/signingCert', '/api/v1/signingCert'])
    t.match(await answerTo(path), /^HTTP\/1.1 429 .*"code":8/s, path)
  t.match(harness.logLines.join(''), /"decision":"refused","code":"too_many_requests"/)
})

t.test(
  'without a CT log, by explicit wish: the detached shape with an empty SCT, in both versions',
  async (t) => {
    const harness = await startHarness({ change: (plain) => ({ ...plain, ctLog: undefined }) })
    const key = createClientKey()
    const token = await emailToken(harness)
    const answer = await postV2(harness, v2Body(token, key))
    t.equal(answer.statusCode, 200)
    const body = answer.json() as {
      signedCertificateDetachedSct: { chain: { certificates: string[] }; signedCertificateTimestamp: string }
    }
    t.same(Object.keys(body), ['signedCertificateDetachedSct'])
    t.equal(body.signedCertificateDetachedSct.signedCertificateTimestamp, '')
    const { certificates } = body.signedCertificateDetachedSct.chain
    t.equal(certificates.length, 3)
    const leaf = new X509Certificate(certificates[0]!)
    t.equal(embeddedScts(leaf.raw), undefined, 'no SCT')
    t.ok(leaf.verify(new X509Certificate(certificates[1]!).publicKey))
    t.notOk(leaf.raw.includes(Buffer.from('060a2b06010401d679020403', 'hex')), 'no poison either')
    const legacy = await harness.app.inject({
      method: 'POST',
      url: '/api/v1/signingCert',
      headers: { authorization: `Bearer ${token}` },
      payload: JSON.stringify({
        publicKey: { content: key.der.toString('base64') },
        signedEmailAddress: key.prove(person.email),
      }),
    })
    t.equal(legacy.statusCode, 201)
    t.equal(legacy.headers['sct'], undefined)
    t.equal(harness.ctLog.requests, 0)
    await harness.stop()
  },
)

const ctKeys = [createClientKey().pem, createClientKey().pem] as const
const folder = t.testdir({
  'issuers.json': JSON.stringify(emailConfig),
  'policy.yaml': 'policies: { "*": [{ name: nobody, deny: { subject: mallory } }] }',
  'bad.yaml': 'policies: { "https://other.example": [] }',
  'key.pem': createClientKey().pem,
  'keys.pem': `${ctKeys[0]}of the next year:\n${ctKeys[1]}`,
})
const environment = (more: Record<string, string>): NodeJS.ProcessEnv => ({
  CA_CONFIG_FILE: `${folder}/issuers.json`,
  OIDC_PROXY_URL: 'http://127.0.0.1:1',
  ...more,
})

t.test('the configuration of limits, policy file, traces and the missing CT log', async (t) => {
  const none = readConfig(environment({ CA_CT_LOG_URL: 'none' }))
  t.match(none, { ctLogs: [], traces: false })
  const withLog = { CA_CT_LOG_URL: 'http://127.0.0.1:2', CA_CT_LOG_PUBLIC_KEY_FILE: `${folder}/key.pem` }
  const full = readConfig(
    environment({
      ...withLog,
      CA_POLICY_FILE: `${folder}/policy.yaml`,
      CA_LIMIT_PER_ADDRESS: '20/s burst 100',
      CA_LIMIT_PER_IDENTITY: '60/min, 500/h',
      REDIS_URL: 'redis://127.0.0.1:6379',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    }),
  )
  t.match(full, {
    ctLogs: [{ url: 'http://127.0.0.1:2' }],
    traces: true,
    limits: {
      perAddress: [{ perSecond: 20, burst: 100 }],
      perIdentity: [
        { perSecond: 1, burst: 60 },
        { perSecond: 500 / 3600, burst: 500 },
      ],
      redisUrl: 'redis://127.0.0.1:6379',
    },
    identity: { issuers: [{ policy: { rules: [{ name: 'nobody' }] } }] },
    identityFiles: { policyPath: `${folder}/policy.yaml` },
  })
  for (const [more, message] of [
    [{ CA_CT_LOG_URL: '' }, /CA_CT_LOG_URL/],
    [{ CA_CT_LOG_URL: 'None' }, /CA_CT_LOG_URL/],
    [{ ...withLog, CA_CT_LOG_URL: 'http://127.0.0.1:2,none' }, /CA_CT_LOG_URL must be http or https URLs/],
    [
      { ...withLog, CA_CT_LOG_URL: 'http://a,http://b' },
      /2 logs in CA_CT_LOG_URL, and 1 key of CT logs; it takes one for each/,
    ],
    [
      { ...withLog, CA_CT_LOG_PUBLIC_KEY_FILE: `${folder}/keys.pem` },
      /1 log in CA_CT_LOG_URL, and 2 keys of CT logs/,
    ],
    [
      { CA_CT_LOG_URL: 'http://a,http://a', CA_CT_LOG_PUBLIC_KEY_FILE: `${folder}/keys.pem` },
      /CA_CT_LOG_URL names a log twice/,
    ],
    [
      { ...withLog, CA_CT_LOG_URL: 'none' },
      /CA_CT_LOG_URL is none, but CA_CT_LOG_PUBLIC_KEY\(_FILE\) is set/,
    ],
    [{ ...withLog, CA_LIMIT_PER_ADDRESS: 'many' }, /CA_LIMIT_PER_ADDRESS: "many" is no limit/],
    [{ ...withLog, CA_POLICY_FILE: `${folder}/bad.yaml` }, /CA_POLICY_FILE .*which is no configured issuer/],
  ] as const)
    t.throws(() => readConfig(environment(more)), { message }, String(message))
  const { ctLogs } = readConfig(
    environment({
      CA_CT_LOG_URL: 'http://127.0.0.1:2, http://127.0.0.1:2/2027',
      CA_CT_LOG_PUBLIC_KEY_FILE: `${folder}/keys.pem`,
    }),
  )
  t.same(
    ctLogs.map(({ url, publicKey }) => [url, encodePublicKeyPem(publicKey)]),
    [
      ['http://127.0.0.1:2', ctKeys[0]],
      ['http://127.0.0.1:2/2027', ctKeys[1]],
    ],
    'each with its own key',
  )
})

t.test('readiness says that there is no CT log, and is ready all the same', async (t) => {
  const harness = await startHarness()
  const ready = createReadiness({
    authority: () => harness.authority,
    ctLog: undefined,
    proxy: { probe: async () => {} },
    now: () => new Date(),
  })
  t.match(await ready(), { ready: true, checks: { key: 'ok', ctLog: /^none: / } })
  await harness.stop()
})

t.test('readiness signs with the key, looks at the chain, and a metric warns of its end', async (t) => {
  const harness = await startHarness()
  const stranger = await createAuthority()
  const { chain, signer } = harness.authority
  const failing = { ...signer, sign: () => Promise.reject(new Error('HSM says 0x30')) }
  const soon = new Date(chain[0].notAfter.getTime() - 599_000)
  const early = new Date(chain[0].notBefore.getTime() - 1_000)
  for (const [authority, now, checks] of [
    [{ chain, signer: failing }, new Date(), { key: 'does not sign', chain: 'ok' }],
    [{ chain, signer: stranger.signer }, new Date(), { key: 'does not sign', chain: 'ok' }],
    [harness.authority, soon, { key: 'ok', chain: 'ends' }],
    [harness.authority, early, { key: 'ok', chain: 'not valid yet' }],
  ] as const) {
    const probe = async () => {}
    const ready = createReadiness({
      authority: () => authority,
      ctLog: { probe, states: () => [] },
      proxy: { probe },
      now: () => now,
    })
    t.match(await ready(), { ready: false, checks: { ...checks, ctLog: 'ok', oidcProxy: 'ok' } })
  }
  const day = 86_400_000
  for (const [days, due] of [
    [29, 1],
    [31, 0],
  ] as const) {
    const registry = createRegistry({ processMetrics: false })
    const end = new Date(Math.floor((Date.now() + days * day) / 1000) * 1000)
    createMetrics(registry, () => end)
    const text = await registry.metrics()
    t.match(text, new RegExp(`^ca_chain_ends_soon ${due}$`, 'm'))
    t.match(text, new RegExp(`^ca_chain_end_timestamp_seconds ${end.getTime() / 1000}$`, 'm'))
  }
  await harness.stop()
})

t.test('the description of the API has every route, and the page needs nothing from elsewhere', async (t) => {
  const harness = await startHarness()
  const registry = createRegistry({ processMetrics: false })
  const app = buildApp({
    issuance: harness.issuance,
    issuers: () => [],
    metrics: createMetrics(registry, () => new Date()),
    logger: false,
    readiness: async () => ({ ready: true, checks: {} }),
  })
  t.same(await undocumentedRoutes(app), [])
  const json = await app.inject('/api/openapi.json')
  t.equal(json.headers['content-type'], 'application/json')
  t.match(json.json(), openApi)
  t.equal(json.body, (await app.inject('/openapi.json')).body)
  for (const reference of json.body.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    t.ok(reference[1]! in openApi.components.schemas, reference[1]!)
  const page = await app.inject('/api/docs')
  t.equal(page.body, (await app.inject('/docs')).body)
  t.match((await app.inject('/')).body, 'href="/docs"')
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.headers['content-security-policy'], /default-src 'none'/)
  t.notMatch(page.body, /<script|src=|href="https?:|url\(|@import/)
  for (const path of Object.keys(openApi.paths)) t.ok(page.body.includes(path), path)
  await app.close()
  await harness.stop()
})

t.test('metrics under the names of Fulcio, with its labels', async (t) => {
  const harness = await startHarness()
  const key = createClientKey()
  const token = await emailToken(harness)
  await postV2(harness, v2Body(token, key))
  await postV2(harness, '{}')
  await harness.app.inject('/api/v2/trustBundle')
  const text = (await harness.app.inject('/metrics')).body
  for (const line of [
    /^fulcio_new_certs 1$/m,
    /^# TYPE fulcio_new_certs counter$/m,
    /^fulcio_api_latency_count\{code="200",method="post"\} 1$/m,
    /^# TYPE fulcio_api_latency histogram$/m,
    /^http_requests_total\{code="400",method="post"\} 1$/m,
    /^http_requests_total\{code="200",method="get"\} 1$/m,
    /^fulcio_build_info\{version="[^"]+",revision="[^"]*",build_date="[^"]*",goversion="node v24[^"]*"\} 1$/m,
    /^grpc_server_started_total\{grpc_type="unary",grpc_service="dev\.sigstore\.fulcio\.v2\.CA",grpc_method="CreateSigningCertificate"\} 2$/m,
    /^grpc_server_msg_received_total\{.*grpc_method="GetTrustBundle"\} 1$/m,
    /^grpc_server_msg_sent_total\{.*grpc_method="CreateSigningCertificate"\} 1$/m,
    /^grpc_server_handled_total\{.*grpc_method="CreateSigningCertificate",grpc_code="InvalidArgument"\} 1$/m,
    /^grpc_server_handled_total\{.*grpc_method="CreateSigningCertificate",grpc_code="OK"\} 1$/m,
    /^grpc_server_handling_seconds_count\{.*grpc_method="CreateSigningCertificate"\} 2$/m,
  ])
    t.match(text, line)
  await harness.stop()
})

t.test('what OpenTelemetry has to say goes into the log', async (t) => {
  const collector = createServer((_request, response) => response.writeHead(400).end('\u001b[2K no'))
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  t.teardown(() => collector.close())
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const tracing = await startTracing('sigstack-ca', createLogger({ name: 'ca', destination }))
  await tracing.trace('step', async () => undefined)
  await tracing.stop()
  t.match(JSON.parse(lines.at(-1) ?? ''), { level: 'warn', msg: 'traces fail', err: { code: 400 } })
})

t.test('traces: one span a step, within the trace of the caller, without claims or tokens', async (t) => {
  const bodies: string[] = []
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString())
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  t.teardown(() => collector.close())
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const tracing = await startTracing('sigstack-ca', createLogger({ name: 'ca', level: 'silent' }))
  const harness = await startHarness({
    change: (plain) => ({ ...plain, trace: tracing.trace }),
    tracing,
  })
  const key = createClientKey()
  const token = await emailToken(harness)
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`
  t.equal((await postV2(harness, v2Body(token, key), { traceparent })).statusCode, 200)
  t.equal((await postV2(harness, v2Body('no.token.here', key), { traceparent })).statusCode, 400)
  await harness.stop()
  await tracing.stop()
  type Span = {
    name: string
    traceId: string
    spanId: string
    parentSpanId?: string
    status: { code?: number; message?: string }
  }
  const spans = bodies.flatMap((body) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
  })
  t.same(spans.map(({ name }) => name).sort(), [
    'ct',
    'final',
    'issue certificate',
    'issue certificate',
    'precertificate',
    'proof',
    'token',
    'token',
  ])
  t.ok(
    spans.every((span) => span.traceId === traceId),
    'the trace of the caller goes on',
  )
  const whole = spans.filter(({ name }) => name === 'issue certificate')
  t.ok(
    spans
      .filter(({ name }) => name === 'ct')
      .every(({ parentSpanId }) => parentSpanId === whole[0]!.spanId || parentSpanId === whole[1]!.spanId),
  )
  t.match(
    spans.filter(({ status }) => status.code === 2).map(({ status }) => status.message),
    ['identity_token_rejected', 'identity_token_rejected'],
  )
  t.match(bodies.join(''), /sigstack-ca/)
  t.notMatch(bodies.join(''), new RegExp(`${person.email}|${token.slice(-20)}`))
})

t.test('no CT log is told loudly at the start', async (t) => {
  const lines: string[] = []
  const { startCa } = await import('../src/start.ts')
  const ca = await startCa(
    {
      ...readConfig(environment({ CA_CT_LOG_URL: 'none', CA_DATA: `${folder}/data`, CA_PORT: '0' })),
      logLevel: 'info',
    },
    {
      logger: createLogger({ name: 'ca', level: 'info', destination: { write: (line) => lines.push(line) } }),
      processMetrics: false,
    },
  )
  t.ok(
    lines.some((line) => /"level":(40|"warn").*THERE IS NO CT LOG/.test(line)),
    lines.join('').slice(0, 500),
  )
  const ready = await fetch(`${ca.url}/readyz`)
  t.match(await ready.json(), { checks: { ctLog: /^none: / } })
  await ca.stop()
})
