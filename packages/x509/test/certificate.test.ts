import 'reflect-metadata'
import { X509Certificate as NodeCertificate } from 'node:crypto'
import { BasicConstraintsExtension, KeyUsagesExtension, X509Certificate } from '@peculiar/x509'
import { CryptoError, concatBytes, der, toHex } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import { certificateSpki } from '../src/certificate.ts'
import {
  type Certificate,
  certificateSubjects,
  embeddedScts,
  encodeCertificatePem,
  parseCertificate,
  parseCertificatesPem,
  removeExtension,
  X509Error,
} from '../src/index.ts'
import { certificateIn, certificatesIn, vector } from './support.ts'

const ctFiles = ['ca', 'cert', 'precert', 'embedded-sct-cert', 'java-ca-cert', 'java-cert-ct-embedded'].map(
  (n) => `ct/${n}.pem`,
)
const all: readonly Certificate[] = [
  'certificates.pem',
  ...ctFiles,
  'ct/java-cert-ct-poisoned.pem',
  'ct/tesseract-fake-ca.cert',
  'ct/tesseract-subleaf.chain',
  'ct/tesseract-test_leaf_pre_cert_signed_by_intermediate.pem',
].flatMap(certificatesIn)

t.test('every field of published certificates is read as @peculiar/x509 reads it', async (t) => {
  t.equal(all.length, 113)
  for (const ours of all) {
    const theirs = new X509Certificate(Uint8Array.from(ours.der))
    const hex = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('hex')
    t.equal(BigInt(`0x${toHex(ours.serialNumber)}`), BigInt(`0x${theirs.serialNumber}`))
    t.equal(toHex(ours.issuer), hex(theirs.issuerName.toArrayBuffer()))
    t.equal(toHex(ours.subject), hex(theirs.subjectName.toArrayBuffer()))
    t.same(ours.notBefore, theirs.notBefore)
    t.same(ours.notAfter, theirs.notAfter)
    t.equal(toHex(ours.spki), hex(theirs.publicKey.rawData))
    t.equal(toHex(certificateSpki(ours.der)), hex(theirs.publicKey.rawData))
    t.equal(toHex(ours.signature), hex(theirs.signature))
    t.same(
      ours.extensions.map(({ oid, critical, value }) => [oid, critical, toHex(value)]),
      theirs.extensions.map(({ type, critical, value }) => [type, critical, hex(value)]),
    )
    const constraints = theirs.getExtension(BasicConstraintsExtension)
    t.equal(ours.isCa, constraints?.ca ?? false)
    t.equal(ours.pathLength, constraints?.pathLength)
    const usages = theirs.getExtension(KeyUsagesExtension)?.usages
    t.equal(
      ours.keyUsage?.includes('digitalSignature'),
      usages === undefined ? undefined : (usages & 1) !== 0,
    )
    t.equal(ours.keyUsage?.includes('keyCertSign'), usages === undefined ? undefined : (usages & 32) !== 0)
  }
})

t.test('every field of published certificates is read as OpenSSL reads it', async (t) => {
  for (const ours of all) {
    const theirs = new NodeCertificate(ours.der)
    t.equal(BigInt(`0x${toHex(ours.serialNumber)}`), BigInt(`0x${theirs.serialNumber}`))
    t.same(ours.notBefore, theirs.validFromDate)
    t.same(ours.notAfter, theirs.validToDate)
    t.equal(ours.isCa, theirs.ca)
    t.same(ours.extendedKeyUsages, theirs.keyUsage ?? [])
    t.equal(toHex(ours.spki), theirs.publicKey.export({ format: 'der', type: 'spki' }).toString('hex'))
    const names = (theirs.subjectAltName ?? '')
      .split(', ')
      .flatMap((name) => /^(?:email|URI|DNS):(.*)$/.exec(name)?.[1] ?? [])
    const plain = certificateSubjects(ours.der).filter((name) => !name.includes('!'))
    // Node quotes names that hold a comma or a quotation mark; none here does.
    t.same([...plain].sort(), names.sort())
  }
})

t.test('subjects come in the order DNS, e-mail, IP, URI, Fulcio username', async (t) => {
  const ip6 = (hex: string): Uint8Array => der(0x87, Buffer.from(hex, 'hex'))
  const fulcioType = Buffer.from('060a2b0601040183bf300107', 'hex')
  const names = der(
    0x30,
    der(0xa0, fulcioType, der(0xa0, der(0x0c, Buffer.from('alice!example.com')))),
    der(0xa0, Buffer.from('06032a0304', 'hex'), der(0xa0, der(0x0c, Buffer.from('another type')))),
    der(0x86, Buffer.from('https://example.com/x')),
    ip6('20010db8000000000000000000000001'),
    ip6('00000000000000000000ffff0a000001'),
    ip6('20010db8000100000000000100000000'),
    ip6('00000000000000000000000000000000'),
    ip6('00010002000300040005000600070008'),
    der(0x87, Buffer.from([192, 0, 2, 1])),
    der(0x81, Buffer.from('a@example.com')),
    der(0x82, Buffer.from('b.example.com')),
    der(0x82, Buffer.from('a.example.com')),
  )
  const san = der(0x30, Buffer.from('0603551d11', 'hex'), der(0x04, names))
  t.same(certificateSubjects(withExtension(san)), [
    'b.example.com',
    'a.example.com',
    'a@example.com',
    '2001:db8::1',
    '10.0.0.1',
    '2001:db8:1::1:0:0',
    '::',
    '1:2:3:4:5:6:7:8',
    '192.0.2.1',
    'https://example.com/x',
    'alice!example.com',
  ])
  const broken = der(
    0x30,
    Buffer.from('0603551d11', 'hex'),
    der(0x04, der(0x30, der(0x81, Buffer.from('é@example.com')))),
  )
  t.throws(() => certificateSubjects(withExtension(broken)), { name: 'X509Error', code: 'bad_name' })
  t.throws(() => parseCertificate(withExtension(concatBytes(san, san))), { code: 'duplicate_extension' })

  function withExtension(extensions: Uint8Array): Uint8Array {
    const base = certificateIn('ct/java-cert-ct-embedded.pem')
    const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex')
    const time = der(0x17, Buffer.from('260101000000Z'))
    const tbs = der(
      0x30,
      Buffer.from('a003020102020101', 'hex'),
      algorithm,
      base.issuer,
      der(0x30, time, time),
      Buffer.from('3000', 'hex'),
      base.spki,
      der(0xa3, der(0x30, extensions)),
    )
    return der(0x30, tbs, algorithm, der(0x03, Buffer.from([0, 1])))
  }
})

t.test('a username certificate of another instance gives its otherName', async (t) => {
  const names = all.flatMap(({ der }) => certificateSubjects(der)).filter((name) => name.includes('!'))
  t.ok(names.length > 0)
})

t.test('certificates travel through PEM, up to a limit', async (t) => {
  const [first] = certificatesIn('certificates.pem')
  t.same(parseCertificatesPem(encodeCertificatePem(first!.der))[0]?.der, first?.der)
  t.throws(() => parseCertificatesPem(vector('certificates.pem'), 10), {
    name: 'CryptoError',
    code: 'bad_pem',
  })
  t.throws(() => parseCertificatesPem(vector('weak-keys/rsa-2048-good.pem')), { code: 'bad_certificate_pem' })
  t.throws(() => parseCertificatesPem('no PEM here'), { code: 'bad_pem' })
})

t.test('truncated, lengthened and algorithm-swapped certificates are refused', async (t) => {
  const { der, tbs } = certificateIn('ct/java-cert-ct-embedded.pem')
  for (let length = 0; length < der.length; length += 7)
    t.throws(() => parseCertificate(der.subarray(0, length)), { code: /./ })
  t.throws(() => parseCertificate(Buffer.concat([der, Buffer.of(0)])), { code: 'bad_der' })
  t.throws(() => parseCertificate(Buffer.alloc(70_000)), { code: 'bad_certificate' })
  const swapped = Buffer.from(der)
  // The last octet of the outer algorithm's OID: 30 len 06 len <oid>, right behind the TBSCertificate.
  const algorithm = 4 + tbs.length
  const at = algorithm + 3 + swapped[algorithm + 3]!
  swapped[at] = swapped[at]! ^ 1
  t.throws(() => parseCertificate(swapped), { code: 'bad_certificate' })
})

t.test('arbitrary and damaged bytes are refused with nothing but our own errors', async (t) => {
  const survives = (bytes: Uint8Array): boolean => {
    const readers = [
      (): unknown => certificateSpki(bytes),
      (): unknown => certificateSubjects(bytes),
      (): unknown => embeddedScts(bytes),
      (): unknown => removeExtension(bytes, '2.5.29.17'),
      (): unknown => parseCertificate(bytes).publicKey,
    ]
    return readers.every((read) => {
      try {
        read()
        return true
      } catch (error) {
        if (error instanceof X509Error || error instanceof CryptoError) return true
        throw error
      }
    })
  }
  t.doesNotThrow(() =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), { seed: 1, numRuns: 500 }),
  )
  const damaged = fc.tuple(
    fc.constantFrom(...all.slice(0, 30)),
    fc.array(fc.tuple(fc.nat(2500), fc.nat(255)), { minLength: 1, maxLength: 4 }),
  )
  const damagedSurvives = fc.property(damaged, ([{ der, tbs }, changes]) => {
    const bytes = Buffer.from(der)
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    return survives(bytes) && survives(bytes.subarray(bytes.length - der.length + 4, 4 + tbs.length))
  })
  t.doesNotThrow(() => fc.assert(damagedSurvives, { seed: 2, numRuns: 3000 }))
})
