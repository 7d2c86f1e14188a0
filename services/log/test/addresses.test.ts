import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createLimiter, parseRanges, trustedProxies } from '@sigstack/limits'
import t from 'tap'
import { addressLimiterOf } from '../src/admission/address-limiter.ts'
import { createGate } from '../src/admission/gate.ts'
import { readPolicy } from '../src/admission/policy-file.ts'
import { readConfig } from '../src/config.ts'
import { acceptedRoots } from '../src/roots/accepted-roots.ts'
import { json, openCt, openRekor, proposalFor, type RekorUnderTest } from './support.ts'

const trustProxy = trustedProxies(['127.0.0.1', '10.0.0.0/8'])
let count = 0

async function from(rekor: RekorUnderTest, forwardedFor: string): Promise<number> {
  const answer = await rekor.app.inject({
    method: 'POST',
    url: '/api/v1/log/entries',
    headers: { ...json, 'x-forwarded-for': forwardedFor },
    payload: JSON.stringify(proposalFor(String(++count))),
  })
  return answer.statusCode
}

const denied = ['9.9.9.1', '9.9.9.9:1001', '"9.9.9.9"', '::ffff:9.9.9.9', '::ffff:909:909', '[2001:db8::1]:1']
const noAddress = ['unknown', '_hidden', 'localhost', '9.9.9.9.9', '09.9.9.9', 'x'.repeat(5_000)]

t.test('a rule about networks reads every spelling, and what is no address never passes one', async (t) => {
  const file = path.join(t.testdir({}), 'rules.json')
  const when = { network: ['9.9.9.0/24', '2001:db8::/32'] }
  const open = async (rules: object) => {
    writeFileSync(file, JSON.stringify(rules))
    const { policy } = await readPolicy(file)
    return openRekor(t, { trustProxy, settings: { gate: createGate({ policy: () => policy }) } })
  }
  const denying = await open({ default: 'allow', rules: [{ name: 'not here', effect: 'deny', when }] })
  for (const client of [...denied, ...noAddress])
    t.equal(await from(denying, client), 403, client.slice(0, 20))
  for (const client of ['8.8.8.8', '8.8.8.8:1', '[2001:db9::1]:1'])
    t.equal(await from(denying, client), 201, client)
  t.equal(await from(denying, '8.8.8.8, 9.9.9.9:7, 10.0.0.7:80'), 403, 'proxies that write their ports')
  t.equal(await from(denying, '9.9.9.9, 8.8.8.8:7'), 201, 'what a client says of itself does not count')

  const allowing = await open({ default: 'deny', rules: [{ name: 'here', effect: 'allow', when }] })
  for (const client of denied) t.equal(await from(allowing, client), 201, client)
  for (const client of ['8.8.8.8', ...noAddress])
    t.equal(await from(allowing, client), 403, client.slice(0, 20))
})

t.test(
  'a limit counts addresses and not their spellings, and those that cannot be read as one',
  async (t) => {
    const addressLimiter = addressLimiterOf(createLimiter({ rules: [{ perSecond: 0.0001, burst: 2 }] }))
    const rekor = await openRekor(t, { trustProxy, settings: { gate: createGate({ addressLimiter }) } })
    const statuses: number[] = []
    for (const client of ['8.8.8.8:1001', '8.8.8.8:1002', '::ffff:808:808', '"8.8.8.8"'])
      statuses.push(await from(rekor, client))
    for (const client of ['unknown', '_a', '_b', 'localhost']) statuses.push(await from(rekor, client))
    for (const client of ['[2001:db8::1]:1', '[2001:db8::2]:2', '2001:db8:0:0:3::'])
      statuses.push(await from(rekor, client))
    t.same(statuses, [201, 201, 429, 429, 201, 201, 429, 429, 201, 201, 429])
  },
)

t.test('a trusted proxy that is no address or range stops the start', async (t) => {
  const environment = (LOG_TRUSTED_PROXIES: string) => ({
    LOG_FACE: 'rekor-v1',
    LOG_HOSTNAME: 'rekor.example.org',
    DATABASE_URL: 'postgres://x',
    LOG_KEY: 'key.pem',
    LOG_TRUSTED_PROXIES,
  })
  t.same(readConfig(environment(' 10.0.0.0/8 , loopback,2001:db8::/32'), '').trustedProxies, [
    '10.0.0.0/8',
    'loopback',
    '2001:db8::/32',
  ])
  for (const text of ['10.0.0', '10.0.0.0/40', 'proxy.example.org', '10.0.0.1:80'])
    t.throws(() => readConfig(environment(text), ''), {
      message: /^bad configuration: LOG_TRUSTED_PROXIES: /,
    })
})

t.test(
  'the limit holds wherever something is verified or a key is read, and for other reads not',
  async (t) => {
    const proposal = proposalFor('limited')
    const key = proposal.spec.signature.publicKey.content
    const dear: readonly [string, unknown][] = [
      ['/api/v1/log/entries', proposal],
      ['/api/v1/log/entries/retrieve', { entries: [proposal] }],
      ['/api/v1/index/retrieve', { publicKey: { format: 'x509', content: key } }],
      ['/api/v1/search', { publicKey: { format: 'x509', content: key } }],
    ]
    const cheap: readonly [string, unknown][] = [
      ['/api/v1/log/entries/retrieve', { logIndexes: [0] }],
      ['/api/v1/index/retrieve', { hash: '0'.repeat(64) }],
      ['/api/v1/search', { digest: `sha256:${'0'.repeat(64)}` }],
    ]
    for (const [url, payload] of dear) {
      const addressLimiter = addressLimiterOf(createLimiter({ rules: [{ perSecond: 0.0001, burst: 1 }] }))
      const { app } = await openRekor(t, { settings: { gate: createGate({ addressLimiter }) } })
      const post = async (path: string, body: unknown) =>
        (await app.inject({ method: 'POST', url: path, headers: json, payload: JSON.stringify(body) }))
          .statusCode
      t.ok((await post(url, payload)) < 300, `${url} once`)
      t.equal(await post(url, payload), 429, `${url} again`)
      for (const [path, body] of cheap)
        t.equal(await post(path, body), 200, `${path} ${JSON.stringify(body)}`)
    }
  },
)

t.test('addresses without limit are not counted, whatever their spelling', async (t) => {
  const limiter = createLimiter({ rules: [{ perSecond: 0.0001, burst: 1 }] })
  const unlimited = parseRanges(['8.8.8.0/24', '2001:db8::/32'])
  const addressLimiter = addressLimiterOf(limiter, unlimited)
  const rekor = await openRekor(t, { trustProxy, settings: { gate: createGate({ addressLimiter }) } })
  const statuses: number[] = []
  for (const client of ['8.8.8.8', '::ffff:808:808', '8.8.8.9:7', '[2001:db8::1]:1', '2001:db8::2'])
    statuses.push(await from(rekor, client))
  for (const client of ['unknown', 'unknown', '9.9.9.9', '9.9.9.9']) statuses.push(await from(rekor, client))
  t.same(statuses, [201, 201, 201, 201, 201, 201, 429, 201, 429], 'what is no address is not among them')
})

t.test('the limit holds for submissions to a CT log, before their body is read', async (t) => {
  const limiter = createLimiter({ rules: [{ perSecond: 0.01, burst: 2 }] })
  const addressLimiter = addressLimiterOf(limiter, parseRanges(['192.0.2.7']))
  const roots = { current: () => acceptedRoots([]), refresh: async () => {} }
  const { app } = await openCt(t, { roots, addressLimiter })
  const submit = (name: string, remoteAddress: string, payload = '{}') =>
    app.inject({ method: 'POST', url: `/ct/v1/${name}`, headers: json, payload, remoteAddress })
  t.equal((await submit('add-chain', '2001:db8::1')).statusCode, 400)
  t.equal((await submit('add-pre-chain', '2001:db8::2')).statusCode, 400, 'both count')
  const refused = await submit('add-chain', '2001:db8::3', 'x'.repeat(600_000))
  t.match(refused, {
    statusCode: 429,
    body: 'Too Many Requests\ntoo many submissions from this address\n',
    headers: { 'retry-after': '100', 'content-type': /^text\/plain/ },
  })
  t.equal((await submit('add-pre-chain', '2001:db8::4')).statusCode, 429)
  t.equal((await submit('add-chain', '2001:db8:0:1::1')).statusCode, 400, 'another network')
  for (let i = 0; i < 5; i++) t.equal((await submit('add-chain', '192.0.2.7')).statusCode, 400)
  const read = await app.inject({ url: '/ct/v1/get-roots', remoteAddress: '2001:db8::1' })
  t.equal(read.statusCode, 200, 'reading is not limited')
})

t.test('both faces read the limit, and what is wrong in it stops the start', async (t) => {
  const common = { LOG_HOSTNAME: 'log.example.org', DATABASE_URL: 'postgres://x', LOG_KEY: 'key.pem' }
  for (const face of [{ LOG_FACE: 'rekor-v1' }, { LOG_FACE: 'ct', CT_ROOTS_FILE: 'roots.pem' }]) {
    const read = (more: object) => readConfig({ ...common, ...face, ...more }, '').face
    const limits = { LOG_LIMIT_PER_ADDRESS: '2/min', REDIS_URL: 'redis://r' }
    t.match(read({ ...limits, LOG_UNLIMITED_ADDRESSES: 'loopback, 10.0.0.7' }), {
      addressLimits: [{ perSecond: 2 / 60, burst: 2 }],
      unlimitedAddresses: ['loopback', '10.0.0.7'],
      redisUrl: 'redis://r',
    })
    t.throws(() => read({ LOG_LIMIT_PER_ADDRESS: 'often' }), /LOG_LIMIT_PER_ADDRESS: /)
    t.throws(() => read({ LOG_UNLIMITED_ADDRESSES: 'ca.example.org' }), /LOG_UNLIMITED_ADDRESSES: /)
  }
})
