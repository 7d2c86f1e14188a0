import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { CompactSign, exportJWK } from 'jose'
import t, { type Test } from 'tap'
import { parseDiscovery, parseIssuerKeys } from '../src/token/issuer-documents.ts'
import { createIssuer, signToken, startProxy, unsigned } from './support/oidc.ts'
import { createIssuerKeysForTest as createKeys, createVerifier } from './support/verifier.ts'

const url = 'https://login.example.com'
const now = (): number => Math.floor(Date.now() / 1000)
const standard = { iss: url, aud: 'sigstore', sub: 'subject-1', exp: now() + 600 }

async function setUp(t: Test, alg = 'RS256', keepMs?: number) {
  const issuer = await createIssuer(url, alg)
  const proxy = await startProxy(issuer)
  const clock = { ms: 0 }
  const { authenticate, close } = createVerifier(proxy.url, () => clock.ms, keepMs)
  t.teardown(async () => {
    await close()
    await proxy.stop()
  })
  const refused = (token: string, refusal: string, message: RegExp, name?: string) =>
    t.rejects(
      authenticate(token),
      { name: 'IssuanceError', code: 'identity_token_rejected', refusal, message },
      name ?? refusal,
    )
  return { issuer, proxy, authenticate, refused, clock }
}

t.test('good tokens of every kind of key are accepted', async (t) => {
  for (const alg of ['RS256', 'PS384', 'ES256', 'ES384', 'EdDSA']) {
    const { issuer, authenticate } = await setUp(t, alg)
    const { issuer: entry, claims } = await authenticate(await signToken(issuer))
    t.equal(entry.url, url, alg)
    t.equal(claims['sub'], 'subject-1')
    t.ok(await authenticate(await signToken(issuer, { aud: ['x', 'sigstore'] })), 'a list of audiences')
    t.ok(await authenticate(await signToken(issuer, { nbf: now() + 290 })), 'nbf at most 5 minutes ahead')
    t.ok(await authenticate(await signToken(issuer, {}, { kid: undefined })), 'no kid: every key is tried')
  }
})

t.test('attack: alg none, in every spelling, and with nothing behind the last dot', async (t) => {
  const { refused } = await setUp(t)
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, 7, ['RS256']])
    await refused(
      unsigned({ alg, kid: 'key-1' }, standard),
      'algorithm_refused',
      /^alg is .* but must be one of RS256$/,
    )
  await refused(unsigned({ kid: 'key-1' }, standard), 'algorithm_refused', /^alg is null/)
})

t.test('attack: HMAC with the public key as its secret', async (t) => {
  const { issuer, proxy, refused } = await setUp(t)
  const jwk = issuer.keys[0]!
  issuer.keys.push({ kty: 'oct', kid: 'shared', k: Buffer.from('secret').toString('base64url') })
  issuer.algorithms = ['HS256', 'RS256', 'none']
  for (const [secret, kid] of [
    [JSON.stringify(jwk), 'key-1'],
    ['secret', 'shared'],
  ] as const) {
    const unsignedPart = unsigned({ alg: 'HS256', kid }, standard).slice(0, -1)
    const mac = createHmac('sha256', secret).update(unsignedPart).digest('base64url')
    await refused(`${unsignedPart}.${mac}`, 'algorithm_refused', /^alg is "HS256" but must be one of RS256$/)
  }
  t.ok(proxy.requests.length > 0)
})

t.test('attack: another algorithm than the issuer announces, or than the key is for', async (t) => {
  const { issuer, refused, authenticate } = await setUp(t)
  await refused(await signToken(issuer, {}, { alg: 'RS512' }), 'algorithm_refused', /^alg is "RS512"/)
  issuer.algorithms = undefined
  t.ok(await authenticate(await signToken(issuer)), 'without a list RS256 alone')
  const other = await setUp(t, 'RS256')
  other.issuer.algorithms = ['RS256', 'PS256', 'ES256']
  await other.refused(
    unsigned({ alg: 'ES256', kid: 'key-1' }, standard, 'AAAA'),
    'key_unknown',
    /no such key for ES256/,
  )
  await other.refused(
    await signToken(other.issuer, {}, { alg: 'PS256' }),
    'key_unknown',
    /no such key for PS256/,
  )
})

t.test('attack: a key in the header, a critical extension, a signature by somebody else', async (t) => {
  const { issuer, refused } = await setUp(t)
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = { ...issuer, privateKey }
  const jwk = await exportJWK(publicKey)
  await refused(
    await signToken(stranger, {}, { jwk }),
    'signature_invalid',
    /does not verify with the keys of/,
  )
  await refused(await signToken(stranger, {}, { kid: undefined }), 'signature_invalid', /does not verify/)
  await refused(
    unsigned({ alg: 'RS256', kid: 'key-1', crit: ['b64'], b64: false }, standard, 'AAAA'),
    'algorithm_refused',
    /^crit is/,
  )
  const good = await signToken(issuer)
  const [header, , signature] = good.split('.')
  const claims = Buffer.from(JSON.stringify({ ...standard, sub: 'root' })).toString('base64url')
  await refused(`${header}.${claims}.${signature}`, 'signature_invalid', /does not verify/)
  await refused(`${header}.${good.split('.')[1]}.`, 'signature_invalid', /does not verify/)
  await refused(`${good.slice(0, -4)}AAAA`, 'signature_invalid', /does not verify/)
})

t.test('wrong audience, expired, not yet valid: both values are in the message', async (t) => {
  const { issuer, refused, authenticate } = await setUp(t)
  const sign = (claims: Record<string, unknown>) => signToken(issuer, claims)
  await refused(await sign({ aud: 'other' }), 'audience_mismatch', /^aud is "other" but must be "sigstore"$/)
  await refused(
    await sign({ aud: ['a', 'b'] }),
    'audience_mismatch',
    /^aud is \["a","b"\] but must be "sigstore"$/,
  )
  await refused(await sign({ aud: null }), 'audience_mismatch', /^aud is null but/)
  await refused(await sign({ aud: ['sigstore '] }), 'audience_mismatch', /^aud is/)
  await refused(await sign({ exp: now() - 2 }), 'expired', /^exp is \d+ \(20.*Z\) but it is 20.*Z now$/)
  await refused(await sign({ exp: null }), 'claim_missing', /exp is missing/)
  await refused(unsigned({ alg: 'RS256', kid: 'x' }, { ...standard, iss: 7 }), 'claim_malformed', /^iss is 7/)
  await refused(await sign({ nbf: now() + 310 }), 'not_yet_valid', /^nbf is \d+ .* but it is/)
  t.ok(await authenticate(await sign({ exp: 1e12 })))
  for (const name of ['exp', 'nbf', 'iat']) {
    const endless = JSON.stringify({ ...standard, [name]: 'X' }).replace('"X"', '1e999')
    const signed = await new CompactSign(Buffer.from(endless))
      .setProtectedHeader({ alg: issuer.alg, kid: issuer.kid })
      .sign(issuer.privateKey)
    await refused(
      signed,
      'claim_malformed',
      new RegExp(`^${name} is Infinity but must be a number of seconds$`),
    )
  }
  await refused(await sign({ iat: 'today' }), 'claim_malformed', /^iat is "today" but must be a number/)
})

t.test('documents that are nested too deeply are none', async (t) => {
  const deep = `{"issuer":"${url}","keys":[],"x":${'['.repeat(200)}${']'.repeat(200)}}`
  for (const read of [parseDiscovery, parseIssuerKeys])
    t.throws(() => read(url, deep), { code: 'identity_token_rejected', refusal: 'issuer_unavailable' })
})

t.test('null is as absent in a token too', async (t) => {
  const { issuer, authenticate, refused } = await setUp(t)
  const input = unsigned({ alg: 'RS256', kid: null }, { ...standard, nbf: null }).slice(0, -1)
  const signature = sign('sha256', Buffer.from(input), issuer.privateKey).toString('base64url')
  t.ok(await authenticate(`${input}.${signature}`))
  await refused(await signToken(issuer, {}, { kid: 7 }), 'token_malformed', /^kid is 7/)
})

t.test('issuers that are not configured are refused, and never asked for anything', async (t) => {
  const { proxy, refused } = await setUp(t)
  const header = { alg: 'RS256', kid: 'key-1' }
  for (const iss of [
    'https://evil.example',
    `${url}/`,
    `https://evil.example/?${url}`,
    'HTTPS://login.example.com',
    'file:///etc/passwd',
    'http://169.254.169.254/',
  ])
    await refused(
      unsigned(header, { ...standard, iss }, 'AAAA'),
      'issuer_not_configured',
      /^iss is ".*", which is not among/,
    )
  await refused(unsigned(header, { ...standard, iss: undefined }, 'AAAA'), 'claim_missing', /iss is missing/)
  t.same(proxy.requests, [])
})

t.test('an issuer whose discovery document speaks for another is refused with both names', async (t) => {
  const { issuer, refused } = await setUp(t)
  issuer.discoveryIssuer = 'https://other.example.com'
  await refused(
    await signToken(issuer),
    'issuer_mismatch',
    /"https:\/\/login\.example\.com".*"https:\/\/other\.example\.com"/,
  )
})

t.test(
  'token with many dots refused cheaply; too large, too few parts, broken base64 and JSON too',
  async (t) => {
    const { proxy, refused, issuer } = await setUp(t)
    const begun = performance.now()
    await refused('.'.repeat(16_000), 'token_malformed', /two dots/)
    await refused('.'.repeat(4_000_000), 'token_too_large', /4000000 characters/)
    t.ok(performance.now() - begun < 60_000)
    await refused('', 'token_missing', /no identity token/)
    for (const token of ['x', 'a.b', '.b.c', 'a.b.c.d', '..', 'a..'])
      await refused(token, 'token_malformed', /token/, token)
    const part = (text: string) => Buffer.from(text).toString('base64url')
    const header = part('{"alg":"RS256"}')
    for (const payload of [
      '***',
      `${part('{}')}=`,
      'A',
      part('{'),
      part('[]'),
      part('"x"'),
      part('null'),
      Buffer.from([0xff, 0xfe]).toString('base64url'),
    ])
      await refused(`${header}.${payload}.AAAA`, 'token_malformed', /payload/, payload)
    const deep = part(`{"iss":${'['.repeat(3000)}${']'.repeat(3000)}}`)
    await refused(`${header}.${deep}.AAAA`, 'token_malformed', /nested too deeply/)
    t.same(proxy.requests, [])
    t.ok(await signToken(issuer))
  },
)

t.test('repeated iss, sub, aud and email are refused, in any spelling and depth', async (t) => {
  const { refused } = await setUp(t)
  const header = Buffer.from('{"alg":"RS256","kid":"key-1"}').toString('base64url')
  const of = (payload: string) => `${header}.${Buffer.from(payload).toString('base64url')}.AAAA`
  const rest = `"iss":"${url}","aud":"sigstore","exp":9999999999,"email":"a@example.com","sub":"x"`
  for (const name of ['iss', 'sub', 'aud', 'email'])
    await refused(of(`{${rest},"${name}":"other"}`), 'token_malformed', new RegExp(`"${name}" occurs twice`))
  await refused(of(`{${rest},"\\u0073ub":"other"}`), 'token_malformed', /"sub" occurs twice/)
  await refused(of(`{${rest},"x":{"a":1,"a":2}}`), 'token_malformed', /"a" occurs twice/)
  const doubled = Buffer.from('{"alg":"RS256","alg":"none"}').toString('base64url')
  await refused(
    `${doubled}.${Buffer.from(`{${rest}}`).toString('base64url')}.AAAA`,
    'token_malformed',
    /"alg" occurs twice/,
  )
})

t.test('an unknown kid asks the proxy once, then not for some seconds, whatever its name', async (t) => {
  const { issuer, proxy, refused, authenticate, clock } = await setUp(t)
  t.ok(await authenticate(await signToken(issuer)))
  const before = proxy.requests.length
  for (let i = 0; i < 20; i++)
    await refused(
      await signToken(issuer, {}, { kid: `made-up-${i}` }),
      'key_unknown',
      /^kid is "made-up-\d+", and/,
    )
  t.same(proxy.requests.slice(before), [
    `/v1/discovery?issuer=${encodeURIComponent(url)}`,
    `/v1/jwks?issuer=${encodeURIComponent(url)}&kid=made-up-0`,
  ])
  const rotated = await createIssuer(url, 'RS256', 'key-2')
  issuer.keys.push(...rotated.keys)
  await refused(await signToken(rotated), 'key_unknown', /"key-2"/)
  clock.ms += 4000
  t.ok(
    await authenticate(await signToken(rotated)),
    'the new key is found as soon as the proxy is asked again',
  )
  t.ok(await authenticate(await signToken(issuer)), 'and the old one still counts')
})

t.test('an issuer that is new is asked for the key that is wanted, and not twice', async (t) => {
  const { issuer, proxy, refused } = await setUp(t)
  await refused(await signToken(issuer, {}, { kid: 'made up' }), 'key_unknown', /^kid is "made up"/)
  t.same(
    proxy.requests.map((path) => new URL(path, 'http://proxy').searchParams.get('kid')),
    [null, 'made up'],
  )
})

t.test('keys are remembered for a minute, and requests that come together ask once', async (t) => {
  const { issuer, proxy, authenticate, clock } = await setUp(t)
  const token = await signToken(issuer)
  await Promise.all(Array.from({ length: 50 }, () => authenticate(token)))
  t.equal(proxy.requests.length, 2)
  clock.ms += 59_000
  await authenticate(token)
  t.equal(proxy.requests.length, 2)
  clock.ms += 2000
  await Promise.all(Array.from({ length: 50 }, () => authenticate(token)))
  t.equal(proxy.requests.length, 4)
  const withdrawn = issuer.keys.splice(0)
  issuer.keys.push((await createIssuer(url, 'RS256', 'key-9')).keys[0]!)
  clock.ms += 61_000
  await t.rejects(
    authenticate(token),
    { code: 'identity_token_rejected', refusal: 'key_unknown' },
    'a withdrawn key is gone within the minute',
  )
  t.equal(withdrawn.length, 1)
})

t.test(
  'without the proxy remembered keys serve for a while; without any the answer is to try again',
  async (t) => {
    const { issuer, proxy, authenticate, clock } = await setUp(t)
    const token = await signToken(issuer)
    proxy.mode = 'down'
    await t.rejects(authenticate(token), { code: 'identity_provider_unreachable' })
    proxy.mode = 'good'
    await t.rejects(
      authenticate(token),
      { code: 'identity_provider_unreachable' },
      'the proxy is left alone for a moment',
    )
    clock.ms += 4000
    t.ok(await authenticate(token))
    proxy.mode = 'down'
    clock.ms += 120_000
    t.ok(await authenticate(token), 'keys of two minutes ago')
    clock.ms += 600_000
    await t.rejects(authenticate(token), { code: 'identity_provider_unreachable' }, 'but not of twelve')
    const longer = await setUp(t, 'RS256', 3600_000)
    const other = await signToken(longer.issuer)
    t.ok(await longer.authenticate(other))
    longer.proxy.mode = 'down'
    longer.clock.ms += 3500_000
    t.ok(await longer.authenticate(other), 'as long as the configuration says')
    longer.clock.ms += 200_000
    await t.rejects(longer.authenticate(other), { code: 'identity_provider_unreachable' })
  },
)

t.test(
  'a proxy that cannot reach the issuer, knows it not or talks nonsense refuses the token',
  async (t) => {
    const { issuer, proxy, refused, clock } = await setUp(t)
    const token = await signToken(issuer)
    proxy.mode = 'issuer_unavailable'
    await refused(token, 'issuer_unavailable', /the keys of ".*" cannot be read: it timed out$/)
    clock.ms += 4000
    proxy.mode = 'garbage'
    await refused(token, 'issuer_unavailable', /discovery document .* is not valid/)
    clock.ms += 4000
    proxy.mode = 'good'
    proxy.issuers.clear()
    await refused(token, 'issuer_not_configured', /which the OIDC proxy does not know$/)
  },
)

t.test('keys that the proxy no longer has are forgotten, also when it goes away afterwards', async (t) => {
  const { issuer, proxy, authenticate, refused, clock } = await setUp(t)
  const token = await signToken(issuer)
  t.ok(await authenticate(token))
  proxy.mode = 'issuer_unavailable'
  t.ok(await authenticate(token), 'for a minute nobody asks')
  clock.ms += 61_000
  await refused(token, 'issuer_unavailable', /it timed out/)
  await refused(
    token,
    'issuer_unavailable',
    /it timed out/,
    'nor are they used while the proxy is left alone',
  )
  proxy.mode = 'down'
  clock.ms += 4000
  await t.rejects(authenticate(token), { code: 'identity_provider_unreachable' })
})

t.test('families of issuers are remembered in bounded number', async (t) => {
  let asked = 0
  const read = createKeys({
    readDiscovery: (issuer) => {
      asked++
      return Promise.resolve(JSON.stringify({ issuer }))
    },
    readKeySet: () => Promise.resolve('{"keys":[]}'),
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
  for (let i = 0; i < 1000; i++) await read(`https://x${i}.example`)
  t.equal(asked, 1000)
  await read('https://x999.example')
  t.equal(asked, 1000, 'the last is remembered')
  await read('https://x0.example')
  t.equal(asked, 1001, 'the first is forgotten')
})

t.test('no message holds a token or its signature', async (t) => {
  const { issuer, authenticate } = await setUp(t)
  for (const token of [
    await signToken(issuer, { aud: 'x' }),
    await signToken(issuer, { exp: 1 }),
    `${await signToken(issuer)}.x`,
    (await signToken(issuer)).slice(0, -5),
  ]) {
    const error = await authenticate(token).then(
      () => t.fail('accepted'),
      (reason: Error) => reason,
    )
    for (const part of token.split('.').filter(({ length }) => length > 20))
      t.notOk(String(error).includes(part.slice(0, 20)))
  }
})
