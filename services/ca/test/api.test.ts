import { X509Certificate } from 'node:crypto'
import { sha256Hex } from '@sigstack/crypto'
import { certificateSubjects, embeddedScts, parseCertificate } from '@sigstack/x509'
import t from 'tap'
import {
  certificatesOf,
  createAuthority,
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
  const legacy = await app.inject({
    method: 'POST',
    url: '/api/v1/signingCert',
    headers: { authorization: token },
    payload: {
      publicKey: { content: key.der.toString('base64') },
      signedEmailAddress: key.prove(person.email),
    },
  })
  t.equal(legacy.statusCode, 201)
  const expired = await emailToken(harness, { exp: 1 })
  await postV2(harness, v2Body(expired, key))
  const forged = unsigned({ alg: 'none' }, { ...person, iss: 'https://login.example.com' })
  await postV2(harness, v2Body(forged, key))
  const audited = harness.logLines.map((line) => JSON.parse(line)).filter(({ audit }) => audit !== undefined)
  const records = audited.filter(({ audit }) => audit.decision !== 'signing')
  t.equal(records.length, 4)
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
  t.match(records[2].audit, { decision: 'refused', refusal: 'expired' })
  t.match(records[3].audit, { decision: 'refused', refusal: 'algorithm_refused' })
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

t.test('each signature is announced in the audit log, also one that is never answered for', async (t) => {
  const key = createClientKey()
  const announced = () =>
    harness.logLines
      .map((line) => JSON.parse(line))
      .filter(({ audit }) => audit?.decision === 'signing')
      .map(({ audit }) => audit)
  harness.logLines.length = 0
  const leaf = parseCertificate(
    new X509Certificate(certificatesOf(await postV2(harness, v2Body(await emailToken(harness), key)))[0]!)
      .raw,
  )
  const [precertificate, certificate, ...more] = announced()
  t.same(more, [])
  t.match(precertificate, { what: 'precertificate', tbsHash: /^[0-9a-f]{64}$/ })
  t.match(certificate, { what: 'certificate', tbsHash: sha256Hex(leaf.tbs), subject: person.sub })
  t.equal(certificate.serialNumber, precertificate.serialNumber)
  harness.logLines.length = 0
  harness.ctLog.mode = 'unavailable_for_long'
  t.equal((await postV2(harness, v2Body(await emailToken(harness), key))).statusCode, 503)
  harness.ctLog.mode = 'good'
  t.match(announced(), [{ what: 'precertificate', serialNumber: /./ }])
})

t.test('an announcement comes before its signature', async (t) => {
  const plain = await createAuthority()
  const seen: number[] = []
  const sign = (message: Uint8Array) => {
    seen.push(other.logLines.filter((line) => line.includes('"decision":"signing"')).length)
    return plain.signer.sign(message)
  }
  const other = await startHarness({ authority: { ...plain, signer: { ...plain.signer, sign } } })
  t.teardown(() => other.stop())
  t.equal((await postV2(other, v2Body(await emailToken(other), createClientKey()))).statusCode, 200)
  t.same(seen, [1, 2])
})

t.test('a caller cannot put a token into the answer by way of the reason', async (t) => {
  const token = await signToken(harness.emailIssuer, { ...person, aud: 'other' })
  const answer = await postV2(harness, v2Body(token, createClientKey()))
  t.match(answer.json().message, /aud is "other" but must be "sigstore" \(audience_mismatch, request /)
  t.notOk(answer.body.includes(token.split('.')[1]!))
})
