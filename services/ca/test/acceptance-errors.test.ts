/**
 * The acceptance list of the contract (fulcio.md section 11), box "every row of the table in section 6": condition, status, code, message.
 * Trouble behind the CA is 503 with code 14, as the build notes ask. These rows of Fulcio cannot happen here: "unsupported public
 * key type" (such a key is insecure before), an SCT that cannot be encoded, a trust bundle or configuration that is not there (the
 * start stops), and status 499 and 504 (nobody is left to read them). gRPC's own row is in grpc.test.ts.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Authority } from '@sigstack/ca-authority'
import { createSigner, encodePem, generateSigningKey } from '@sigstack/crypto'
import t, { type Test } from 'tap'
import { base64, createCertificateRequest } from './support/certificate-request.ts'
import {
  createAuthority,
  createClientKey,
  emailIssuerUrl,
  emailToken,
  type Harness,
  type HarnessOptions,
  person,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'
import { createIssuer, signToken, unsigned } from './support/oidc.ts'
import { gitHubClaims } from './support/tokens.ts'

type Answer = Awaited<ReturnType<typeof postV2>>

const harness = await startHarness()
t.teardown(() => harness.stop())
const token = await emailToken(harness)
const key = createClientKey()
const now = Math.floor(Date.now() / 1000)

function answersWith(
  t: Test,
  answer: Answer,
  expected: readonly [number, number, string | RegExp],
  name: string,
) {
  const [status, code, message] = expected
  const body = answer.json() as { code: number; message: string; details: unknown[] }
  t.equal(answer.statusCode, status, name)
  t.equal(answer.headers['content-type'], 'application/json', name)
  t.same(Object.keys(body), ['code', 'message', 'details'], name)
  t.equal(body.code, code, name)
  if (typeof message === 'string') t.equal(body.message, message, name)
  else t.match(body.message, message, name)
  t.same(body.details, [], name)
  t.equal(
    'retry-after' in answer.headers,
    status === 503,
    `${name}: when to try again is said where it helps`,
  )
  t.notMatch(answer.body, /-----BEGIN/, `${name}: no certificate leaves`)
}

const tokenRefused = (refusal: string) =>
  new RegExp(`^There was an error processing the identity token: .+ \\(${refusal}, request [\\w-]+\\)$`)

t.test('no, malformed, unknown, badly signed, mistimed token; issuer unreachable', async (t) => {
  const stranger = await createIssuer(emailIssuerUrl)
  const rows: [string, string, string][] = [
    ['no token', '', 'token_missing'],
    ['malformed token', 'a.b.c', 'token_malformed'],
    [
      'unknown issuer',
      unsigned({ alg: 'RS256' }, { iss: 'https://evil.example' }, 'AAAA'),
      'issuer_not_configured',
    ],
    ['bad signature', await signToken(stranger, person), 'signature_invalid'],
    ['wrong aud', await emailToken(harness, { aud: 'other' }), 'audience_mismatch'],
    ['expired', await emailToken(harness, { exp: now - 1 }), 'expired'],
    ['nbf in future', await emailToken(harness, { nbf: now + 3600 }), 'not_yet_valid'],
  ]
  for (const [name, token, refusal] of rows) {
    const answer = await postV2(harness, v2Body(token, key))
    answersWith(t, answer, [400, 3, tokenRefused(refusal)], name)
  }
  // The token is judged first: what else is wrong is not told.
  for (const body of ['', '{}', { publicKeyRequest: { publicKey: { content: 'bad' } } }])
    answersWith(t, await postV2(harness, body), [400, 3, tokenRefused('token_missing')], 'token before key')
  for (const authorization of ['Bearer x', 'Basic eDp5'])
    answersWith(
      t,
      await postV2(harness, '{"credentials":null}', { authorization }),
      [400, 3, tokenRefused('token_malformed')],
      authorization,
    )
  await withHarness({}, async (other) => {
    other.proxy.mode = 'issuer_unavailable'
    const answer = await postV2(other, v2Body(await emailToken(other), key))
    answersWith(t, answer, [400, 3, tokenRefused('issuer_unavailable')], 'issuer unreachable')
  })
  await withHarness({}, async (other) => {
    other.proxy.mode = 'down'
    const answer = await postV2(other, v2Body(await emailToken(other), key))
    answersWith(t, answer, [503, 14, tokenRefused('identity_provider_unreachable')], 'OIDC proxy unreachable')
  })
})

const ciUrl = 'https://ci.example.com'
const ciIssuer = await createIssuer(ciUrl, 'ES256')

t.test('identities that their issuer may not vouch for, and CI claims that are missing', async (t) => {
  const verified = { email: 'alice@example.com', email_verified: true }
  const gitHub = { type: 'ci-provider', 'ci-provider': 'github-workflow' }
  const metadata = {
    bare: {},
    odd: { 'subject-alternative-name-template': 'no url' },
    foreign: { 'subject-alternative-name-template': 'https://exämple.com/' },
    claim: { 'subject-alternative-name-template': '{{ .url }}' },
  }
  const provider = (name: string) => ({ type: 'ci-provider', 'ci-provider': name })
  const claimed = { type: 'email', 'issuer-claim': '$.federated' }
  const indented = (name: string) => `{\n\t"ExtensionName": "${name}",\n\t"Issuer": "${ciUrl}"\n}`
  const rows: [string, Record<string, unknown>, Record<string, unknown>, string | RegExp][] = [
    ['email missing', { type: 'email' }, {}, tokenRefused('claim_missing')],
    ['email not verified', { type: 'email' }, { email: 'a@example.com' }, tokenRefused('email_not_verified')],
    ['email implausible', { type: 'email' }, { ...verified, email: 'a' }, tokenRefused('email_implausible')],
    [
      'uri rule',
      { type: 'uri', 'subject-domain': ciUrl },
      { sub: 'https://x.example' },
      tokenRefused('subject_refused'),
    ],
    [
      'username rule',
      { type: 'username', 'subject-domain': 'ci.example.com' },
      { sub: 'a!b' },
      tokenRefused('subject_refused'),
    ],
    [
      'spiffe rule',
      { type: 'spiffe', 'spiffe-trust-domain': 'example.com' },
      { sub: 'x' },
      tokenRefused('subject_refused'),
    ],
    ['old CI type lacks a claim', { type: 'buildkite-job' }, {}, tokenRefused('claim_missing')],
    ['issuer-claim path missing', claimed, verified, tokenRefused('claim_missing')],
    ['ci-provider metadata absent', provider('none'), {}, tokenRefused('provider_not_configured')],
    [
      'claim missing (bare name)',
      gitHub,
      { ...gitHubClaims, sha: null },
      `value <sha> not present in either claims or defaults. ${indented('GithubWorkflowSHA')}`,
    ],
    [
      'claim missing (template)',
      gitHub,
      { ...gitHubClaims, run_id: null },
      /map has no entry for key "run_id"$/,
    ],
    [
      'SAN template empty',
      provider('bare'),
      {},
      `SubjectAlternativeNameTemplate should not be empty. Issuer: ${ciUrl}`,
    ],
    [
      'empty issuer value',
      claimed,
      { ...verified, federated: '' },
      'extensions must have a non-empty issuer url',
    ],
    ['SAN not a URL', provider('claim'), { url: 'no url' }, /no url/],
    ['SAN not ASCII', provider('claim'), { url: 'https://exämple.com/' }, /exämple\.com/],
  ]
  for (const [name, fields, claims, message] of rows)
    await withHarness(
      {
        issuers: [ciIssuer],
        config: {
          'oidc-issuers': { [ciUrl]: { 'client-id': 'sigstore', ...fields } },
          'ci-issuer-metadata': metadata,
        },
      },
      async (other) => {
        const token = await signToken(ciIssuer, claims)
        const proof = key.prove('email' in claims ? person.email : 'subject-1')
        answersWith(t, await postV2(other, v2Body(token, key, proof)), [400, 3, message], name)
      },
    )
})

const unparsable = 'The public key supplied in the request could not be parsed'
const insecure = 'The public key supplied in the request is insecure'
const unverified = 'The signature supplied in the request could not be verified'
const badRequest = 'The certificate signing request could not be parsed'

t.test(
  'no key, unparsable and insecure keys and requests, wrong proofs, algorithms not allowed',
  async (t) => {
    const credentials = { oidcIdentityToken: token }
    const withKey = (content: unknown, proof: unknown = 'AAAA') => ({
      credentials,
      publicKeyRequest: { publicKey: { content }, proofOfPossession: proof },
    })
    const withRequest = (pem: string) => ({ credentials, certificateSigningRequest: base64(pem) })
    const pemOf = (pair: { publicKey: KeyObject }) =>
      pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const curve = (namedCurve: string) => pemOf(generateKeyPairSync('ec', { namedCurve }))
    const request = { spki: key.der, privateKey: key.privateKey }
    const rows: [string, unknown, string][] = [
      ['neither key nor CSR', { credentials }, unparsable],
      ['key unparsable', withKey('hello'), unparsable],
      ['key of another PEM type', withKey(encodePem('CERTIFICATE', Buffer.from('x'))), unparsable],
      ['key null', withKey(null), unparsable],
      ['CSR unparsable', withRequest('hello'), badRequest],
      ['CSR of another PEM type', withRequest(key.pem), badRequest],
      ['RSA of 1024 bits', withKey(createClientKey(1024).pem), insecure],
      [
        'RSA with exponent 3',
        withKey(pemOf(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }))),
        insecure,
      ],
      ['secp256k1', withKey(curve('secp256k1')), insecure],
      ['P-224', withKey(curve('secp224r1')), insecure],
      ['X25519', withKey(pemOf(generateKeyPairSync('x25519'))), insecure],
      ['RSASSA-PSS key', withKey(pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }))), insecure],
      [
        'DSA',
        withKey(pemOf(generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }))),
        insecure,
      ],
      ['proof over something else', withKey(key.pem, key.prove('bob@example.com')), unverified],
      ['proof empty', withKey(key.pem, ''), unverified],
      ['proof of another key', withKey(key.pem, createClientKey().prove(person.email)), unverified],
      [
        'CSR self-signature wrong',
        withRequest(createCertificateRequest({ ...request, spki: createClientKey().der })),
        unverified,
      ],
      [
        'CSR signed with unsupported algorithm',
        withRequest(createCertificateRequest({ ...request, algorithm: 'ecdsa-sha1' })),
        'unrecognized signature algorithm: ECDSA-SHA1',
      ],
    ]
    for (const [name, body, message] of rows)
      answersWith(t, await postV2(harness, body), [400, 3, message], name)
    const allowedAlgorithms = ['ecdsa-sha2-384-nistp384', 'ed25519-ph'] as const
    await withHarness({ change: (issuance) => ({ ...issuance, allowedAlgorithms }) }, async (other) => {
      const notPermitted = 'signing algorithm not permitted: '
      const answer = await postV2(other, v2Body(await emailToken(other), key))
      answersWith(t, answer, [400, 3, `${notPermitted}*ecdsa.PublicKey, SHA-256`], 'not in the allow list')
      const ed = await postV2(other, v2Body(await emailToken(other), createClientKey('ed25519')))
      answersWith(t, ed, [400, 3, /^signing algorithm not permitted: ed25519\.PublicKey, /], 'Ed25519')
    })
  },
)

type Changed = NonNullable<HarnessOptions['change']>

/** The CA with another key, or with one that fails. */
const withSigning =
  (sign: (call: number, signer: Authority['signer'], message: Uint8Array) => Promise<Uint8Array>): Changed =>
  (issuance) => {
    const { signer, chain } = issuance.authority()
    let calls = 0
    const changed = { ...signer, sign: (message: Uint8Array) => sign(++calls, signer, message) }
    return { ...issuance, authority: () => ({ chain, signer: changed }) }
  }

t.test(
  'trouble behind the CA and within it: no certificate leaves, and no reason that is not for the requester',
  async (t) => {
    const stranger = createSigner(generateSigningKey())
    const failsAt = (call: number): Changed =>
      withSigning((at, signer, message) =>
        at === call ? Promise.reject(new Error('HSM says 0x30')) : signer.sign(message),
      )
    const backend = 'error communicating with CA backend'
    const ended = { authority: await createAuthority(590_000) }
    const rows: [string, HarnessOptions, number, number, string | RegExp][] = [
      ['CA backend cannot sign', { change: failsAt(1) }, 503, 14, backend],
      ['final certificate signing failed after the SCT', { change: failsAt(2) }, 503, 14, backend],
      [
        'certificate cannot be encoded: the key signs wrongly',
        { change: withSigning((at, signer, message) => (at === 2 ? stranger : signer).sign(message)) },
        500,
        13,
        'Error marshaling code signing certificate',
      ],
      [
        'chain ends within ten minutes',
        ended,
        500,
        13,
        /^error communicating with CA backend: the certificate authority ends/,
      ],
      [
        'crash inside a handler',
        {
          change: (issuance) => ({
            ...issuance,
            randomBytes: () => {
              throw new Error('no randomness left')
            },
          }),
        },
        500,
        2,
        'internal error',
      ],
    ]
    for (const [name, options, status, code, message] of rows)
      await withHarness(options, async (other) => {
        const answer = await postV2(other, v2Body(await emailToken(other), key))
        answersWith(t, answer, [status, code, message], name)
        t.notMatch(answer.body, /HSM|randomness/, name)
        const ownLog = other.logLines.join('')
        if (code === 2) t.match(ownLog, /no randomness left/, 'our own log says why')
        if (options === ended) t.equal(other.ctLog.requests, 0, 'the CT log hears nothing of it')
      })
    await withHarness({ totalTimeoutMs: 300 }, async (other) => {
      other.ctLog.mode = 'refuses'
      const refused = await postV2(other, v2Body(await emailToken(other), key))
      answersWith(t, refused, [503, 14, 'Error entering certificate in CTL'], 'CT log refused')
      await other.ctLog.stop()
      const answer = await postV2(other, v2Body(await emailToken(other), key))
      answersWith(t, answer, [503, 14, 'Error entering certificate in CTL'], 'CT log unreachable')
      t.match(other.logLines.join(''), /the CT log cannot be reached/, 'our own log says why')
    })
  },
)

t.test('malformed JSON, bad base64, body too large; unknown path, wrong method', async (t) => {
  const rows: [string, unknown, string | RegExp][] = [
    ['malformed JSON', '{', /^invalid request: /],
    [
      'bad base64',
      { certificateSigningRequest: '*' },
      /^invalid request: certificateSigningRequest is not base64$/,
    ],
    ['body too large', '{}'.padEnd(256 * 1024 + 1), 'http: request body too large'],
  ]
  for (const [name, body, message] of rows)
    answersWith(t, await postV2(harness, body), [400, 3, message], name)
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS', url: string) =>
    (await harness.app.inject({ method, url })) as Answer
  for (const url of ['/api/v2/nothing', '/api/v2/signingCert/', '/%zz', '/api/v3/signingCert'])
    answersWith(t, await ask('POST', url), [404, 5, 'Not Found'], url)
  for (const url of ['/', '/docs', '/openapi.json', '/api/docs', '/api/openapi.json']) {
    t.ok((await ask('GET', url)).statusCode < 400, `${url} is a page, or leads to one`)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'] as const)
      answersWith(t, await ask(method, url), [404, 5, 'Not Found'], `${method} ${url}`)
  }
  for (const [method, url] of [
    ['GET', '/api/v2/signingCert'],
    ['PUT', '/api/v1/signingCert'],
    ['POST', '/api/v2/trustBundle'],
    ['DELETE', '/api/v2/configuration'],
    ['POST', '/healthz'],
    ['OPTIONS', '/api/v1/rootCert'],
  ] as const)
    answersWith(t, await ask(method, url), [501, 12, 'Method Not Allowed'], `${method} ${url}`)
  t.equal((await ask('GET', '//api///v2/trustBundle?x=//')).statusCode, 200, 'doubled slashes are forgiven')
})

async function withHarness(options: HarnessOptions, use: (harness: Harness) => Promise<void>): Promise<void> {
  const other = await startHarness(options)
  try {
    await use(other)
  } finally {
    await other.stop()
  }
}
