import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { createBrowser, type Page } from './browser.ts'
import { type Metadata, open, post, type Tokens, verify } from './client.ts'

function authorizationRequest(metadata: Metadata, redirectUri: string, more: Record<string, string> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const parameters = new URLSearchParams({
    client_id: 'sigstore',
    response_type: 'code',
    scope: 'openid email',
    state: 'the-state',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  })
  return { verifier, url: `${metadata.authorization_endpoint}?${parameters.toString()}` }
}

/** Signs in and gives back what the client's listener would be called with. */
async function signIn(browser: ReturnType<typeof createBrowser>, url: string, email: string): Promise<Page> {
  const page = await browser.open(url)
  return browser.submit(page, { email })
}

for (const path of ['', '/realms/trial']) {
  t.test(`the discovery document says what clients look for, mounted at "${path}"`, async (t) => {
    const { issuer, metadata } = await open(t, path)
    t.equal(metadata.issuer, issuer)
    t.match(metadata, {
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      device_authorization_endpoint: `${issuer}/device/auth`,
      response_types_supported: ['code'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      scopes_supported: ['openid', 'email'],
      subject_types_supported: ['public'],
    })
    const { grant_types_supported: grants } = metadata as unknown as { grant_types_supported: string[] }
    t.ok(
      grants.includes('authorization_code') &&
        grants.includes('urn:ietf:params:oauth:grant-type:device_code'),
    )
    const { keys } = (await (await fetch(metadata.jwks_uri)).json()) as { keys: Record<string, string>[] }
    t.match(keys, [{ kty: 'RSA', kid: /./, alg: 'RS256', use: 'sig' }])
    t.same(Object.keys(keys[0]!).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'], 'and nothing private')
  })

  t.test(
    `as sigstore-js: no path in the redirect, the client in the body, a nonce; mounted at "${path}"`,
    async (t) => {
      const { metadata, browser } = await open(t, path)
      const redirectUri = 'http://localhost:49152'
      const { url, verifier } = authorizationRequest(metadata, redirectUri, { nonce: 'n-1' })
      const { status, location } = await signIn(browser, url, 'a@example.org')
      t.equal(status, 303)
      const called = new URL(location!)
      t.equal(called.origin, redirectUri)
      t.equal(called.searchParams.get('state'), 'the-state')
      const reply = await post(metadata.token_endpoint, {
        grant_type: 'authorization_code',
        code: called.searchParams.get('code')!,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        client_id: 'sigstore',
      })
      t.equal(reply.status, 200)
      t.equal(reply.headers.get('cache-control'), 'no-store')
      const { id_token: token } = (await reply.json()) as Tokens
      const payload = await verify(metadata, token)
      t.match(payload, {
        sub: 'a@example.org',
        email: 'a@example.org',
        email_verified: true,
        nonce: 'n-1',
        aud: 'sigstore',
      })
      t.equal(typeof payload.aud, 'string')
      t.ok(decodeProtectedHeader(token).kid)
    },
  )
}

t.test('as sigstore-python: Basic with an empty secret, no nonce, the access token is a JWT', async (t) => {
  const { metadata, browser } = await open(t)
  const redirectUri = 'http://localhost:50001/auth/callback'
  const { url, verifier } = authorizationRequest(metadata, redirectUri)
  const { location } = await signIn(browser, url, 'b@example.org')
  const form = {
    grant_type: 'authorization_code',
    redirect_uri: redirectUri,
    code: new URL(location!).searchParams.get('code')!,
    code_verifier: verifier,
  }
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  t.not(
    (await post(metadata.token_endpoint, form, basic('sigstore:secret'))).status,
    200,
    'a secret is no secret here',
  )
  t.not((await post(metadata.token_endpoint, form, basic('other:'))).status, 200)
  t.not((await post(metadata.token_endpoint, form)).status, 200)
  const reply = await post(metadata.token_endpoint, form, basic('sigstore:'))
  t.equal(reply.status, 200)
  const payload = await verify(metadata, ((await reply.json()) as Tokens).access_token)
  t.match(payload, {
    aud: 'sigstore',
    sub: 'b@example.org',
    email: 'b@example.org',
    exp: Number,
    iat: Number,
  })

  const again = await post(metadata.token_endpoint, form, basic('sigstore:'))
  t.equal(again.status, 400, 'a code is good for one use')
  t.match(await again.json(), { error: 'invalid_grant' })
})

t.test(
  'as cosign and the others: every callback path and loopback name, Basic beside the client in the body',
  async (t) => {
    const { metadata, browser } = await open(t)
    const callbacks = [
      'http://localhost:1/auth/callback',
      'http://127.0.0.1:65535/auth/callback',
      'http://localhost:8080/',
      'http://localhost:3/Callback',
      'http://[::1]:4',
    ]
    for (const redirectUri of callbacks) {
      const { url, verifier } = authorizationRequest(metadata, redirectUri, {
        nonce: 'n',
        access_type: 'online',
        connector_id: 'x',
      })
      const { location } = await signIn(browser, url, 'c@example.org')
      t.ok(location?.startsWith(redirectUri), redirectUri)
      const reply = await post(
        metadata.token_endpoint,
        {
          grant_type: 'authorization_code',
          code: new URL(location!).searchParams.get('code')!,
          redirect_uri: redirectUri,
          code_verifier: verifier,
          client_id: 'sigstore',
        },
        { authorization: `Basic ${Buffer.from('sigstore:').toString('base64')}` },
      )
      t.equal(reply.status, 200, redirectUri)
      t.match(await verify(metadata, ((await reply.json()) as Tokens).id_token), {
        nonce: 'n',
        email_verified: true,
      })
    }
  },
)

t.test('out of band: the page shows the code, and the code is good', async (t) => {
  const { metadata, browser } = await open(t)
  const redirectUri = 'urn:ietf:wg:oauth:2.0:oob'
  const { url, verifier } = authorizationRequest(metadata, redirectUri)
  const page = await signIn(browser, url, 'd@example.org')
  t.equal(page.status, 200)
  t.equal(page.location, null)
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  const [, code] = /<code>([\w-]+)<\/code>/.exec(page.html)!
  const reply = await post(metadata.token_endpoint, {
    grant_type: 'authorization_code',
    code: code!,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_id: 'sigstore',
  })
  t.match(await verify(metadata, ((await reply.json()) as Tokens).access_token), { email: 'd@example.org' })
})

t.test('the code is worth nothing without the right verifier, or without any', async (t) => {
  const { metadata, browser } = await open(t)
  const redirectUri = 'http://localhost:5000'
  for (const verifier of [randomBytes(32).toString('base64url'), '']) {
    const { location } = await signIn(
      browser,
      authorizationRequest(metadata, redirectUri).url,
      'a@example.org',
    )
    const code = new URL(location!).searchParams.get('code')!
    const reply = await post(metadata.token_endpoint, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_id: 'sigstore',
    })
    t.equal(reply.status, 400)
    t.match(await reply.json(), { error: 'invalid_grant' })
  }
  const plain = authorizationRequest(metadata, redirectUri, { code_challenge_method: 'plain' })
  t.match((await browser.open(plain.url)).location, /error=invalid_request/)
})

t.test('codes go nowhere but to loopback addresses and known paths', async (t) => {
  const { metadata, browser } = await open(t)
  const strangers = [
    'http://evil.example.com/auth/callback',
    'https://localhost:1/auth/callback',
    'http://localhost.evil.example.com:1/auth/callback',
    'http://localhost:1@evil.example.com/auth/callback',
    'http://localhost:1/other',
    'http://localhost:1/auth/callback/more',
    'http://localhost:1/auth/callback?x=1',
    'http://192.168.1.1/auth/callback',
    'javascript:alert(1)',
    'urn:ietf:wg:oauth:2.0:oob:auto',
  ]
  for (const redirectUri of strangers) {
    const page = await browser.open(authorizationRequest(metadata, redirectUri).url)
    t.equal(page.status, 400, redirectUri)
    t.equal(page.location, null, redirectUri)
    t.notMatch(page.html, 'name="email"')
  }
})

t.test('the page asks anew each time, so that one browser can be many people', async (t) => {
  const { metadata, browser } = await open(t)
  for (const email of ['a@example.org', 'b@example.org']) {
    const redirectUri = 'http://localhost:5000'
    const { url, verifier } = authorizationRequest(metadata, redirectUri)
    const { location } = await signIn(browser, url, email)
    const code = new URL(location!).searchParams.get('code')!
    const reply = await post(metadata.token_endpoint, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_id: 'sigstore',
    })
    t.equal(decodeJwt(((await reply.json()) as Tokens).id_token).email, email)
  }
})

t.test('what is no e-mail address is refused and shown as text only', async (t) => {
  const { metadata, browser } = await open(t)
  const page = await browser.open(authorizationRequest(metadata, 'http://localhost:5000').url)
  const hostile = [
    '',
    'a',
    'a@b',
    'a@localhost',
    '<script>alert(1)</script>@example.org',
    'a"b@example.org',
    'a@example.org\r\nX: y',
    'a@exämple.org',
    'a b@example.org',
    'a@example.org,b@example.org',
    '@example.org',
    'a@-x.org',
    'a@10.0.0.1',
    `${'a'.repeat(300)}@example.org`,
    'a..b@example.org',
    'a@example.org\u0000',
    '"><img src=x>',
  ]
  for (const email of hostile) {
    const answer = await browser.submit(page, { email })
    t.equal(answer.status, 400, email)
    t.equal(answer.location, null)
    t.notMatch(answer.html, /<script|<img/)
  }
  const good = await browser.submit(page, { email: "  o'neil+x@mail.example.org " })
  t.equal(good.status, 303)
})

t.test('the form counts only from our page and in the browser that began', async (t) => {
  const { metadata, browser, issuer } = await open(t)
  const page = await browser.open(authorizationRequest(metadata, 'http://localhost:5000').url)
  t.match(page.html, 'Trial issuer.')
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  t.notMatch(page.html, /<script| on\w+=|style="/)
  t.equal((await browser.submit(page, { email: 'a@example.org', form_token: 'forged' })).status, 403)
  t.equal((await browser.submit(page, { email: 'a@example.org', form_token: '' })).status, 403)
  const stranger = createBrowser(new URL(issuer).origin)
  t.equal((await stranger.submit(page, { email: 'a@example.org' })).status, 400)
  t.equal((await stranger.open(`${issuer}/interaction/made-up`)).status, 400)
})
