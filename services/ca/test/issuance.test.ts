import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { createSigner } from '@sigstack/crypto'
import { certificateSubjects, extensionValue, parseCertificate } from '@sigstack/x509'
import t from 'tap'
import {
  certificatesOf,
  createAuthority,
  createClientKey,
  emailToken,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'
import { createIssuer, signToken } from './support/oidc.ts'

const derOf = (pem: string) => new X509Certificate(pem).raw

t.test('every certificate has a serial number of its own', async (t) => {
  const harness = await startHarness()
  t.teardown(() => harness.stop())
  const token = await emailToken(harness)
  const key = createClientKey()
  const answers = await Promise.all(Array.from({ length: 20 }, () => postV2(harness, v2Body(token, key))))
  const serials = answers.map((answer) => new X509Certificate(certificatesOf(answer)[0]!).serialNumber)
  t.equal(new Set(serials).size, 20)
})

t.test('a CA of P-384 signs with SHA-384, and its leaves verify', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const harness = await startHarness({ authority: await createAuthority(3600_000, createSigner(privateKey)) })
  t.teardown(() => harness.stop())
  const answer = await postV2(harness, v2Body(await emailToken(harness), createClientKey()))
  const [leaf, issuing] = certificatesOf(answer).map((pem) => new X509Certificate(pem))
  t.ok(leaf!.verify(issuing!.publicKey))
  t.equal(parseCertificate(leaf!.raw).signatureAlgorithmOid, '1.2.840.10045.4.3.3')
})

t.test('tokens of a family of issuers are accepted, and the certificate names the member', async (t) => {
  const member = await createIssuer('https://oidc.eks.eu-1.amazonaws.com/id/A0B1')
  const harness = await startHarness({
    issuers: [member],
    config: {
      'meta-issuers': {
        'https://oidc.eks.*.amazonaws.com/id/*': { 'client-id': 'sigstore', type: 'kubernetes' },
      },
    },
  })
  t.teardown(() => harness.stop())
  const key = createClientKey()
  const token = await signToken(member, {
    sub: 'system:serviceaccount:build:signer',
    'kubernetes.io': { namespace: 'build', serviceaccount: { name: 'signer', uid: 'x' } },
  })
  const proof = key.prove('system:serviceaccount:build:signer')
  const leaf = parseCertificate(derOf(certificatesOf(await postV2(harness, v2Body(token, key, proof)))[0]!))
  t.same(certificateSubjects(leaf.der), ['https://kubernetes.io/namespaces/build/serviceaccounts/signer'])
  const f1 = Buffer.from(extensionValue(leaf, '1.3.6.1.4.1.57264.1.1')!).toString()
  t.equal(f1, 'https://oidc.eks.eu-1.amazonaws.com/id/A0B1')
})
