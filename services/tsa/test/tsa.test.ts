/** The timestamp authority over HTTP: stamps that OpenSSL verifies, and refusals as clients know them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { commitStampRotation, prepareStampRotation } from '@sigstack/ca-authority'
import { parsePemBlocks, sha256 } from '@sigstack/crypto'
import { createLogger, createRegistry } from '@sigstack/server'
import { undocumentedRoutes } from '@sigstack/server/testing'
import '@sigstack/signers/few-rounds'
import { encodeTimestampRequest, parseTimestampRequest } from '@sigstack/timestamp'
import { buildApp, createMetrics, readConfig, startTsa } from '@sigstack/tsa'
import t, { type Test } from 'tap'

const logger = createLogger({ name: 'tsa', level: 'silent' })
const password = 'a password'
const stamping = '/api/v1/timestamp'
const query = { 'content-type': 'application/timestamp-query' }
const hello = sha256('hello')
const request = encodeTimestampRequest({ hash: 'sha256', imprint: hello, certificates: true })

async function start(t: Test, settings: Readonly<Record<string, string>> = {}) {
  const folder = path.join(t.testdir(), 'tsa')
  const config = readConfig({ TSA_DATA: folder, TSA_PORT: '0', TSA_KEY_PASSWORD: password, ...settings })
  const tsa = await startTsa(config, { logger, processMetrics: false })
  t.teardown(() => tsa.stop())
  const post = (body: Uint8Array | string, headers: Readonly<Record<string, string>> = query) =>
    fetch(`${tsa.url}${stamping}`, { method: 'POST', body: Buffer.from(body), headers })
  const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer())
  return { ...tsa, folder, post, bytes }
}

t.test('stamps verify with OpenSSL, by request and by content, whoever asks in which form', async (t) => {
  const { url, post, bytes, folder } = await start(t)
  const file = (name: string, content: Uint8Array | string) => {
    writeFileSync(path.join(folder, name), content)
    return path.join(folder, name)
  }
  const data = file('data', 'hello')
  const chain = await fetch(`${url}${stamping}/certchain`)
  t.equal(chain.headers.get('content-type'), 'application/pem-certificate-chain')
  t.equal(chain.headers.get('cache-control'), 'max-age=86400, immutable')
  const pem = await chain.text()
  t.equal(parsePemBlocks(pem).length, 3)
  const anchors = file('chain.pem', pem)
  const verify = (response: Uint8Array, how: readonly string[]) =>
    execFileSync(
      'openssl',
      ['ts', '-verify', ...how, '-in', file('stamp', response), '-CAfile', anchors, '-untrusted', anchors],
      { encoding: 'utf8', stdio: 'pipe' },
    )

  const options = [
    [],
    ['-cert'],
    ['-sha512', '-cert'],
    ['-sha384', '-no_nonce'],
    ['-tspolicy', '1.3.6.1.4.1.57264.2'],
  ]
  for (const [at, option] of options.entries()) {
    const name = path.join(folder, `query-${at}`)
    execFileSync('openssl', ['ts', '-query', '-data', data, ...option, '-out', name], { stdio: 'pipe' })
    const asked = readFileSync(name)
    const answer = await post(asked)
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('content-type'), 'application/timestamp-reply')
    t.match(answer.headers.get('cache-control'), /no-store/)
    const response = await bytes(answer)
    t.match(verify(response, ['-queryfile', name]), /Verification: OK/, option.join(' '))
    t.match(verify(response, ['-data', data]), /Verification: OK/)
    t.equal(
      response.includes(Buffer.from(parsePemBlocks(pem)[0]?.der ?? [])),
      parseTimestampRequest(asked).certificates,
    )
  }

  const plain = { artifactHash: Buffer.from(hello).toString('base64'), hashAlgorithm: 'sha256' }
  const nonce = '170141183460469231731687303715884105729'
  const asJson = JSON.stringify(plain).replace('}', `,"nonce":${nonce},"certificates":true}`)
  const answer = await post(asJson, { 'content-type': 'application/json; charset=utf-8' })
  const response = await bytes(answer)
  t.match(verify(response, ['-data', data]), /Verification: OK/)
  t.match(
    execFileSync('openssl', ['ts', '-reply', '-in', file('stamp', response), '-text'], { encoding: 'utf8' }),
    /Nonce: 0x80000000000000000000000000000001/,
  )
})

t.test('what is not stamped is refused by the status and words that clients know', async (t) => {
  const { post, url } = await start(t)
  const json = { 'content-type': 'application/json' }
  const plain = { artifactHash: Buffer.from(hello).toString('base64'), hashAlgorithm: 'sha256' }
  const any = 'Error generating timestamp response'
  const asJson = (change: object) => [JSON.stringify({ ...plain, ...change }), json] as const
  const cases: readonly (readonly [
    readonly [Uint8Array | string, Record<string, string>],
    number,
    string,
  ])[] = [
    [['', query], 400, any],
    [['nothing', query], 400, any],
    [['{', json], 400, any],
    [asJson({ artifactHash: '!' }), 400, any],
    [asJson({ hashAlgorithm: 'md5' }), 400, any],
    [asJson({ hashAlgorithm: 'sha1' }), 400, 'Weak hash algorithm in timestamp request'],
    [asJson({ hashAlgorithm: 'sha512' }), 400, 'Message digest has incorrect length for specified algorithm'],
    [
      asJson({ tsaPolicyOID: '1.2.3' }),
      400,
      'unaccepted policy: requested TSA policy is not supported by the TSA',
    ],
    [
      asJson({ tsaPolicyOID: Array(130).fill('1').join('.') }),
      400,
      'OID should be comprised of at most 128 components',
    ],
    [asJson({ more: 'x'.repeat(2000) }), 400, 'timestamp request is too large'],
    [
      [encodeTimestampRequest({ hash: 'sha256', imprint: hello, policy: '1.2.3' }), query],
      400,
      'unaccepted policy: requested TSA policy is not supported by the TSA',
    ],
    [[request, { 'content-type': 'text/plain' }], 415, any],
    [[request, { 'content-type': 'application/octet-stream' }], 415, any],
    [[request, { 'content-type': 'multipart/form-data; boundary=application/json' }], 415, any],
    [[request, { 'content-type': 'application/json; =' }], 415, any],
    [[new Uint8Array(2_000_000), query], 413, any],
  ]
  for (const [[body, headers], code, message] of cases) {
    const answer = await post(body, headers)
    t.equal(answer.headers.get('content-type'), 'application/json')
    t.same([answer.status, await answer.json()], [code, { code, message }])
  }
  const wrongMethod = await fetch(`${url}${stamping}`)
  t.same([wrongMethod.status, wrongMethod.headers.get('allow')], [405, 'POST'])
  t.equal((await fetch(`${url}/nothing`)).status, 404)
  t.equal(await (await fetch(`${url}/ping`)).text(), '.')
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(
    metrics,
    /timestamp_authority_http_requests_total\{code="415",path="\/api\/v1\/timestamp",method="POST"\} 4/,
  )
  t.match(metrics, /tsa_refusals_total\{reason="weak_hash"\} 1/)
  t.match(metrics, /timestamp_authority_certificate_valid_days_remaining 7[23]\d/)
})

t.test('policies and the successful status are the operator’s', async (t) => {
  const { post } = await start(t, {
    TSA_DEFAULT_POLICY: '1.2.3',
    TSA_ACCEPTED_POLICIES: '1.2.4, 1.2.5',
    TSA_SUCCESS_STATUS: '201',
  })
  t.equal((await post(request)).status, 201)
  for (const [policy, status] of [
    ['1.2.3', 201],
    ['1.2.5', 201],
    ['1.2.6', 400],
  ] as const)
    t.equal(
      (await post(encodeTimestampRequest({ hash: 'sha256', imprint: hello, policy }))).status,
      status,
      policy,
    )
})

t.test('a rotation takes effect while it runs, and every chain is told', async (t) => {
  const { url, folder } = await start(t)
  const chain = async () => (await fetch(`${url}${stamping}/certchain`)).text()
  const bundle = async () =>
    (
      (await (await fetch(`${url}${stamping}/trustBundle`)).json()) as {
        chains: { certificates: string[] }[]
      }
    ).chains
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const first = await chain()
  t.same(
    (await bundle()).map(({ certificates }) => certificates.join('')),
    [first],
  )
  const now = new Date()
  const { name } = await prepareStampRotation({ folder, password, now })
  await until(async () => (await bundle()).length === 2)
  t.equal(await chain(), first, 'prepared, and nothing more')
  await commitStampRotation({ folder, password, name, now })
  await until(async () => (await chain()) !== first)
  t.same(
    (await bundle()).map(({ certificates }) => certificates.join('')),
    [await chain(), first],
  )
})

t.test('a key that does not sign, and a clock that is not believed, are failures of ours', async (t) => {
  const metrics = createMetrics(createRegistry({ processMetrics: false }), () => new Date())
  const app = buildApp({
    issueStamp: () => Promise.reject(new Error('broken')),
    successStatus: 200,
    bodyLimitBytes: 1024,
    chainPem: () => '',
    trustedChains: () => [],
    metrics,
    logger: false,
  })
  t.teardown(() => app.close())
  const answer = await app.inject({
    method: 'POST',
    url: stamping,
    headers: query,
    payload: Buffer.from(request),
  })
  t.equal(answer.statusCode, 500)
  t.same(answer.json(), { code: 500, message: 'Error generating timestamp response' })
  t.same(await undocumentedRoutes(app), [], 'everything is in the description')
})

t.test('settings that contradict each other stop the start in one sentence', async (t) => {
  const read = (settings: Readonly<Record<string, string>>) => () => readConfig(settings)
  t.throws(read({ TSA_KEY: 'file:/key' }), /TSA_CHAIN_FILE belong together/)
  t.throws(read({ TSA_CLOCK_WHEN_UNSURE: 'refuse' }), /no clock to compare with/)
  t.throws(read({ TSA_CLOCK_NTP_SERVERS: 'a,b', TSA_CLOCK_NTP_ANSWERS: '3' }), /3 answers of 2 servers/)
  t.throws(read({ TSA_CLOCK_NTP_SERVERS: 'a:70000' }), /70000 is no port/)
  t.throws(read({ TSA_DEFAULT_POLICY: 'policy' }), /TSA_DEFAULT_POLICY/)
  const answersOf = (servers: string) => readConfig({ TSA_CLOCK_NTP_SERVERS: servers }).clock.ntpAnswers
  t.same(['', 'a', 'a,b', 'a,b,c', 'a,b,c,d'].map(answersOf), [0, 1, 2, 2, 3])
})
