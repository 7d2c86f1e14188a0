/** The code flow: what the issuer is told, and which answers are taken. The tool's own tests try the rest of an issuer's faults. */
import t from 'tap'
import { authorizationUrl, challengeOf, discover, randomText, redeemCode } from '../src/index.ts'
import { sign, standIn } from './stand-in-issuer.ts'

const client = { id: 'console', secret: undefined }
const request = {
  clientId: client.id,
  redirectUri: 'https://console.example/auth/callback',
  scope: 'openid',
  state: randomText(),
  nonce: randomText(),
  verifier: randomText(),
}

t.test('the issuer is told the hash of the verifier, and never the verifier', async (t) => {
  const issuer = await discover(await standIn(t, {}))
  const url = authorizationUrl(issuer, request)
  t.equal(url.origin + url.pathname, `${issuer.url}/auth`)
  t.match(Object.fromEntries(url.searchParams), {
    response_type: 'code',
    client_id: 'console',
    redirect_uri: request.redirectUri,
    state: request.state,
    nonce: request.nonce,
    ...challengeOf(request.verifier),
  })
  t.notMatch(url.href, request.verifier)
})

t.test('a code is redeemed for the claims of a token that answers this request alone', async (t) => {
  let nonce: unknown = request.nonce
  let sub: string | undefined = 'me'
  const asked: URLSearchParams[] = []
  const url: string = await standIn(t, {
    token: async (form) => {
      asked.push(form)
      return { id_token: await sign({ iss: url, aud: client.id, ...(sub !== undefined && { sub }), nonce }) }
    },
  })
  const issuer = await discover(url)
  const { claims } = await redeemCode('c0de', issuer, client, request)
  t.equal(claims.sub, 'me')
  t.match(Object.fromEntries(asked[0] ?? []), {
    grant_type: 'authorization_code',
    code: 'c0de',
    code_verifier: request.verifier,
    redirect_uri: request.redirectUri,
    client_id: client.id,
  })
  for (const other of [undefined, randomText(), 7]) {
    nonce = other
    const failure = await redeemCode('c0de', issuer, client, request).catch((error: unknown) => error)
    t.match(failure, { code: 'no_token', message: /answers another request$/ })
    t.notMatch(String(failure), /c0de|eyJ/)
  }
  nonce = request.nonce
  sub = ''
  await t.rejects(redeemCode('c0de', issuer, client, request), { code: 'no_token', message: /no subject$/ })
})

t.test('an issuer without PKCE, or that does not answer, signs nobody in', async (t) => {
  const plain = await discover(await standIn(t, { says: { code_challenge_methods_supported: ['plain'] } }))
  t.throws(() => authorizationUrl(plain, request), { code: 'bad_issuer', message: /PKCE$/ })
  await t.rejects(discover('http://127.0.0.1:9'), { code: 'unreachable' })
})
