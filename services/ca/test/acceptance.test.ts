/**
 * The acceptance list of the contract (fulcio.md section 11), as far as it is about requests and answers: each test is named after
 * its box. The other boxes are in acceptance-*.test.ts and, under their names, in grpc.test.ts; the round trips of
 * unmodified clients are `npm run interop`.
 */
import { X509Certificate } from 'node:crypto'
import { encodeCertificatePem } from '@sigstack/x509'
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

const harness = await startHarness()
t.teardown(() => harness.stop())
const { app } = harness
const sentence = 'There was an error processing the identity token'

t.test(
  'v2 with key+proof: P-256, P-384, P-521, RSA 2048/3072/4096 (PKCS#1), Ed25519; DER and r‖s proofs; token in body; token in header',
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

t.test(
  'v2 with CSR: python-style (empty subject, BasicConstraints), rs-style (emailAddress UTF8String); P-384 CSR with SHA-256 refused; PSS CSR refused',
  async (t) => {
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
  },
)

t.test(
  'v1 with base64(PEM) and base64(DER); certificateSigningRequest:null; 201; trimmed PEM chain; no SCT header',
  async (t) => {
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
  },
)

t.test(
  'trustBundle and rootCert order and newline rules; configuration with exact and wildcard issuers',
  async (t) => {
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
  },
)
