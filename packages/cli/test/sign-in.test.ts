/** Signing in at an issuer: at the trial issuer as a person does, and at ones that answer what no issuer should. */
import { discover } from '@sigstack/oidc-client'
import t from 'tap'
import { open, verify } from '../../../services/dev-issuer/test/client.ts'
import { sign, standIn, stranger } from '../../oidc-client/test/stand-in-issuer.ts'
import type { Io } from '../src/io.ts'
import { deviceFlow } from '../src/signing/oidc/device-flow.ts'
import { signIn } from '../src/signing/oidc/sign-in.ts'

const client = { id: 'sigstore', secret: undefined }
const email = 'me@example.org'

function person(open?: (page: string) => Promise<void>) {
  let told = ''
  const io: Io = {
    environment: {},
    self: ['sigstack'],
    out: () => {},
    file: () => {},
    err: (text) => {
      told += text
    },
    async *standardInput() {},
    ...(open !== undefined && {
      openPage: async (page: string) => {
        await open(page)
        return true
      },
    }),
  }
  return { io, told: () => told }
}

t.test('a browser signs in at the trial issuer, and a stranger at the door changes nothing', async (t) => {
  const { issuer, metadata, browser } = await open(t)
  const { io, told } = person(async (page) => {
    const form = await browser.open(page)
    const { location } = await browser.submit(form, { email })
    const back = new URL(location ?? '')
    t.equal(back.pathname, '/auth/callback')
    // The server listens where the redirect says.
    const strangers = [`${back.origin}/`, `${back.origin}/auth/callback?code=x&state=y`]
    t.same(await Promise.all(strangers.map(async (url) => (await fetch(url)).status)), [404, 400])
    const page2 = await fetch(back)
    t.equal(page2.status, 200)
    t.match(await page2.text(), 'This window may be closed')
  })
  const token = await signIn(io, issuer, { fulcioAuthFlow: 'normal' })
  t.match(await verify(metadata, token), { email, email_verified: true })
  t.match(told(), /^Your browser will now be opened to:\nhttp:/)
  t.notMatch(told(), token)
})

t.test('a code that is typed in signs in where no browser brings one', async (t) => {
  const { issuer, metadata, browser } = await open(t)
  const { io, told } = person()
  const terminal = {
    secret: async () => {
      const [, page = ''] = /following link in a browser:\n\n\t(\S+)/.exec(told()) ?? []
      const shown = await browser.submit(await browser.open(page), { email })
      return /<code[^>]*>([^<]+)<\/code>/.exec(shown.html)?.[1] ?? ''
    },
  }
  const token = await signIn({ ...io, terminal }, issuer, {})
  t.match(await verify(metadata, token), { email })
})

t.test('a code that is entered on another device signs in', async (t) => {
  const { issuer, metadata, browser } = await open(t)
  let told = ''
  let polls = 0
  const token = await deviceFlow(
    await discover(issuer),
    client,
    (text) => {
      told += text
    },
    async (ms) => {
      t.ok(ms >= 1000, 'the issuer says how often it may be asked')
      // The first question comes before anybody did anything.
      if (++polls !== 2) return
      const [, code = '', page = ''] = /verification code (\S+) in your browser at: (\S+)\n/.exec(told) ?? []
      const entry = await browser.open(page.split('?')[0] ?? '')
      const confirm = await browser.submit(entry, { user_code: code })
      const form = await browser.submit(confirm, { confirm: 'yes' })
      t.match((await browser.submit(form, { email })).html, 'Your device is signed in')
    },
  )
  t.match(await verify(metadata, token), { email })
  t.equal(polls, 2)
  t.match(told, /Code will be valid for \d+ seconds\n$/)
})

t.test('a client with a secret signs as itself', async (t) => {
  const asked: unknown[] = []
  const issuer: string = await standIn(t, {
    token: async (form, authorization) => {
      asked.push(Object.fromEntries(form), authorization)
      return { id_token: await sign({ iss: issuer, aud: 'ci:1', sub: 'ci' }) }
    },
  })
  const folder = t.testdir({ secret: 's3 cret\n' })
  const { io } = person()
  const options = { fulcioAuthFlow: 'client_credentials', oidcClientId: 'ci:1' } as const
  t.match(await signIn(io, issuer, { ...options, oidcClientSecretFile: `${folder}/secret` }), /^eyJ/)
  t.same(asked, [
    { grant_type: 'client_credentials', scope: 'openid email' },
    `Basic ${Buffer.from('ci%3A1:s3%20cret').toString('base64')}`,
  ])
  await t.rejects(signIn(io, issuer, options), { code: 'bad_usage', advice: /--oidc-client-secret-file/ })
  await t.rejects(signIn(io, issuer, { ...options, oidcClientSecretFile: `${folder}/none` }), {
    code: 'unreadable',
  })
})

t.test('a token that is not for us is not taken, and no answer is repeated', async (t) => {
  const folder = t.testdir({ secret: 's3cret' })
  const right = (issuer: string) => ({ iss: issuer, aud: 'sigstore', sub: 'me' })
  const wrong: readonly [why: RegExp, answer: (issuer: string) => Promise<object> | object][] = [
    [/is not for us: .*aud/, async (url) => ({ id_token: await sign({ ...right(url), aud: 'another' }) })],
    [/is not for us: .*iss/, async (url) => ({ id_token: await sign({ ...right(url), iss: 'http://x' }) })],
    [
      /is not for us: .*signature/,
      async (url) => ({ id_token: await sign(right(url), stranger.privateKey) }),
    ],
    [/is not for us: .*sub/, async (url) => ({ id_token: await sign({ iss: url, aud: 'sigstore' }) })],
    [
      /belongs to another access token$/,
      async (url) => ({ id_token: await sign({ ...right(url), at_hash: 'x' }), access_token: 'y' }),
    ],
    [
      /gives no token: "unauthorized_client": "not you"$/,
      () => ({ error: 'unauthorized_client', error_description: 'not you' }),
    ],
    [/gives no token: status 200, without an ID token$/, () => ({ access_token: 's3cret' })],
    [/more than \d+ bytes/, () => ({ id_token: 'a'.repeat(1 << 20) })],
  ]
  for (const [message, answer] of wrong) {
    const issuer: string = await standIn(t, { token: () => answer(issuer) })
    const failure = await signIn(person().io, issuer, {
      fulcioAuthFlow: 'client_credentials',
      oidcClientSecretFile: `${folder}/secret`,
    }).catch((error: unknown) => error)
    t.match(failure, { code: 'no_token', message })
    t.notMatch(String(failure), /s3cret|eyJ/)
  }
})

t.test('a device code that is refused, or that nobody enters, ends the wait', async (t) => {
  const device = {
    device_code: 's3cret',
    user_code: 'ABCD',
    verification_uri: 'http://x/device',
    expires_in: 30,
  }
  const waits: number[] = []
  const wait = async (ms: number) => waits.push(ms)
  let answer: object = { error: 'slow_down' }
  const issuer = await discover(await standIn(t, { device, token: () => answer }))
  await t.rejects(
    deviceFlow(issuer, client, () => {}, wait),
    { message: /nobody entered the code "ABCD" in time$/ },
  )
  t.same(waits, [5000, 15_000, 25_000])
  answer = { error: 'access_denied' }
  await t.rejects(
    deviceFlow(issuer, client, () => {}, wait),
    { message: /gives no token: "access_denied"$/ },
  )
  t.equal(waits.length, 4)
  const without = await discover(await standIn(t, { device: { error: 'invalid_client' } }))
  await t.rejects(
    deviceFlow(without, client, () => {}, wait),
    {
      message: /begins no device flow: "invalid_client"$/,
    },
  )
})

t.test('an issuer that is another, or lacks what signing in needs, is told of', async (t) => {
  const { io } = person()
  const other = await standIn(t, { says: { issuer: 'https://other.example' } })
  await t.rejects(signIn(io, other, {}), { message: /is the issuer "https:\/\/other\.example"$/ })
  const plain = await standIn(t, { says: { code_challenge_methods_supported: ['plain'] } })
  for (const fulcioAuthFlow of ['normal', 'device'] as const)
    await t.rejects(signIn(io, plain, { fulcioAuthFlow }), { message: /does not say that it has PKCE$/ })
  const nowhere = { authorization_endpoint: 'file:///x', device_authorization_endpoint: 7 }
  const without = await standIn(t, { says: nowhere })
  await t.rejects(signIn(io, without, { fulcioAuthFlow: 'normal' }), { message: /has no browser flow$/ })
  await t.rejects(signIn(io, without, { fulcioAuthFlow: 'device' }), { message: /has no device flow$/ })
  const keyless = await standIn(t, { says: { jwks_uri: undefined } })
  await t.rejects(signIn(io, keyless, {}), { message: /tells no jwks_uri$/ })
  await t.rejects(signIn(io, 'issuer.example', {}), { code: 'bad_usage' })
  const good = await standIn(t, {})
  for (const oidcRedirectUrl of ['nonsense', 'https://localhost/x'])
    await t.rejects(signIn(io, good, { fulcioAuthFlow: 'normal', oidcRedirectUrl }), { code: 'bad_usage' })
  await t.rejects(signIn(io, good, { fulcioAuthFlow: 'normal', oidcRedirectUrl: 'http://192.0.2.1:0/x' }), {
    message: /nothing can listen at 192\.0\.2\.1:0 for/,
  })
})

t.test('an issuer that refuses in the browser ends the wait', async (t) => {
  const issuer = await standIn(t, {})
  const { io } = person(async (page) => {
    const { searchParams } = new URL(page)
    const back = `${searchParams.get('redirect_uri')}?error=access_denied&state=${searchParams.get('state')}`
    t.equal((await fetch(back)).status, 400)
  })
  await t.rejects(signIn(io, issuer, { fulcioAuthFlow: 'normal' }), {
    code: 'no_token',
    message: 'the issuer refused: "access_denied"',
  })
})
