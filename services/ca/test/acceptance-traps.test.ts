/**
 * The traps of the contract (fulcio.md section 10), one assertion or more for each. Those of a story of their own are elsewhere: 3 in
 * acceptance-errors.test.ts, 10 and 11 in identity.test.ts, 12 in acceptance-certificates.test.ts, 16 in acceptance-identity.test.ts,
 * 17 in grpc.test.ts, 18 in token.test.ts.
 */
import { X509Certificate } from 'node:crypto'
import { toHex } from '@sigstack/crypto'
import { extensionValue, parseCertificate } from '@sigstack/x509'
import t from 'tap'
import {
  certificatesOf,
  createClientKey,
  emailIssuerUrl,
  emailToken,
  person,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'

const harness = await startHarness()
t.teardown(() => harness.stop())
const { app } = harness
const token = await emailToken(harness)
const key = createClientKey()
const issue = async (body: unknown = v2Body(token, key)) => {
  const answer = await postV2(harness, body)
  return parseCertificate(new X509Certificate(certificatesOf(answer)[0]!).raw)
}

t.test(
  'traps 1 and 2: any content type is JSON, nothing is an empty message; 256 kB pass and more is 400 with the text of Go',
  async (t) => {
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
    const large = `${payload.slice(0, -1)},"padding":"${'x'.repeat(256 * 1024 - payload.length - 13)}"}`
    t.equal((await postV2(harness, large)).statusCode, 200, `${large.length} bytes pass`)
    for (const url of ['/api/v2/signingCert', '/api/v1/signingCert']) {
      const answer = await app.inject({
        method: 'POST',
        url,
        payload: `${large} `.padEnd(256 * 1024 + 1),
      })
      t.equal(answer.statusCode, 400)
      t.same(answer.json(), { code: 3, message: 'http: request body too large', details: [] })
    }
  },
)

t.test(
  'trap 5: malformed JSON, wrong types, repeated names and both kinds of key are 400 code 3',
  async (t) => {
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
  },
)

t.test(
  'trap 5: snake_case, null, unknown fields, both base64 alphabets and missing padding are accepted',
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

t.test('trap 4: v1 is 201 without a charset', async (t) => {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/signingCert',
    headers: { authorization: token },
    payload: {
      publicKey: { content: key.der.toString('base64') },
      signedEmailAddress: key.prove(person.email),
    },
  })
  t.equal(answer.statusCode, 201)
  t.equal(answer.headers['content-type'], 'application/pem-certificate-chain')
})

t.test('trap 6: exactly one of the two members in an answer', async (t) => {
  t.same(Object.keys((await postV2(harness, v2Body(token, key))).json()), ['signedCertificateEmbeddedSct'])
})

t.test('trap 7: a proof of Web Crypto is r‖s; certificates are DER all the same', async (t) => {
  const leaf = await issue(v2Body(token, key, key.prove(person.email, 'ieee-p1363')))
  t.equal(leaf.signature[0], 0x30)
})

t.test('trap 8: the key decides, and never the algorithm that a client names', async (t) => {
  const rsa = createClientKey(2048)
  const body = v2Body(token, rsa) as { publicKeyRequest: object }
  for (const algorithm of ['ED25519', 'RSA_PSS', 2]) {
    const publicKey = { algorithm, content: rsa.pem }
    await t.resolves(issue({ ...body, publicKeyRequest: { ...body.publicKeyRequest, publicKey } }))
  }
})

t.test('trap 9: the modulus itself has an allowed size', async (t) => {
  const odd = createClientKey(3072)
  await t.resolves(issue(v2Body(token, odd)))
  const weak = await postV2(harness, v2Body(token, createClientKey(1024)))
  t.equal(weak.json().message, 'The public key supplied in the request is insecure')
})

t.test('trap 13: whole seconds first, and then ten minutes', async (t) => {
  const { notBefore, notAfter } = await issue()
  t.equal(notBefore.getMilliseconds(), 0)
  t.equal(notAfter.getTime() - notBefore.getTime(), 600_000)
})

t.test(
  'trap 14: serial numbers are positive, of 20 octets at most, minimal, and never the same',
  async (t) => {
    const random = [new Uint8Array(20).fill(0xff), new Uint8Array(20), new Uint8Array(20).fill(1)]
    random[1]![19] = 0x80
    const other = await startHarness({
      change: (issuance) => ({ ...issuance, randomBytes: () => random.shift() ?? new Uint8Array(20) }),
    })
    t.teardown(() => other.stop())
    const serials = []
    for (let i = 0; i < 3; i++) {
      const answer = await postV2(other, v2Body(await emailToken(other), key))
      const { serialNumber } = parseCertificate(new X509Certificate(certificatesOf(answer)[0]!).raw)
      serials.push(toHex(serialNumber))
    }
    t.same(serials, [`7f${'ff'.repeat(19)}`, '0080', '01'.repeat(20)])
  },
)

t.test('trap 15: the bytes of F.1 are the text itself', async (t) => {
  const value = extensionValue(await issue(), '1.3.6.1.4.1.57264.1.1')!
  t.equal(Buffer.from(value).toString(), emailIssuerUrl)
})

t.test('trap 19: neither token nor claims are logged', async (t) => {
  harness.logLines.length = 0
  const told = await emailToken(harness, { secret_claim: 'nobody-may-read-this' })
  await issue(v2Body(told, key))
  await postV2(harness, v2Body(`${told}.x`, key))
  const log = harness.logLines.join('')
  t.match(log, /"decision":"issued"/)
  t.notMatch(log, /nobody-may-read-this|secret_claim/)
  for (const part of told.split('.')) t.notOk(log.includes(part))
})
