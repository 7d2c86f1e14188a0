import { type KeyObject, X509Certificate } from 'node:crypto'
import { encodePem } from '@sigstack/crypto'
import { certificateSubjects, embeddedScts, encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'
import { base64, createCertificateRequest } from './support/certificate-request.ts'
import {
  certificatesOf,
  createClientKey,
  emailToken,
  person,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'
import { signToken, unsigned } from './support/oidc.ts'

const harness = await startHarness()
t.teardown(() => harness.stop())
const { app } = harness
const sentence = 'There was an error processing the identity token'

t.test(
  'v2 with key and proof: every kind of key, DER and r‖s proofs, token in body and in header',
  async (t) => {
    const token = await emailToken(harness)
    for (const kind of ['P-256', 'P-384', 'P-521', 2048, 3072, 4096, 'ed25519'] as const) {
      const key = createClientKey(kind)
      const encodings =
        typeof kind === 'string' && kind.startsWith('P')
          ? (['der', 'ieee-p1363'] as const)
          : (['der'] as const)
      for (const encoding of encodings) {
        const answer = await postV2(harness, v2Body(token, key, key.prove(person.email, encoding)))
        t.equal(answer.statusCode, 200, `${kind} ${encoding}: ${answer.body.slice(0, 120)}`)
        t.equal(answer.headers['content-type'], 'application/json')
        t.same(Object.keys(answer.json()), ['signedCertificateEmbeddedSct'], 'one key, or sigstore-rs fails')
        const leaf = new X509Certificate(certificatesOf(answer)[0]!)
        t.same(leaf.publicKey.export({ type: 'spki', format: 'der' }), key.der)
      }
    }
    const key = createClientKey()
    const { credentials: _credentials, ...withoutToken } = v2Body(token, key) as Record<string, unknown>
    for (const authorization of [`Bearer ${token}`, `bearer ${token}`, token]) {
      const answer = await postV2(harness, withoutToken, { authorization })
      t.equal(answer.statusCode, 200, `header ${authorization.slice(0, 10)}`)
    }
    const other = await postV2(harness, v2Body(token, key), { authorization: 'Bearer nonsense' })
    t.equal(other.statusCode, 200, 'the token in the body wins')
  },
)

t.test(
  'v2 with key: one unwrapped line of PEM, PKCS#1 and unknown algorithm names are accepted',
  async (t) => {
    const token = await emailToken(harness)
    const key = createClientKey(2048)
    const pkcs1 = (await import('node:crypto'))
      .createPublicKey(key.pem)
      .export({ type: 'pkcs1', format: 'pem' })
    const unwrapped = `-----BEGIN PUBLIC KEY-----\n${key.der.toString('base64')}\n-----END PUBLIC KEY-----`
    for (const content of [pkcs1.toString(), unwrapped, key.pem.replaceAll('\n', '\r\n')]) {
      for (const algorithm of ['RSA', 'ecdsa', 1, 99, null]) {
        const publicKeyRequest = {
          publicKey: { algorithm, content },
          proofOfPossession: key.prove(person.email),
        }
        const answer = await postV2(harness, { credentials: { oidcIdentityToken: token }, publicKeyRequest })
        t.equal(answer.statusCode, 200, answer.body.slice(0, 100))
        const leaf = new X509Certificate(certificatesOf(answer)[0]!)
        t.same(leaf.publicKey.export({ type: 'spki', format: 'der' }), key.der)
      }
    }
  },
)

t.test('v2 with CSR: python-style and rs-style accepted, P-384 with SHA-256 and PSS refused', async (t) => {
  const authorization = `Bearer ${await emailToken(harness)}`
  const p256 = createClientKey()
  const post = (pem: string) =>
    postV2(
      harness,
      { certificateSigningRequest: base64(pem) },
      { authorization, accept: 'application/pem-certificate-chain' },
    )
  const request = { spki: p256.der, privateKey: p256.privateKey }
  for (const pem of [
    createCertificateRequest({ ...request, basicConstraints: true }),
    createCertificateRequest({ ...request, emailAddress: 'älice@example.com' }),
    createCertificateRequest({ ...request, pemType: 'NEW CERTIFICATE REQUEST' }),
  ]) {
    const answer = await post(pem)
    t.equal(answer.statusCode, 200, answer.body.slice(0, 100))
    t.equal(certificatesOf(answer).length, 3)
    t.match(new X509Certificate(certificatesOf(answer)[0]!).subjectAltName, /email:alice@example\.com$/)
  }
  const ed = createClientKey('ed25519')
  const edRequest = createCertificateRequest({
    spki: ed.der,
    privateKey: ed.privateKey,
    algorithm: 'ed25519',
  })
  t.equal((await post(edRequest)).statusCode, 200)

  const refusals: [string, string, string][] = []
  const p384 = createClientKey('P-384')
  const rsa = createClientKey(2048)
  const make = (key: typeof rsa, algorithm: string) =>
    createCertificateRequest({ spki: key.der, privateKey: key.privateKey, algorithm })
  refusals.push([
    'P-384 with SHA-256',
    make(p384, 'ecdsa-sha256'),
    'signing algorithm not permitted: *ecdsa.PublicKey, SHA-256',
  ])
  refusals.push([
    'RSA with SHA-512',
    make(rsa, 'rsa-sha512'),
    'signing algorithm not permitted: *rsa.PublicKey, SHA-512',
  ])
  refusals.push(['PSS', make(rsa, 'rsa-pss'), 'unrecognized signature algorithm: RSAPSS'])
  refusals.push(['SHA-1', make(p256, 'ecdsa-sha1'), 'unrecognized signature algorithm: ECDSA-SHA1'])
  const wrong = createCertificateRequest({ spki: createClientKey().der, privateKey: p256.privateKey })
  refusals.push(['another key', wrong, 'The signature supplied in the request could not be verified'])
  refusals.push(['no PEM', 'hello', 'The certificate signing request could not be parsed'])
  refusals.push(['other PEM', p256.pem, 'The certificate signing request could not be parsed'])
  for (const [name, pem, message] of refusals) {
    const answer = await post(pem)
    t.equal(answer.statusCode, 400, name)
    t.same(answer.json(), { code: 3, message, details: [] }, name)
  }
  t.equal((await post(make(p384, 'ecdsa-sha384'))).statusCode, 200)
  t.equal((await post(make(rsa, 'rsa-sha256'))).statusCode, 200)
})

t.test('v1 with base64(PEM) and base64(DER): 201, trimmed PEM chain, no SCT header', async (t) => {
  const authorization = `Bearer ${await emailToken(harness)}`
  const key = createClientKey()
  for (const content of [base64(key.pem), key.der.toString('base64')]) {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/signingCert',
      headers: { authorization, 'content-type': 'application/json' },
      payload: {
        publicKey: { content, algorithm: 'ecdsa' },
        signedEmailAddress: key.prove(person.email),
        certificateSigningRequest: null,
      },
    })
    t.equal(answer.statusCode, 201, answer.body)
    t.equal(answer.headers['content-type'], 'application/pem-certificate-chain')
    t.notOk('sct' in answer.headers)
    t.equal(answer.body, answer.body.trim())
    t.equal(answer.body.match(/-----BEGIN CERTIFICATE-----/g)?.length, 3)
    t.notMatch(answer.body, /\n\n/)
    const chain = harness.authority.chain.map(({ der }) => encodeCertificatePem(der).trim()).join('\n')
    t.ok(answer.body.endsWith(chain))
  }
  const inBody = await app.inject({
    method: 'POST',
    url: '/api/v1/signingCert',
    payload: v2Body(await emailToken(harness), key) as object,
  })
  t.equal(inBody.statusCode, 400, 'v1 reads the token of the header only')
  t.ok(inBody.json().message.startsWith(sentence))
})

t.test(
  'the chain in a signing answer is leaf, issuing certificate, root, without final line feeds',
  async (t) => {
    const key = createClientKey()
    const certificates = certificatesOf(await postV2(harness, v2Body(await emailToken(harness), key)))
    const parsed = certificates.map((pem) => new X509Certificate(pem))
    for (const pem of certificates) t.equal(pem, pem.trim())
    t.ok(parsed[0]!.verify(parsed[1]!.publicKey))
    t.ok(parsed[1]!.verify(parsed[2]!.publicKey))
    t.ok(parsed[2]!.verify(parsed[2]!.publicKey))
    t.same(certificateSubjects(parsed[0]!.raw), [person.email])
    t.ok(embeddedScts(parsed[0]!.raw))
  },
)

t.test('trustBundle and rootCert: order and newline rules', async (t) => {
  const pems = harness.authority.chain.map(({ der }) => encodeCertificatePem(der))
  const bundle = await app.inject('/api/v2/trustBundle')
  t.equal(bundle.statusCode, 200)
  t.equal(bundle.headers['content-type'], 'application/json')
  t.same(bundle.json(), { chains: [{ certificates: pems }] })
  t.ok(pems.every((pem) => pem.endsWith('-----END CERTIFICATE-----\n')))
  const root = await app.inject('/api/v1/rootCert')
  t.equal(root.statusCode, 200)
  t.equal(root.headers['content-type'], 'application/pem-certificate-chain')
  t.equal(root.body, `${pems[0]}\n${pems[1]}`.trim())
  t.same((await app.inject('/healthz')).json(), { status: 'SERVING' })
})

t.test('configuration with exact and wildcard issuers, every field written', async (t) => {
  const other = await startHarness({
    config: {
      'oidc-issuers': {
        'https://login.example.com': {
          'issuer-url': 'https://login.example.com',
          'client-id': 'sigstore',
          type: 'email',
          contact: 'x@example.com',
        },
        'https://spiffe.example.com': {
          'issuer-url': 'https://spiffe.example.com',
          'client-id': 'other',
          type: 'spiffe',
          'spiffe-trust-domain': 'example.com',
        },
      },
      'meta-issuers': {
        'https://oidc.eks.*.amazonaws.com/id/*': { 'client-id': 'sigstore', type: 'kubernetes' },
      },
    },
  })
  t.teardown(() => other.stop())
  const plain = {
    spiffeTrustDomain: '',
    subjectDomain: '',
    skipEmailVerification: false,
    audience: 'sigstore',
  }
  t.same((await other.app.inject('/api/v2/configuration')).json(), {
    issuers: [
      { ...plain, issuerUrl: 'https://login.example.com', challengeClaim: 'email', issuerType: 'email' },
      {
        ...plain,
        issuerUrl: 'https://spiffe.example.com',
        audience: 'other',
        challengeClaim: 'sub',
        issuerType: 'spiffe',
        spiffeTrustDomain: 'example.com',
      },
      {
        ...plain,
        wildcardIssuerUrl: 'https://oidc.eks.*.amazonaws.com/id/*',
        challengeClaim: 'sub',
        issuerType: 'kubernetes',
      },
    ],
  })
})

t.test('section 6: requests that are refused, with status, code and text', async (t) => {
  const token = await emailToken(harness)
  const key = createClientKey()
  const weak = createClientKey(1024)
  const good = v2Body(token, key) as { credentials: object; publicKeyRequest: Record<string, unknown> }
  const withKey = (content: unknown, proof: unknown = 'AAAA') => ({
    ...good,
    publicKeyRequest: { publicKey: { content }, proofOfPossession: proof },
  })
  const { generateKeyPairSync } = await import('node:crypto')
  const pemOf = (pair: { publicKey: KeyObject }) =>
    pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const unparsable = 'The public key supplied in the request could not be parsed'
  const insecure = 'The public key supplied in the request is insecure'
  const unverified = 'The signature supplied in the request could not be verified'
  const rows: [string, unknown, string][] = [
    ['neither key nor CSR', { credentials: good.credentials }, unparsable],
    ['key unparsable', withKey('hello'), unparsable],
    ['key of another PEM type', withKey(encodePem('CERTIFICATE', Buffer.from('x'))), unparsable],
    ['key null', withKey(null), unparsable],
    ['RSA of 1024 bits', withKey(weak.pem), insecure],
    [
      'RSA with exponent 3',
      withKey(pemOf(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }))),
      insecure,
    ],
    ['secp256k1', withKey(pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))), insecure],
    ['P-224', withKey(pemOf(generateKeyPairSync('ec', { namedCurve: 'secp224r1' }))), insecure],
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
  ]
  for (const [name, body, message] of rows) {
    const answer = await postV2(harness, body)
    t.equal(answer.statusCode, 400, name)
    t.same(answer.json(), { code: 3, message, details: [] }, name)
    t.equal(answer.headers['content-type'], 'application/json')
  }
  const only = await startHarness({
    change: (issuance) => ({ ...issuance, allowedAlgorithms: ['ecdsa-sha2-384-nistp384', 'ed25519-ph'] }),
  })
  t.teardown(() => only.stop())
  const refused = await postV2(only, v2Body(await emailToken(only), key))
  t.same(refused.json(), {
    code: 3,
    message: 'signing algorithm not permitted: *ecdsa.PublicKey, SHA-256',
    details: [],
  })
  const ed = createClientKey('ed25519')
  const refusedEd = await postV2(only, v2Body(await emailToken(only), ed))
  t.match(refusedEd.json().message, /^signing algorithm not permitted: ed25519\.PublicKey, /)
})

t.test('the token is judged before the key, and a missing one is 400 and not 401', async (t) => {
  const key = createClientKey()
  for (const [body, headers] of [
    ['', {}],
    ['{}', {}],
    [{ publicKeyRequest: { publicKey: { content: 'bad' } } }, {}],
    [v2Body('a.b.c', key), {}],
    [{ certificateSigningRequest: 'AAAA' }, { authorization: 'Bearer x' }],
    ['{"credentials":null}', { authorization: 'Basic eDp5' }],
  ] as const) {
    const answer = await postV2(harness, body, headers)
    t.equal(answer.statusCode, 400)
    const { code, message, details } = answer.json()
    t.equal(code, 3)
    t.ok(message.startsWith(`${sentence}: `), message)
    t.match(message, /request [\w-]+\)$/)
    t.same(details, [])
  }
})

t.test('malformed JSON, wrong types, repeated names and both kinds of key are 400 code 3', async (t) => {
  const key = createClientKey()
  const token = await emailToken(harness)
  const good = JSON.stringify(v2Body(token, key))
  const bodies = [
    '{',
    'null',
    '[]',
    '"x"',
    '7',
    `${good}x`,
    good.replace('"credentials"', '"credentials":{},"credentials"'),
    good.replace('"content"', '"content":"","\\u0063ontent"'),
    good.replace('"publicKeyRequest"', '"public_key_request":null,"publicKeyRequest"'),
    good.replace('{"credentials"', '{"certificateSigningRequest":"AAAA","credentials"'),
    '{"credentials":[]}',
    '{"credentials":{"oidcIdentityToken":7}}',
    '{"publicKeyRequest":"x"}',
    '{"publicKeyRequest":{"proofOfPossession":"*"}}',
    '{"publicKeyRequest":{"proofOfPossession":"a-b+"}}',
    '{"publicKeyRequest":{"publicKey":{"algorithm":true}}}',
    '{"certificateSigningRequest":"A"}',
    `{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  ]
  for (const body of bodies) {
    const answer = await postV2(harness, body)
    t.equal(answer.statusCode, 400, String(body).slice(0, 60))
    t.equal(answer.json().code, 3)
    t.match(answer.json().message, /^invalid request: /)
    t.same(answer.json().details, [])
  }
})

t.test(
  'snake_case, null, unknown fields, both base64 alphabets and missing padding are accepted',
  async (t) => {
    const token = await emailToken(harness)
    const key = createClientKey(2048)
    const proof = key.prove(person.email)
    const urlSafe = proof.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    for (const spelling of [
      proof,
      urlSafe,
      proof.replace(/=+$/, ''),
      `${proof.slice(0, 64)}\n${proof.slice(64)}`,
    ]) {
      const body = {
        unknown: { deeply: [1, { x: null }] },
        credentials: { oidc_identity_token: token, more: 1 },
        public_key_request: { public_key: { content: key.pem }, proof_of_possession: spelling },
        certificateSigningRequest: null,
      }
      t.equal((await postV2(harness, body)).statusCode, 200, spelling.slice(-10))
    }
  },
)

t.test('any content type is JSON; too large a body is 400 with the text of Go', async (t) => {
  const key = createClientKey()
  const payload = JSON.stringify(v2Body(await emailToken(harness), key))
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'nonsense',
    'multipart/form-data',
    '',
  ]) {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v2/signingCert',
      headers: type === '' ? {} : { 'content-type': type },
      payload,
    })
    t.equal(answer.statusCode, 200, `${type}: ${answer.body.slice(0, 100)}`)
  }
  const large = `${payload.slice(0, -1)},"padding":"${'x'.repeat(4 * 1024 * 1024 - payload.length - 13)}"}`
  t.equal((await postV2(harness, large)).statusCode, 200, `${large.length} bytes pass`)
  for (const url of ['/api/v2/signingCert', '/api/v1/signingCert']) {
    const answer = await app.inject({ method: 'POST', url, payload: `${large} `.padEnd(4 * 1024 * 1024 + 1) })
    t.equal(answer.statusCode, 400)
    t.same(answer.json(), { code: 3, message: 'http: request body too large', details: [] })
  }
})

t.test('unknown paths are 404 code 5, wrong methods 501 code 12, doubled slashes are forgiven', async (t) => {
  for (const url of ['/', '/api/v2/nothing', '/api/v2/signingCert/', '/%zz', '/api/v3/signingCert']) {
    const answer = await app.inject({ method: 'POST', url })
    t.equal(answer.statusCode, 404, url)
    t.same(answer.json(), { code: 5, message: 'Not Found', details: [] }, url)
    t.equal(answer.headers['content-type'], 'application/json')
  }
  for (const [method, url] of [
    ['GET', '/api/v2/signingCert'],
    ['PUT', '/api/v1/signingCert'],
    ['POST', '/api/v2/trustBundle'],
    ['DELETE', '/api/v2/configuration'],
    ['POST', '/healthz'],
    ['OPTIONS', '/api/v1/rootCert'],
  ] as const) {
    const answer = await app.inject({ method, url })
    t.equal(answer.statusCode, 501, `${method} ${url}`)
    t.same(answer.json(), { code: 12, message: 'Method Not Allowed', details: [] })
  }
  t.equal((await app.inject('//api///v2/trustBundle?x=//')).statusCode, 200)
})

t.test('web pages of any origin may ask, without Authorization', async (t) => {
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/api/v2/signingCert',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
  })
  t.equal(preflight.statusCode, 204)
  t.equal(preflight.headers['access-control-allow-origin'], '*')
  t.equal(preflight.headers['access-control-allow-methods'], 'GET, POST, HEAD')
  t.notMatch(preflight.headers['access-control-allow-headers'], /authorization/i)
  const get = await app.inject({ url: '/api/v2/trustBundle', headers: { origin: 'https://app.example' } })
  t.equal(get.headers['access-control-allow-origin'], '*')
})

t.test('email issuers: the proof may cover email or sub, and nothing else', async (t) => {
  const token = await emailToken(harness)
  const key = createClientKey()
  t.equal((await postV2(harness, v2Body(token, key, key.prove(person.email)))).statusCode, 200)
  t.equal((await postV2(harness, v2Body(token, key, key.prove(person.sub)))).statusCode, 200)
  for (const text of ['', `${person.email}\n`, `"${person.email}"`, 'Alice@example.com'])
    t.equal((await postV2(harness, v2Body(token, key, key.prove(text)))).statusCode, 400, text)
})

t.test('metrics have the names of Fulcio; the audit log has every decision and no token', async (t) => {
  harness.logLines.length = 0
  const key = createClientKey()
  const token = await emailToken(harness)
  const issued = await postV2(harness, v2Body(token, key), { 'x-request-id': 'asked-by-a-test' })
  const expired = await emailToken(harness, { exp: 1 })
  await postV2(harness, v2Body(expired, key))
  const forged = unsigned({ alg: 'none' }, { ...person, iss: 'https://login.example.com' })
  await postV2(harness, v2Body(forged, key))
  const records = harness.logLines.map((line) => JSON.parse(line)).filter(({ audit }) => audit !== undefined)
  t.equal(records.length, 3)
  const leaf = new X509Certificate(certificatesOf(issued)[0]!)
  t.match(records[0], {
    reqId: 'asked-by-a-test',
    audit: {
      decision: 'issued',
      issuer: 'https://login.example.com',
      subject: 'user-17',
      subjectAlternativeName: 'alice@example.com',
      keyFingerprint: /^[0-9a-f]{64}$/,
      client: '127.0.0.1',
    },
  })
  t.equal(
    records[0].audit.serialNumber.replace(/^0+/, '').toUpperCase(),
    leaf.serialNumber.replace(/^0+/, ''),
  )
  t.match(records[1].audit, { decision: 'refused', refusal: 'expired' })
  t.match(records[2].audit, { decision: 'refused', refusal: 'algorithm_refused' })
  const log = harness.logLines.join('')
  for (const secret of [token, expired, forged])
    for (const part of secret.split('.').filter((text) => text.length > 20))
      t.notOk(log.includes(part), 'no part of a token is logged')
  const text = await harness.metricsText()
  t.match(text, /^fulcio_new_certs [1-9]/m)
  t.match(text, /^fulcio_api_latency_count\{code="200",method="post"\} [1-9]/m)
  t.match(text, /^fulcio_api_latency_count\{code="201",method="post"\} [1-9]/m)
  t.match(text, /^http_requests_total\{code="400",method="post"\} [1-9]/m)
  t.match(text, /^ca_refusals_total\{reason="expired"\} [1-9]/m)
  t.match(text, /^ca_ct_submission_seconds_count\{outcome="ok"\} [1-9]/m)
  t.equal((await app.inject('/metrics')).statusCode, 200)
})

t.test('a caller cannot put a token into the answer by way of the reason', async (t) => {
  const token = await signToken(harness.emailIssuer, { ...person, aud: 'other' })
  const answer = await postV2(harness, v2Body(token, createClientKey()))
  t.match(answer.json().message, /aud is "other" but must be "sigstore" \(audience_mismatch, request /)
  t.notOk(answer.body.includes(token.split('.')[1]!))
})
