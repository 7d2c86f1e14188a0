/** The acceptance list of the contract (fulcio.md section 11): the boxes about certificates and the CT log. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import type { Authority } from '@sigstack/ca-authority'
import { equalBytes, keyFingerprint, sha256, toHex } from '@sigstack/crypto'
import { parseSctList, verifySct } from '@sigstack/ct'
import {
  assertPrecertificateMatches,
  embeddedScts,
  extensionOid,
  extensionValue,
  keyIdentifier,
  parseCertificate,
  removeExtension,
  verifyCertificateSignature,
} from '@sigstack/x509'
import { ByteStream, crypto, EXTENSION_OID_SCT, X509Certificate as SigstoreCertificate } from '@sigstore/core'
import t from 'tap'
import type { CtLogMode } from './support/ct-log.ts'
import {
  certificatesOf,
  createAuthority,
  createClientKey,
  emailToken,
  type Harness,
  person,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'
import { createIssuer, signToken } from './support/oidc.ts'

const hex = (text: string) => text.replaceAll(' ', '').toLowerCase()
const derOf = (pem: string) => new X509Certificate(pem).raw

t.test(
  'Certificate fields of 2.1 and 2.2 byte-checked, otherName vector of 2.3, SCT vector of 2.7; F.1 and F.8 equal',
  async (t) => {
    await t.test('fields of 2.1 and 2.2, F.1 and F.8', async (t) => {
      const at = new Date('2026-03-04T05:06:07.890Z')
      const random = Uint8Array.from({ length: 20 }, (_, i) => 0xf0 + i)
      const authority = await createAuthority()
      const chain = authority.chain.map((certificate) => ({
        ...certificate,
        notBefore: new Date('2026-01-01T00:00:00Z'),
        notAfter: new Date('2027-01-01T00:00:00Z'),
        publicKey: certificate.publicKey,
      }))
      const shifted: Authority = { ...authority, chain: [chain[0]!, chain[1]!] }
      const harness = await startHarness({
        authority,
        change: (issuance) => ({
          ...issuance,
          authority: () => shifted,
          now: () => at,
          randomBytes: () => random,
        }),
      })
      t.teardown(() => harness.stop())
      const key = createClientKey()
      const leaf = derOf(certificatesOf(await postV2(harness, v2Body(await emailToken(harness), key)))[0]!)
      const certificate = parseCertificate(leaf)
      const node = new X509Certificate(leaf)
      t.equal(toHex(certificate.serialNumber), `70${toHex(random.slice(1))}`, 'top bit cleared')
      t.equal(certificate.notBefore.toISOString(), '2026-03-04T05:06:07.000Z', 'whole seconds, not backdated')
      t.equal(certificate.notAfter.getTime() - certificate.notBefore.getTime(), 600_000)
      t.equal(toHex(certificate.subject), '3000')
      t.ok(equalBytes(certificate.issuer, authority.chain[0].subject))
      t.ok(equalBytes(certificate.spki, key.der))
      t.same(
        certificate.extensions.map(({ oid, critical }) => [oid, critical]),
        [
          ['2.5.29.15', true],
          ['2.5.29.37', false],
          ['2.5.29.14', false],
          ['2.5.29.35', false],
          ['2.5.29.17', true],
          ['1.3.6.1.4.1.57264.1.1', false],
          ['1.3.6.1.4.1.57264.1.8', false],
          ['1.3.6.1.4.1.57264.1.24', false],
          ['1.3.6.1.4.1.11129.2.4.2', false],
        ],
      )
      const value = (oid: string) => toHex(extensionValue(certificate, oid)!)
      t.equal(value('2.5.29.15'), hex('03 02 07 80'))
      t.equal(value('2.5.29.37'), hex('30 0A 06 08 2B 06 01 05 05 07 03 03'))
      t.equal(value('2.5.29.14'), `0414${toHex(keyIdentifier(key.der))}`)
      t.equal(value('2.5.29.35'), `30168014${toHex(authority.chain[0].subjectKeyIdentifier!)}`)
      t.equal(value('2.5.29.17'), `30138111${Buffer.from(person.email).toString('hex')}`)
      const issuer = Buffer.from('https://login.example.com').toString('hex')
      t.equal(value('1.3.6.1.4.1.57264.1.1'), issuer, 'raw bytes')
      t.equal(value('1.3.6.1.4.1.57264.1.8'), `0c19${issuer}`, 'UTF8String')
      t.equal(value('1.3.6.1.4.1.57264.1.24'), `0c07${Buffer.from(person.sub).toString('hex')}`)
      t.equal(node.subject, undefined)
      t.equal(node.subjectAltName, `email:${person.email}`)
      t.equal(node.ca, false)
      t.ok(node.verify(new X509Certificate(authority.chain[0].der).publicKey))
      t.same(node.keyUsage, ['1.3.6.1.5.5.7.3.3'])
    })

    await t.test('otherName vector of 2.3', async (t) => {
      const url = 'https://users.example.com'
      const issuer = await createIssuer(url)
      const harness = await startHarness({
        issuers: [issuer],
        config: {
          'oidc-issuers': {
            [url]: { 'client-id': 'sigstore', type: 'username', 'subject-domain': 'example.com' },
          },
        },
      })
      t.teardown(() => harness.stop())
      const key = createClientKey()
      const token = await signToken(issuer, { sub: 'alice' })
      const leaf = parseCertificate(
        derOf(certificatesOf(await postV2(harness, v2Body(token, key, key.prove('alice'))))[0]!),
      )
      t.equal(
        toHex(extensionValue(leaf, extensionOid.subjectAlternativeName)!),
        hex('30 23 A0 21 06 0A 2B 06 01 04 01 83 BF 30 01 07 A0 13 0C 11') +
          Buffer.from('alice!example.com').toString('hex'),
      )
    })

    await t.test(
      'SCT vector of 2.7: one SCT, its extensions copied, final and precertificate agree',
      async (t) => {
        const harness = await startHarness()
        t.teardown(() => harness.stop())
        harness.ctLog.extensions = Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 9)
        const key = createClientKey()
        const answer = await postV2(harness, v2Body(await emailToken(harness), key))
        const leaf = parseCertificate(derOf(certificatesOf(answer)[0]!))
        const precertificate = parseCertificate(harness.ctLog.submissions[0]!)
        t.doesNotThrow(() => assertPrecertificateMatches(precertificate.tbs, leaf.tbs))
        t.ok(await verifyCertificateSignature(precertificate, harness.authority.chain[0]), 'same CA key')
        const poison = precertificate.extensions.at(-1)!
        t.match(poison, { oid: extensionOid.poison, critical: true })
        t.equal(toHex(poison.value), '0500')
        const scts = parseSctList(embeddedScts(leaf.der)!)
        t.equal(scts.length, 1)
        const [sct] = scts
        t.equal(toHex(sct!.logId), toHex(keyFingerprint(harness.ctLog.publicKey)))
        t.equal(toHex(sct!.extensions), '0000050000000009')
        const list = embeddedScts(leaf.der)!
        t.equal(list.length, 2 + 2 + 1 + 32 + 8 + 2 + 8 + 2 + 2 + sct!.signature.signature.length)
        t.equal(toHex(list.subarray(45, 55)), '00080000050000000009')
        const entry = {
          type: 'precert',
          issuerKeyHash: sha256(harness.authority.chain[0].spki),
          tbs: removeExtension(leaf.tbs, extensionOid.sctList),
        } as const
        t.ok(await verifySct(sct!, entry, harness.ctLog.publicKey))
        t.same(
          harness.ctLog.chains[0]!.slice(1),
          harness.authority.chain.map(({ der }) => Buffer.from(der).toString('base64')),
          'the log gets the whole chain, root included',
        )
      },
    )
  },
)

t.test(
  'Precertificate accepted by the CT log, final certificate’s SCT verified by js (go, python, java and rs: npm run interop)',
  async (t) => {
    const harness = await startHarness()
    t.teardown(() => harness.stop())
    harness.ctLog.extensions = Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 9)
    const answer = await postV2(harness, v2Body(await emailToken(harness), createClientKey()))
    const [leaf, issuing, root] = certificatesOf(answer).map((pem) => SigstoreCertificate.parse(pem))
    t.ok(leaf!.verify(issuing))
    t.ok(issuing!.verify(root))
    t.ok(root!.verify())
    t.equal(leaf!.subjectAltName, person.email)
    t.ok(leaf!.extension('1.3.6.1.4.1.57264.1.8'))
    t.equal(leaf!.extSubjectAltName?.critical, true)
    t.notOk(leaf!.isCA)
    t.ok(leaf!.extAuthorityKeyID?.keyIdentifier?.equals(issuing!.extSubjectKeyID!.keyIdentifier))

    const clone = leaf!.clone()
    const at = clone.extensions.findIndex((extension) => extension.subs[0]!.toOID() === EXTENSION_OID_SCT)
    clone.extensions.splice(at, 1)
    const tbs = clone.tbsCertificate.toDER()
    const precertificate = new ByteStream()
    precertificate.appendView(crypto.digest('sha256', issuing!.publicKey))
    precertificate.appendUint24(tbs.length)
    precertificate.appendView(tbs)
    const [sct, second] = leaf!.extSCT!.signedCertificateTimestamps
    t.equal(second, undefined)
    const logKey = createPublicKey({
      key: Buffer.from(harness.ctLog.publicKey.spki),
      format: 'der',
      type: 'spki',
    })
    t.ok(sct!.verify(precertificate.buffer, logKey))
    t.equal(toHex(sct!.logID), toHex(keyFingerprint(harness.ctLog.publicKey)))
  },
)

t.test(
  'CT log down, slow, 429, 503 with Retry-After, wrong SCT signature: no certificate leaves the CA',
  async (t) => {
    const impatient = await startHarness({ totalTimeoutMs: 800 })
    const patient = await startHarness()
    t.teardown(() => Promise.all([impatient.stop(), patient.stop()]))
    const key = createClientKey()
    const ask = async (harness: Harness, mode: CtLogMode) => {
      harness.ctLog.mode = mode
      return postV2(harness, v2Body(await emailToken(harness), key))
    }
    const askLegacy = async (harness: Harness) =>
      harness.app.inject({
        method: 'POST',
        url: '/api/v1/signingCert',
        headers: { authorization: await emailToken(harness) },
        payload: {
          publicKey: { content: key.der.toString('base64') },
          signedEmailAddress: key.prove(person.email),
        },
      })
    const refused = (answer: Awaited<ReturnType<typeof askLegacy>>, name: string) => {
      t.equal(answer.statusCode, 503, name)
      t.same(answer.json(), { code: 14, message: 'Error entering certificate in CTL', details: [] }, name)
      t.match(answer.headers['retry-after'], /^\d+$/, name)
      t.notMatch(answer.body, /CERTIFICATE|secret of the log/)
    }
    for (const mode of [
      'too_many',
      'unavailable_for_long',
      'hangs',
      'closes',
      'refuses',
      'garbage',
      'huge',
      'wrong_signature',
      'other_key',
    ] as const)
      refused(await ask(impatient, mode), mode)
    const { headers } = await ask(patient, 'unavailable_for_long')
    t.equal(headers['retry-after'], '17', 'the log says when')
    for (const mode of ['slow', 'unavailable', 'timeout_then_good'] as const)
      t.equal((await ask(patient, mode)).statusCode, 200, `${mode} is survived`)
    t.equal((await askLegacy(patient)).statusCode, 201)
    await impatient.ctLog.stop()
    refused(await ask(impatient, 'good'), 'down')
    refused(await askLegacy(impatient), 'down, v1')
  },
)
