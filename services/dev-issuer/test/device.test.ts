/** The device flow (RFC 8628), as clients on a terminal use it. */
import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { open, post, type Tokens, verify } from './client.ts'

t.test('as cosign on a terminal: the device flow from code to token', async (t) => {
  const { metadata, browser } = await open(t)
  const verifier = randomBytes(32).toString('base64url')
  const begun = await post(metadata.device_authorization_endpoint, {
    client_id: 'sigstore',
    scope: 'openid email',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  t.equal(begun.status, 200)
  const device = (await begun.json()) as Record<string, string>
  t.match(device, {
    device_code: /./,
    user_code: /./,
    verification_uri: `${metadata.issuer}/device`,
    expires_in: 600,
    interval: 2,
  })
  const poll = (proof: Record<string, string> = { code_verifier: verifier }) =>
    post(metadata.token_endpoint, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'sigstore',
      device_code: device.device_code!,
      scope: 'openid email',
      ...proof,
    })
  const pending = await poll()
  t.equal(pending.status, 400)
  t.match(await pending.json(), { error: 'authorization_pending' })

  const entry = await browser.open(device.verification_uri!)
  t.match(entry.html, 'Trial issuer.')
  const wrong = await browser.submit(entry, { user_code: 'WRONG-CODE' })
  t.match(wrong.html, /not known/)
  const forged = await browser.submit(entry, { user_code: device.user_code!, xsrf: 'forged' })
  t.equal(forged.status, 400)
  const confirm = await browser.submit(await browser.open(device.verification_uri!), {
    user_code: device.user_code!,
  })
  t.ok(confirm.html.includes(device.user_code!))
  const emailForm = await browser.submit(confirm, { confirm: 'yes' })
  const done = await browser.submit(emailForm, { email: 'e@example.org' })
  t.equal(done.status, 200)
  t.match(done.html, 'Your device is signed in')

  for (const proof of [{}, { code_verifier: '' }, { code_verifier: verifier.replace(/.$/, '~') }]) {
    const stolen = await poll(proof)
    t.equal(stolen.status, 400, 'whoever saw the device code only gets nothing')
    t.match(await stolen.json(), { error: 'invalid_grant' })
  }
  const reply = await poll()
  t.equal(reply.status, 200)
  const tokens = (await reply.json()) as Tokens
  t.match(await verify(metadata, tokens.id_token), {
    email: 'e@example.org',
    email_verified: true,
    aud: 'sigstore',
  })
  t.match(await (await poll()).json(), { error: 'invalid_grant' })
})

t.test('a device may ask without PKCE, and not with a challenge that nobody could check', async (t) => {
  const { metadata } = await open(t)
  const ask = (more: Record<string, string>) =>
    post(metadata.device_authorization_endpoint, { client_id: 'sigstore', scope: 'openid email', ...more })
  const plain = await ask({})
  t.equal(plain.status, 200)
  const { device_code: code } = (await plain.json()) as { device_code: string }
  const polled = await post(metadata.token_endpoint, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'sigstore',
    device_code: code,
  })
  t.match(await polled.json(), { error: 'authorization_pending' })
  const challenge = createHash('sha256').update('x').digest('base64url')
  for (const more of [
    { code_challenge: challenge },
    { code_challenge: challenge, code_challenge_method: 'plain' },
    { code_challenge: 'short', code_challenge_method: 'S256' },
  ]) {
    const refused = await ask(more)
    t.equal(refused.status, 400)
    t.match(await refused.json(), { error: 'invalid_request' })
  }
})

t.test(
  'the complete verification URL fills the form in without a script, and saying no ends it',
  async (t) => {
    const { metadata, browser } = await open(t, '/x')
    const begun = await post(metadata.device_authorization_endpoint, {
      client_id: 'sigstore',
      scope: 'openid email',
    })
    const device = (await begun.json()) as Record<string, string>
    const entry = await browser.open(device.verification_uri_complete!)
    t.ok(entry.html.includes(`value="${device.user_code}"`))
    t.notMatch(entry.html, /<script/)
    const hostile = await browser.open(
      `${device.verification_uri}?user_code=${encodeURIComponent('"><script>alert(1)</script>')}`,
    )
    t.notMatch(hostile.html, /<script/)
    const again = await browser.open(device.verification_uri_complete!)
    const confirm = await browser.submit(again, { user_code: device.user_code! })
    t.match((await browser.submit(confirm, { abort: 'yes' })).html, 'Stopped')
    const reply = await post(metadata.token_endpoint, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'sigstore',
      device_code: device.device_code!,
    })
    t.match(await reply.json(), { error: 'access_denied' })
  },
)
