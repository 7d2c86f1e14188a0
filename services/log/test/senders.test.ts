/** Where senders must be known: bearer tokens of one issuer. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { createLimiter } from '@sigstack/limits'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { createGate } from '../src/admission/gate.ts'
import { createIdentifySender } from '../src/admission/senders.ts'
import { json, openRekor, proposalFor, type RekorUnderTest } from './support.ts'

type Key = Awaited<ReturnType<typeof generateKeyPair>> & { readonly kid: string | undefined }

async function makeKey(kid: string): Promise<Key> {
  return { kid, ...(await generateKeyPair('ES256')) }
}

/** An issuer that shows the keys of the list, and counts how often it is asked for them. */
async function openIssuer(t: Test, keys: Key[]) {
  const state = { asked: 0, isAway: false, hangs: false, isGivenUp: false, named: '' }
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (state.hangs) {
      response.on('close', () => {
        state.isGivenUp = true
      })
      return
    }
    if (state.isAway) return void response.writeHead(503).end()
    if (request.url === '/.well-known/openid-configuration')
      return void response.end(JSON.stringify({ issuer: state.named || issuer, jwks_uri: `${issuer}/keys` }))
    state.asked++
    const set = await Promise.all(
      keys.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' })),
    )
    response.end(JSON.stringify({ keys: set }))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { issuer, state }
}

const tokenBy = ({ kid, privateKey }: Key, claims: object, audience = 'rekor') =>
  new SignJWT({ sub: 'build', ...claims })
    .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
    .setAudience(audience)
    .setExpirationTime('5 min')
    .sign(privateKey)

async function post({ app }: RekorUnderTest, artifact: string, authorization?: string) {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/log/entries',
    headers: { ...json, ...(authorization !== undefined && { authorization }) },
    payload: JSON.stringify(proposalFor(artifact)),
  })
  return { status: answer.statusCode, body: answer.body, headers: answer.headers }
}

t.test('only who has a token of the issuer writes, and everybody reads', async (t) => {
  const keys = [await makeKey('one')]
  const [key] = keys as [Key]
  const { issuer } = await openIssuer(t, keys)
  const identifySender = createIdentifySender({ issuer, audience: 'rekor' })
  const rekor = await openRekor(t, { settings: { gate: createGate({ identifySender }) } })
  const good = await tokenBy(key, { iss: issuer })
  t.equal((await post(rekor, 'a', `Bearer ${good}`)).status, 201)
  t.equal((await post(rekor, 'b', `bearer ${good}`)).status, 201)
  const stranger = await makeKey('one')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]}.AA`
  for (const [what, authorization] of Object.entries({
    'no token': undefined,
    'another scheme': `Basic ${good}`,
    'no token at all': 'Bearer x',
    'of another issuer': `Bearer ${await tokenBy(key, { iss: 'https://other.example.org' })}`,
    'for somebody else': `Bearer ${await tokenBy(key, { iss: issuer }, 'sigstore')}`,
    expired: `Bearer ${await tokenBy(key, { iss: issuer, exp: 1 })}x`,
    'by another key': `Bearer ${await tokenBy(stranger, { iss: issuer })}`,
    unsigned: `Bearer ${unsigned}`,
    'of nobody': `Bearer ${await tokenBy(key, { iss: issuer, sub: '' })}`,
    'of a number': `Bearer ${await tokenBy(key, { iss: issuer, sub: 5 })}`,
    'of an object': `Bearer ${await tokenBy(key, { iss: issuer, sub: { a: 1 } })}`,
  })) {
    const answer = await post(rekor, 'c', authorization)
    t.equal(answer.status, 401, what)
    t.match(answer.headers, { 'www-authenticate': 'Bearer' })
  }
  t.equal((await rekor.app.inject('/api/v1/log')).statusCode, 200)
})

t.test('keys are asked for once, new ones are found, and an issuer that is away is a 503', async (t) => {
  const keys = [await makeKey('one')]
  const { issuer, state } = await openIssuer(t, keys)
  let nowMs = Date.now()
  const identify = createIdentifySender({ issuer, audience: 'rekor', now: () => nowMs })
  const old = `Bearer ${await tokenBy(keys[0]!, { iss: issuer })}`
  t.same(await Promise.all([identify(old), identify(old), identify(old)]), ['build', 'build', 'build'])
  t.equal(state.asked, 1)
  keys.push(await makeKey('two'))
  const next = `Bearer ${await tokenBy(keys[1]!, { iss: issuer })}`
  await t.rejects(identify(next), { code: 'unknown_sender' })
  t.equal(state.asked, 1, 'not at once')
  nowMs += 10_000
  t.equal(await identify(next), 'build')
  t.equal(state.asked, 2)
  state.isAway = true
  nowMs += 120_000
  t.equal(await identify(old), 'build', 'known keys serve while the issuer is away')
  nowMs += 600_000
  await t.rejects(identify(old), { code: 'unavailable' }, 'but not for long')
})

t.test('the limit counts the sender, who may sign as anybody', async (t) => {
  const keys = [await makeKey('one')]
  const { issuer } = await openIssuer(t, keys)
  const identifySender = createIdentifySender({ issuer, audience: 'rekor', keysUrl: `${issuer}/keys` })
  const identityLimiter = createLimiter({ rules: [{ perSecond: 0.001, burst: 1 }] })
  const gate = createGate({ identifySender, identityLimiter })
  const rekor = await openRekor(t, { settings: { gate } })
  const as = async (sub: string) => `Bearer ${await tokenBy(keys[0]!, { iss: issuer, sub })}`
  t.equal((await post(rekor, '1', await as('mallory'))).status, 201)
  t.equal((await post(rekor, '2', await as('mallory'))).status, 429)
  t.equal((await post(rekor, '3', await as('ann'))).status, 201, 'signed by the same key')
})

t.test('a token that names no key is tried with each that fits', async (t) => {
  const keys = [await makeKey('one'), await makeKey('two')]
  const { issuer } = await openIssuer(t, keys)
  const identify = createIdentifySender({ issuer, audience: 'rekor' })
  const nameless = async (key: Key) => `Bearer ${await tokenBy({ ...key, kid: undefined }, { iss: issuer })}`
  for (const key of keys) t.equal(await identify(await nameless(key)), 'build')
  await t.rejects(identify(await nameless(await makeKey('one'))), { code: 'unknown_sender' })
})

t.test('a discovery document of another issuer is not believed', async (t) => {
  const keys = [await makeKey('one')]
  const { issuer, state } = await openIssuer(t, keys)
  state.named = 'https://other.example.org'
  const identify = createIdentifySender({ issuer, audience: 'rekor' })
  await t.rejects(identify(`Bearer ${await tokenBy(keys[0]!, { iss: issuer })}`), { code: 'unavailable' })
})

t.test('nobody whom a known key serves waits for an issuer that hangs', async (t) => {
  const keys = [await makeKey('one')]
  const { issuer, state } = await openIssuer(t, keys)
  let nowMs = Date.now()
  const identify = createIdentifySender({ issuer, audience: 'rekor', now: () => nowMs })
  const authorization = `Bearer ${await tokenBy(keys[0]!, { iss: issuer })}`
  t.equal(await identify(authorization), 'build')
  state.hangs = true
  nowMs += 120_000
  t.equal(await identify(authorization), 'build')
  // Time for what has happened to be told.
  for (let turns = 0; turns < 10; turns++) await turn()
  t.notOk(state.isGivenUp, 'the issuer is still waited for')
})
