import 'reflect-metadata'
import { createHash, X509Certificate as NodeCertificate } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from '@peculiar/x509'
import { asBuffer, createSigner, parseHex, readDer, toHex, utf8 } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  assembleCertificate,
  assertPrecertificateMatches,
  type Certificate,
  certificateSubjects,
  embeddedScts,
  encodeSan,
  extensionValue,
  type FulcioClaims,
  finalTbs,
  fulcioExtensions,
  isPrecertificate,
  leafTemplate,
  parseCertificate,
  plainTbs,
  precertificateTbs,
  removeExtension,
  type San,
  serialNumberFrom,
  verifyCertificateSignature,
} from '../src/index.ts'
import type { LeafRequest } from '../src/leaf.ts'
import { encodeTime } from '../src/time.ts'
import {
  certificateIn,
  certificatesIn,
  issuingSigner,
  leafSigner,
  makeIntermediate,
  makeRoot,
  now,
  p256Key,
  serial,
} from './support.ts'

const poison = '1.3.6.1.4.1.11129.2.4.3'
const sctListOid = '1.3.6.1.4.1.11129.2.4.2'
const sctList = Buffer.concat([Buffer.from('00780076', 'hex'), Buffer.alloc(118, 7)])
const issuer = await makeIntermediate(await makeRoot())

const claims: FulcioClaims = {
  issuer: 'https://token.actions.example.org',
  subject: 'repo:example/app:ref:refs/heads/main',
  githubWorkflowTrigger: 'push',
  githubWorkflowSha: 'a'.repeat(40),
  githubWorkflowName: '',
  buildSignerUri: 'https://example.org/app/.ci/build.yml@refs/heads/main',
  runnerEnvironment: 'self-hosted',
}

/** In the order of their numbers, without 1, 7 and 8. */
const claimNames = [
  'githubWorkflowTrigger',
  'githubWorkflowSha',
  'githubWorkflowName',
  'githubWorkflowRepository',
  'githubWorkflowRef',
  'buildSignerUri',
  'buildSignerDigest',
  'runnerEnvironment',
  'sourceRepositoryUri',
  'sourceRepositoryDigest',
  'sourceRepositoryRef',
  'sourceRepositoryIdentifier',
  'sourceRepositoryOwnerUri',
  'sourceRepositoryOwnerIdentifier',
  'buildConfigUri',
  'buildConfigDigest',
  'buildTrigger',
  'runInvocationUri',
  'sourceRepositoryVisibilityAtSigning',
  'deploymentEnvironment',
  'subject',
] as const

function request(changes: Partial<LeafRequest> = {}): LeafRequest {
  return {
    serialNumber: serial(0x5a),
    issuer,
    notBefore: now,
    publicKey: leafSigner.publicKey.spki,
    subjectAlternativeName: { type: 'email', value: 'a@example.org' },
    extensions: fulcioExtensions(claims),
    ...changes,
  }
}

async function issue(tbs: Uint8Array): Promise<Certificate> {
  const signature = await issuingSigner.sign(tbs)
  return parseCertificate(assembleCertificate(tbs, issuingSigner.algorithm, signature))
}

t.test('a leaf has the profile of Fulcio in every field', async (t) => {
  const leaf = await issue(finalTbs(leafTemplate(request()), sctList))
  const read = new X509Certificate(Uint8Array.from(leaf.der))
  t.equal(read.serialNumber, '5a'.repeat(20))
  t.same(read.notBefore, new Date('2026-03-01T12:00:00Z'))
  t.same(read.notAfter, new Date('2026-03-01T12:10:00Z'))
  t.equal(toHex(leaf.subject), '3000')
  t.same(leaf.issuer, issuer.subject)
  t.same(leaf.spki, leafSigner.publicKey.spki)
  t.equal(leaf.signatureAlgorithmOid, '1.2.840.10045.4.3.2')
  t.same(
    leaf.extensions.map(({ oid, critical }) => [oid.replace('1.3.6.1.4.1.57264.1', 'F'), critical]),
    [
      ['2.5.29.15', true],
      ['2.5.29.37', false],
      ['2.5.29.14', false],
      ['2.5.29.35', false],
      ['2.5.29.17', true],
      ['F.1', false],
      ['F.2', false],
      ['F.3', false],
      ['F.8', false],
      ['F.9', false],
      ['F.11', false],
      ['F.24', false],
      [sctListOid, false],
    ],
  )
  t.equal(toHex(extensionValue(leaf, '2.5.29.15')!), '03020780')
  t.equal(read.getExtension(KeyUsagesExtension)?.usages, 1)
  t.same(read.getExtension(ExtendedKeyUsageExtension)?.usages, ['1.3.6.1.5.5.7.3.3'])
  const point = leafSigner.publicKey.type === 'ecdsa' ? leafSigner.publicKey.point : new Uint8Array()
  t.equal(
    read.getExtension(SubjectKeyIdentifierExtension)?.keyId,
    createHash('sha1').update(point).digest('hex'),
  )
  t.equal(read.getExtension(AuthorityKeyIdentifierExtension)?.keyId, toHex(issuer.subjectKeyIdentifier!))
  t.same(read.getExtension(SubjectAlternativeNameExtension)?.names.toJSON(), [
    { type: 'email', value: 'a@example.org' },
  ])
  t.equal(Buffer.from(extensionValue(leaf, '1.3.6.1.4.1.57264.1.1')!).toString(), claims.issuer)
  t.equal(Buffer.from(extensionValue(leaf, '1.3.6.1.4.1.57264.1.2')!).toString(), 'push')
  t.equal(toHex(extensionValue(leaf, '1.3.6.1.4.1.57264.1.11')!), `0c0b${toHex(utf8('self-hosted'))}`)
  t.ok(await verifyCertificateSignature(leaf, issuer))
  t.ok(new NodeCertificate(leaf.der).verify(issuer.publicKey.keyObject))
})

t.test('precertificate and final certificate differ in poison and SCT list alone', async (t) => {
  const template = leafTemplate(request())
  const precertificate = await issue(precertificateTbs(template))
  const final = await issue(finalTbs(template, sctList))
  t.ok(isPrecertificate(precertificate))
  t.notOk(isPrecertificate(final))
  t.same(precertificate.extensions.at(-1), { oid: poison, critical: true, value: Buffer.from([5, 0]) })
  // OCTET STRING in OCTET STRING: 04 7c 04 7a for a list of 122 bytes.
  t.ok(Buffer.from(final.der).includes(Buffer.concat([parseHex('047c047a'), sctList])))
  t.same(embeddedScts(final.der), sctList)
  t.equal(embeddedScts(precertificate.der), undefined)
  t.same(removeExtension(precertificate.tbs, poison), plainTbs(template))
  t.same(removeExtension(final.tbs, sctListOid), plainTbs(template))
  t.doesNotThrow(() => assertPrecertificateMatches(precertificate.tbs, final.tbs))
  for (const other of [
    { serialNumber: serial(0x5b) },
    { notBefore: new Date(now.getTime() + 1000) },
    { subjectAlternativeName: { type: 'uri', value: 'a@example.org' } as const },
    { publicKey: issuingSigner.publicKey.spki },
    { extensions: [] },
  ]) {
    const otherTbs = finalTbs(leafTemplate(request(other)), sctList)
    t.throws(() => assertPrecertificateMatches(precertificate.tbs, otherTbs), {
      code: 'precertificate_mismatch',
    })
  }
})

t.test('a published precertificate matches its certificate', async (t) => {
  const precertificate = certificateIn('ct/precert.pem')
  const final = certificateIn('ct/embedded-sct-cert.pem')
  t.doesNotThrow(() => assertPrecertificateMatches(precertificate.tbs, final.tbs))
  t.equal(removeExtension(final.tbs, sctListOid).length, 567)
  t.ok(isPrecertificate(certificateIn('ct/java-cert-ct-poisoned.pem')))
  t.throws(() => removeExtension(final.tbs, poison), { code: 'missing_extension' })
})

t.test('a poison must be there once, critical and NULL', async (t) => {
  const good = { oid: poison, critical: true, value: Uint8Array.of(5, 0) }
  const tbsWith = (...extensions: LeafRequest['extensions']): Uint8Array =>
    plainTbs(leafTemplate(request({ extensions })))
  t.doesNotThrow(() => removeExtension(tbsWith(good), poison))
  t.throws(() => removeExtension(tbsWith(good, good), poison), { code: 'duplicate_extension' })
  t.throws(() => removeExtension(tbsWith({ ...good, critical: false }), poison), { code: 'bad_poison' })
  t.throws(() => removeExtension(tbsWith({ ...good, value: Uint8Array.of(5, 0, 0) }), poison), {
    code: 'bad_poison',
  })
  t.throws(() => removeExtension(tbsWith(), poison), { code: 'missing_extension' })
})

t.test('any extension comes out byte for byte as it went in', async (t) => {
  const extension = fc.record({
    oid: fc.integer({ min: 100, max: 140 }).map((arc) => `1.3.6.1.4.1.57264.1.${arc}`),
    critical: fc.boolean(),
    value: fc.uint8Array({ maxLength: 300 }),
  })
  const lists = fc.uniqueArray(extension, { minLength: 1, maxLength: 8, selector: ({ oid }) => oid })
  const property = fc.property(lists, fc.nat(7), (extensions, pick) => {
    const removed = extensions[pick % extensions.length]!
    const whole = plainTbs(leafTemplate(request({ extensions })))
    const rest = extensions.filter((one) => one !== removed)
    t.same(removeExtension(whole, removed.oid), plainTbs(leafTemplate(request({ extensions: rest }))))
  })
  t.doesNotThrow(() => fc.assert(property, { seed: 3, numRuns: 200 }))
})

t.test('the three kinds of name are written as Fulcio writes them', async (t) => {
  t.equal(
    toHex(encodeSan({ type: 'username', value: 'alice!example.com' })),
    `3023a021060a2b0601040183bf300107a0130c11${toHex(utf8('alice!example.com'))}`,
  )
  const names: readonly San[] = [
    { type: 'email', value: 'a@example.org' },
    { type: 'uri', value: 'https://example.org/a%20b@refs/heads/main' },
    { type: 'username', value: 'älice!example.com' },
  ]
  for (const name of names) {
    const { der } = await issue(plainTbs(leafTemplate(request({ subjectAlternativeName: name }))))
    t.same(certificateSubjects(der), [name.value])
  }
  for (const value of ['', 'ä@example.org', 'a b@example.org', 'a@example.org\n'])
    t.throws(() => encodeSan({ type: 'email', value }), { name: 'X509Error', code: 'bad_name' })
  t.throws(() => encodeSan({ type: 'username', value: '\ud800!example.com' }), { code: 'bad_name' })
})

t.test('all Fulcio extensions stand in ascending order, and an issuer is a must', async (t) => {
  const full = fulcioExtensions({
    issuer: 'i',
    ...Object.fromEntries(claimNames.map((name) => [name, name])),
  })
  t.same(
    full.map(({ oid }) => Number(oid.split('.').at(-1))),
    [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
  )
  t.same(
    full.map(({ value }, i) =>
      Buffer.from(value)
        .subarray(i < 6 ? 0 : 2)
        .toString(),
    ),
    ['i', ...claimNames.slice(0, 5), 'i', ...claimNames.slice(5)],
  )
  t.same(fulcioExtensions({ issuer: 'i' }).length, 2)
  t.throws(() => fulcioExtensions({ issuer: '' }), {
    code: 'missing_issuer',
    message: 'extensions must have a non-empty issuer url',
  })
  t.throws(() => fulcioExtensions({ issuer: 'i', buildTrigger: '\udc00' }), { code: 'bad_extension' })
})

t.test('leaves of other Fulcio instances are rebuilt byte for byte from what they say', async (t) => {
  const published = certificatesIn('certificates.pem')
  let rebuilt = 0
  for (const leaf of published) {
    const scts = embeddedScts(leaf.der)
    const oldIssuer = extensionValue(leaf, '1.3.6.1.4.1.57264.1.1')
    const ours = oldIssuer !== undefined && leaf.extensions.some(({ oid }) => oid === '1.3.6.1.4.1.57264.1.8')
    if (scts === undefined || !ours) continue
    const issuers = published.filter(
      ({ subject, isCa }) => isCa && Buffer.compare(subject, leaf.issuer) === 0,
    )
    const signed = await Promise.all(issuers.map((candidate) => verifyCertificateSignature(leaf, candidate)))
    const signedBy = issuers[signed.indexOf(true)]
    // A mock CA among them is no Fulcio: other order, and leaves that outlive it.
    if (signedBy === undefined || asBuffer(leaf.issuer).includes('sigstore.mock')) continue
    const template = leafTemplate({
      serialNumber: leaf.serialNumber,
      issuer: signedBy,
      notBefore: leaf.notBefore,
      publicKey: leaf.spki,
      subjectAlternativeName: sanOf(leaf),
      extensions: fulcioExtensions(claimsOf(leaf)),
    })
    t.equal(toHex(finalTbs(template, scts)), toHex(leaf.tbs))
    t.equal(toHex(removeExtension(leaf.tbs, sctListOid)), toHex(plainTbs(template)))
    rebuilt++
  }
  t.ok(rebuilt >= 20, `${rebuilt} leaves`)
})

function sanOf(leaf: Certificate): San {
  const [value = ''] = certificateSubjects(leaf.der)
  const type = /^[a-z]+:\/\//.test(value) ? 'uri' : value.includes('!') ? 'username' : 'email'
  return { type, value }
}

function claimsOf(leaf: Certificate): FulcioClaims {
  const text = (number: number): string => {
    const value = Buffer.from(extensionValue(leaf, `1.3.6.1.4.1.57264.1.${number}`) ?? [])
    return asBuffer(number < 8 || value.length === 0 ? value : readDer(value).content).toString()
  }
  return {
    issuer: text(8),
    ...Object.fromEntries(claimNames.map((name, i) => [name, text(i < 5 ? i + 2 : i + 4)])),
  }
}

t.test('a serial number is positive, minimal and never zero', async (t) => {
  const cases = [
    ['ff'.repeat(20), `7f${'ff'.repeat(19)}`],
    [`0080${'00'.repeat(18)}`, `0080${'00'.repeat(18)}`],
    [`0001${'00'.repeat(18)}`, `01${'00'.repeat(18)}`],
    [`80${'00'.repeat(19)}`, '01'],
    ['00'.repeat(20), '01'],
    [`${'00'.repeat(19)}80`, '0080'],
  ] as const
  for (const [random, expected] of cases) t.equal(toHex(serialNumberFrom(parseHex(random))), expected)
  t.throws(() => serialNumberFrom(new Uint8Array(19)), { code: 'bad_serial_number' })
  const minimal = fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (random) => {
    t.doesNotThrow(() => leafTemplate(request({ serialNumber: serialNumberFrom(random) })))
  })
  t.doesNotThrow(() => fc.assert(minimal, { seed: 4, numRuns: 100 }))
  for (const serialNumber of ['', '00', '80', '0001', `01${'00'.repeat(20)}`])
    t.throws(() => leafTemplate(request({ serialNumber: parseHex(serialNumber) })), {
      code: 'bad_serial_number',
    })
})

t.test('times are UTCTime until 2049 and GeneralizedTime after', async (t) => {
  t.equal(
    Buffer.from(encodeTime(new Date('2049-12-31T23:59:59.999Z'))).toString('latin1'),
    '\x17\x0d491231235959Z',
  )
  t.equal(
    Buffer.from(encodeTime(new Date('2050-01-01T00:00:00Z'))).toString('latin1'),
    '\x18\x0f20500101000000Z',
  )
  t.throws(() => encodeTime(new Date(Number.NaN)), { code: 'bad_time' })
})

t.test('no leaf outlives its issuer or begins before it, or lacks an issuer key identifier', async (t) => {
  const early = new Date(issuer.notBefore.getTime() - 1000)
  const late = new Date(issuer.notAfter.getTime() - 599_000)
  for (const notBefore of [early, late])
    t.throws(() => leafTemplate(request({ notBefore })), { name: 'X509Error', code: 'issuer_expires' })
  const last = new Date(issuer.notAfter.getTime() - 600_000)
  t.doesNotThrow(() => leafTemplate(request({ notBefore: last })))
  const { subjectKeyIdentifier: _, ...anonymous } = issuer
  t.throws(() => leafTemplate(request({ issuer: anonymous })), { code: 'missing_subject_key_identifier' })
})

t.test('a certificate is not assembled under another algorithm than it names', async (t) => {
  const tbs = plainTbs(leafTemplate(request()))
  const stranger = createSigner(p256Key(99))
  t.throws(() => assembleCertificate(tbs, 'ed25519', new Uint8Array(64)), { code: 'unsupported_algorithm' })
  t.throws(() => assembleCertificate(tbs, 'ed25519-ph', new Uint8Array(64)), {
    code: 'unsupported_algorithm',
  })
  const forged = parseCertificate(assembleCertificate(tbs, stranger.algorithm, await stranger.sign(tbs)))
  t.notOk(await verifyCertificateSignature(forged, issuer))
  t.ok(await verifyCertificateSignature(forged, stranger))
})
