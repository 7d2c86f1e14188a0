/** Key sets as issuers really write them: whatever Fulcio's verifier takes is taken, and a refusal says what happened. */
import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, type JWK } from 'jose'
import t, { type Test } from 'tap'
import { parseKeySet } from '../src/token/key-set.ts'
import { createIssuer, signToken, startProxy } from './support/oidc.ts'
import { createVerifier } from './support/verifier.ts'

const url = 'https://login.example.com'

/** Answers with what becomes of a good token when the issuer publishes these keys: `ok`, or the refusal. */
async function setUp(t: Test, alg = 'RS256') {
  const issuer = await createIssuer(url, alg)
  const bare = issuer.keys[0] as JWK
  const outcome = async (keys: readonly unknown[], header: Record<string, unknown> = {}): Promise<string> => {
    issuer.keys = keys as JWK[]
    const proxy = await startProxy(issuer)
    const { authenticate, close } = createVerifier(proxy.url, () => 0)
    t.teardown(async () => {
      await close()
      await proxy.stop()
    })
    return authenticate(await signToken(issuer, {}, header)).then(
      () => 'ok',
      ({ refusal, message }) => `${refusal}: ${message}`,
    )
  }
  return { bare, outcome }
}

t.test('members that are null, empty, odd or of no concern shut out no key', async (t) => {
  const { bare, outcome } = await setUp(t)
  for (const more of [
    { key_ops: [] },
    { key_ops: null },
    { key_ops: 'verify' },
    { key_ops: ['sign'] },
    { key_ops: ['verify', 'verify'] },
    { key_ops: ['sign', 'verify'], use: 'sig' },
    { ext: null },
    { ext: 'true' },
    { alg: null },
    { alg: '' },
    { alg: 'RSA256' },
    { use: null },
    { use: '' },
    { use: undefined, alg: undefined },
    { x5c: null, x5t: null, 'x5t#S256': '', x5u: '', crv: null, oth: [], d: null },
  ])
    t.equal(await outcome([{ ...bare, ...more }]), 'ok', JSON.stringify(more))
})

t.test('one odd key does not spoil the set', async (t) => {
  const { bare, outcome } = await setUp(t)
  for (const odd of [
    null,
    7,
    'key',
    [],
    {},
    { kty: null },
    { kty: 'constructor' },
    { kty: 'oct', k: 'c2VjcmV0' },
    { kty: 'RSA' },
    { kty: 'RSA', n: 7, e: [], kid: bare.kid },
    { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: bare.kid },
    { kty: 'OKP', crv: 'X25519', x: 'AA', kid: bare.kid },
    { ...bare, kid: null },
    { ...bare, kid: 7 },
  ]) {
    t.equal(await outcome([odd, bare]), 'ok', JSON.stringify(odd))
    t.equal(await outcome([odd, bare], { kid: undefined }), 'ok', JSON.stringify(odd))
  }
})

t.test(
  'a token without kid is tried with every key that fits, and one with it is found in a large set',
  async (t) => {
    const { bare, outcome } = await setUp(t, 'ES256')
    const strangers = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => ({
        ...(await exportJWK(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)),
        kid: `stranger-${i}`,
      })),
    )
    t.equal(await outcome([...strangers, bare], { kid: undefined }), 'ok')
    t.equal(await outcome([...strangers, bare]), 'ok')
    t.match(
      await outcome(strangers, { kid: undefined }),
      /^signature_invalid: the signature does not verify with the keys of/,
    )
  },
)

t.test('a refusal says what happened to the key', async (t) => {
  const { bare, outcome } = await setUp(t)
  const weak = await exportJWK(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
  const named = { kid: 'key-1' }
  for (const [keys, refusal] of [
    [
      [{ ...weak, ...named }],
      `key_unusable: none of the keys of "${url}" for RS256 can be used: it has 1024 bits, and at least 2048 are needed`,
    ],
    ...['AQ', 'Ag', 'AQAC', bare.n, 'gAAAAQ'].map(
      (e) =>
        [
          [{ ...bare, e }],
          `key_unusable: none of the keys of "${url}" for RS256 can be used: its exponent must be odd, and from 3 to 2147483647`,
        ] as const,
    ),
    [
      [{ kty: 'RSA', ...named }],
      `key_unusable: none of the keys of "${url}" for RS256 can be used: it is no valid RSA key`,
    ],
    [[{ ...bare, use: 'enc' }], `key_unknown: kid is "key-1", and "${url}" has no such key for RS256`],
    [[{ ...bare, alg: 'RSA-OAEP' }], `key_unknown: kid is "key-1", and "${url}" has no such key for RS256`],
    [[{ ...bare, alg: 'PS256' }], `key_unknown: kid is "key-1", and "${url}" has no such key for RS256`],
    [[], `key_unknown: kid is "key-1", and "${url}" has no such key for RS256`],
  ] as const)
    t.equal(await outcome(keys), refusal)
})

t.test('a curve is used with its own algorithm alone', async (t) => {
  for (const [curve, algorithm] of [
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
  ] as const) {
    const jwk = await exportJWK(generateKeyPairSync('ec', { namedCurve: curve }).publicKey)
    const [key] = parseKeySet({ keys: [jwk] }) ?? []
    for (const other of ['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA'])
      t.equal(key?.fits(other), other === algorithm, `${curve} ${other}`)
  }
  t.equal(parseKeySet({ keys: {} }), undefined)
  t.equal(parseKeySet([]), undefined)
})
