import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { anyCodePoint } from '@sigstack/crypto/testing'
import { createLogger } from '@sigstack/server'
import fc from 'fast-check'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import t from 'tap'
import { readConfig, startDevIssuer } from '../src/index.ts'
import { createMemoryAdapter } from '../src/provider/memory-adapter.ts'
import { isEmail } from '../src/tokens/email.ts'
import { mintToken } from '../src/tokens/mint-token.ts'
import { openSigningKey, readSigningKey } from '../src/tokens/signing-key.ts'
import { startIssuer } from './start.ts'

fc.configureGlobal({ seed: 1 })

const now = new Date('2026-01-02T03:04:05Z')

t.test('a script gets a token by JSON or by form, and it verifies with the published keys', async (t) => {
  const { issuer } = await startIssuer(t)
  const asJson = (body: unknown, headers = {}) =>
    fetch(`${issuer}/trial/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const asForm = (body: Record<string, string>) =>
    fetch(`${issuer}/trial/token`, { method: 'POST', body: new URLSearchParams(body) })
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
  const replies = [await asJson({ email: 'a@example.org' }), await asForm({ email: 'a@example.org' })]
  for (const reply of replies) {
    t.equal(reply.status, 200)
    t.equal(reply.headers.get('cache-control'), 'no-store')
    const { token } = (await reply.json()) as { token: string }
    const { payload } = await jwtVerify(token, keys, { issuer, audience: 'sigstore', algorithms: ['RS256'] })
    t.match(payload, { sub: 'a@example.org', email: 'a@example.org', email_verified: true, aud: 'sigstore' })
    t.equal(payload.exp! - payload.iat!, 600)
  }

  const ci = await asJson({
    subject: 'repo:acme/app:ref:refs/heads/main',
    audience: 'other',
    expiresInSeconds: 5,
    claims: { repository: 'acme/app', 'kubernetes.io': { namespace: 'default' } },
  })
  const payload = decodeJwt(((await ci.json()) as { token: string }).token)
  t.match(payload, {
    sub: 'repo:acme/app:ref:refs/heads/main',
    aud: 'other',
    repository: 'acme/app',
    'kubernetes.io': { namespace: 'default' },
  })
  t.notOk('email' in payload)
  t.equal(payload.exp! - payload.iat!, 5)
  const form = await asForm({
    email: 'a@example.org',
    expiresInSeconds: '7',
    claims: '{"email_verified":false}',
  })
  t.match(decodeJwt(((await form.json()) as { token: string }).token), { email_verified: false })

  const refused = [
    {},
    [],
    'x',
    { email: 'nobody' },
    { email: 1 },
    { email: 'a@example.org', typo: 1 },
    { email: 'a@example.org', expiresInSeconds: 0 },
    { email: 'a@example.org', expiresInSeconds: 86_401 },
    { email: 'a@example.org', claims: [] },
    { email: 'a@example.org', claims: { iss: 'https://evil.example.com' } },
    { email: 'a@example.org', claims: { exp: 1 } },
    { email: 'a@example.org', claims: { iat: 1 } },
    { subject: '' },
    { email: 'a@example.org', claims: { x: 'y'.repeat(20_000) } },
    { email: 'a@example.org', claims: { x: JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`) } },
  ]
  for (const body of refused) {
    const reply = await asJson(body)
    t.equal(reply.status, 400, JSON.stringify(body).slice(0, 80))
    t.match(reply.headers.get('content-type'), /problem\+json/)
  }
  t.equal((await asForm({ email: 'a@example.org', claims: '{' })).status, 400)
  const deep = `{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`
  t.equal((await asForm({ email: 'a@example.org', claims: deep })).status, 400)
  t.equal((await asJson({ email: 'a@example.org', claims: { x: 'y'.repeat(60_000) } })).status, 413)
  t.equal(
    (await asJson({ email: 'a@example.org' }, { origin: 'https://evil.example.com' })).status,
    403,
    'web pages get none',
  )
})

t.test("URLs in the discovery document are the issuer's, whatever host was asked", async (t) => {
  const { url, issuer } = await startIssuer(t)
  const body = await new Promise<string>((resolve, reject) => {
    const headers = {
      host: 'evil.example.com',
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-proto': 'ftp',
    }
    request(`${url}/.well-known/openid-configuration`, { headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
  t.notMatch(body, 'evil')
  t.equal((JSON.parse(body) as { jwks_uri: string }).jwks_uri, `${issuer}/jwks`)
})

t.test('it warns loudly, and starts only where a trial was asked for', async (t) => {
  const lines: string[] = []
  await startIssuer(t, { logLines: lines })
  t.ok(lines.some((line) => line.includes('ANYONE CAN SIGN IN AS ANYONE') && line.includes('"warn"')))
  const config = readConfig({ DEV_ISSUER_PORT: '1', DEV_ISSUER_DATA: t.testdir() })
  const logger = createLogger({ name: 'test', level: 'silent' })
  await t.rejects(startDevIssuer(config, { logger }), /SIGSTACK_TRIAL=1/)
  await t.rejects(
    startDevIssuer({ ...config, trial: readConfig({ SIGSTACK_TRIAL: 'yes' }).trial }, { logger }),
    /SIGSTACK_TRIAL=1/,
  )
})

t.test('health, metrics and a front page are there, the front page with the warning', async (t) => {
  const { issuer } = await startIssuer(t, { path: '/x' })
  const root = new URL(issuer).origin
  t.equal((await fetch(`${root}/healthz`)).status, 200)
  t.match(await (await fetch(`${root}/metrics`)).text(), 'dev_issuer_trial_tokens_total 0')
  const page = await fetch(issuer)
  t.match(await page.text(), 'Never trust it')
  t.equal((await fetch(`${issuer}/unknown`)).status, 404)
})

t.test('the key is made once, with mode 0600, and kept', async (t) => {
  const folder = join(t.testdir(), 'new')
  const opened = await Promise.all(Array.from({ length: 4 }, () => openSigningKey(folder)))
  t.equal(new Set(opened.map(({ keyId }) => keyId)).size, 1, 'whoever starts at once shares it')
  const path = join(folder, 'dev-issuer-key.pem')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal((await openSigningKey(folder)).keyId, opened[0]!.keyId)
  t.equal((await readSigningKey(path)).keyId, opened[0]!.keyId)
  t.match(readFileSync(path, 'utf8'), 'BEGIN PRIVATE KEY')

  const bad = t.testdir({ text: 'no key' })
  await t.rejects(readSigningKey(join(bad, 'text')), /not an unencrypted PEM private key/)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(bad, 'ec.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await t.rejects(readSigningKey(join(bad, 'ec.pem')), /RSA/)
})

t.test('minting takes any claims but the reserved ones', async (t) => {
  const key = await openSigningKey(t.testdir())
  const issuer = 'https://issuer.example.com'
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 10 }),
      async (claims) => {
        const payload = decodeJwt(await mintToken({ key, issuer }, { email: 'a@example.org', claims }, now))
        return (
          payload.iss === issuer && payload.sub === 'a@example.org' && payload.iat === now.getTime() / 1000
        )
      },
    ),
    { numRuns: 50, seed: 1 },
  )
  for (const name of ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf']) {
    await t.rejects(mintToken({ key, issuer }, { email: 'a@example.org', claims: { [name]: 'x' } }, now), {
      code: 'claim_refused',
    })
  }
  await t.rejects(mintToken({ key, issuer }, {}, now), { code: 'subject_refused' })
  await t.rejects(mintToken({ key, issuer }, { email: 'a' }, now), { code: 'email_refused' })
  await t.rejects(mintToken({ key, issuer }, { subject: 's', expiresInSeconds: 1.5 }, now), {
    code: 'lifetime_refused',
  })
})

t.test('no text makes the address check throw or take what would break out of a page', async (t) => {
  const text = fc.oneof(
    fc.string({ unit: anyCodePoint }),
    fc.string().map((local) => `${local}@example.org`),
    fc.emailAddress(),
  )
  fc.assert(
    fc.property(text, (email) => !isEmail(email) || /^[^\s"<>()[\]\\:;,@]+@[A-Za-z0-9.-]+$/.test(email)),
    { numRuns: 2000 },
  )
  for (const email of ['a@example.org', 'a.b+c@x-y.example.co', "o'neil@example.org"])
    t.ok(isEmail(email), email)
})

t.test('what is kept between requests ends in time and is bounded', async (t) => {
  const clock = { nowMs: 0 }
  const adapter = createMemoryAdapter(() => clock.nowMs)('DeviceCode')
  await adapter.upsert('id', { userCode: 'U', grantId: 'g' }, 10)
  t.ok(await adapter.findByUserCode('U'))
  clock.nowMs = 10_000
  t.equal(await adapter.find('id'), undefined)
  for (let n = 0; n < 10_001; n++) await adapter.upsert(`n${n}`, { grantId: 'g' }, 10)
  t.equal(await adapter.find('n0'), undefined)
  t.ok(await adapter.find('n1'))
  await adapter.revokeByGrantId('g')
  t.equal(await adapter.find('n1'), undefined)
})

t.test('configuration: defaults are for a trial on this machine, and bad values are named', async (t) => {
  t.match(readConfig({}), { host: '127.0.0.1', port: 5558, issuer: 'http://localhost:5558', trial: false })
  t.throws(() => readConfig({ DEV_ISSUER_PORT: 'x', LOG_LEVEL: 'loud' }), /DEV_ISSUER_PORT.*LOG_LEVEL/)
  for (const url of [
    'http://localhost:5558/',
    'localhost',
    'ftp://x',
    'https://x?y',
    'https://x#y',
    'https://u@x',
    'HTTPS://x',
    'https://x//',
    'https://x:443',
  ]) {
    t.throws(() => readConfig({ DEV_ISSUER_URL: url }), /DEV_ISSUER_URL/, url)
  }
  t.equal(
    readConfig({ DEV_ISSUER_URL: 'https://x.example.com/realms/a' }).issuer,
    'https://x.example.com/realms/a',
  )
  t.throws(() => readConfig({ DEV_ISSUER_PORT: '0' }), /DEV_ISSUER_URL/)
})
