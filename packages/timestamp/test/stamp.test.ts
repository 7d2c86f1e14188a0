/** What is signed here, read field by field with the library. */
import { createHash } from 'node:crypto'
import { sha256, verifySignature } from '@sigstack/crypto'
import { assertStampChain, createStampWriter, type Stamp } from '@sigstack/timestamp'
import { GeneralizedTime, type ObjectIdentifier, type OctetString, type Sequence, UTCTime } from 'asn1js'
import { IssuerAndSerialNumber, SignedData, TimeStampResp, TSTInfo } from 'pkijs'
import t from 'tap'
import { assertStamp } from '../src/assert-stamp.ts'
import { createTestAuthority } from './authority.ts'

const authority = await createTestAuthority()
const [leaf, intermediate, root] = authority.chain
const time = new Date(Math.floor(Date.now() / 1000) * 1000 + 987)
const random20 = createHash('sha256').update('serial').digest().subarray(0, 20)
const digests = {
  sha256: sha256('hello'),
  sha384: createHash('sha384').update('hello').digest(),
  sha512: createHash('sha512').update('hello').digest(),
}
const stampOf = (request: Partial<Stamp['request']> = {}): Stamp => ({
  request: { hash: 'sha256', imprint: digests.sha256, certificates: true, ...request },
  policy: '1.3.6.1.4.1.57264.2',
  time,
  random20,
})

function read(response: Uint8Array) {
  const { status, timeStampToken } = TimeStampResp.fromBER(response)
  if (timeStampToken === undefined) throw new Error('no token')
  const signedData = new SignedData({ schema: timeStampToken.content })
  const content = signedData.encapContentInfo.eContent?.getValue()
  if (content === undefined) throw new Error('no content')
  return { status, token: timeStampToken, signedData, content, info: TSTInfo.fromBER(content) }
}

t.test('every field is as the library reads it', async (t) => {
  const nonce = Uint8Array.of(0, 0xff, 1)
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    const response = await createStampWriter(authority)(stampOf({ hash, imprint: digests[hash], nonce }))
    const { status, token, signedData, info } = read(response)
    t.equal(status.status, 0)
    t.equal(status.statusStrings, undefined)
    t.equal(status.failInfo, undefined)
    t.equal(token.contentType, '1.2.840.113549.1.7.2')
    t.equal(signedData.version, 3)
    t.same(
      signedData.digestAlgorithms.map(({ algorithmId, algorithmParams }) => [algorithmId, algorithmParams]),
      [['2.16.840.1.101.3.4.2.1', undefined]],
    )
    t.equal(signedData.encapContentInfo.eContentType, '1.2.840.113549.1.9.16.1.4')
    t.equal(signedData.crls, undefined)

    t.equal(info.version, 1)
    t.equal(info.policy, '1.3.6.1.4.1.57264.2')
    t.match(info.messageImprint.hashAlgorithm.algorithmId, /^2\.16\.840\.1\.101\.3\.4\.2\.[123]$/)
    t.equal(info.messageImprint.hashAlgorithm.algorithmParams?.constructor.name, 'Null')
    t.same(info.messageImprint.hashedMessage.valueBlock.valueHexView, Uint8Array.from(digests[hash]))
    t.equal(info.genTime.getTime(), time.getTime() - 987, 'whole seconds')
    t.match(info.accuracy, { seconds: 1, millis: undefined, micros: undefined })
    t.equal(info.ordering ?? false, false)
    t.same(info.nonce?.valueBlock.valueHexView, nonce)
    t.ok((info.serialNumber.toBigInt() ?? 0n) > 0n)
    t.equal(info.tsa?.type, 4)
    t.same(Buffer.from(info.tsa?.value.toSchema().toBER()), Buffer.from(leaf.subject))
    t.equal(info.extensions, undefined)
  }
})

t.test('the signer is the certificate, and the four signed attributes are in the order of DER', async (t) => {
  const { signedData, content } = read(await createStampWriter(authority)(stampOf()))
  const [signer, second] = signedData.signerInfos
  t.equal(second, undefined)
  if (signer?.signedAttrs === undefined) throw new Error('no attributes')
  t.equal(signer.version, 1)
  t.ok(signer.sid instanceof IssuerAndSerialNumber)
  const sid = signer.sid as IssuerAndSerialNumber
  t.same(Buffer.from(sid.issuer.valueBeforeDecode), Buffer.from(leaf.issuer))
  t.same(sid.serialNumber.valueBlock.valueHexView, leaf.serialNumber)
  t.equal(signer.digestAlgorithm.algorithmId, '2.16.840.1.101.3.4.2.1')
  t.equal(signer.digestAlgorithm.algorithmParams, undefined)
  t.equal(signer.signatureAlgorithm.algorithmId, '1.2.840.10045.4.3.2')
  t.equal(signer.signatureAlgorithm.algorithmParams, undefined)
  t.equal(signer.unsignedAttrs, undefined)

  const { attributes, encodedValue } = signer.signedAttrs
  t.same(
    attributes.map(({ type }) => type),
    ['1.2.840.113549.1.9.3', '1.2.840.113549.1.9.5', '1.2.840.113549.1.9.4', '1.2.840.113549.1.9.16.2.47'],
  )
  const encodings = attributes.map((attribute) => Buffer.from(attribute.toSchema().toBER()))
  t.same(encodings, encodings.toSorted(Buffer.compare))
  const [contentType, signingTime, messageDigest, certificate] = attributes.map(({ values }) => values[0])
  t.equal((contentType as ObjectIdentifier).getValue(), '1.2.840.113549.1.9.16.1.4')
  t.ok(signingTime instanceof UTCTime && !(signingTime instanceof GeneralizedTime))
  t.equal((signingTime as UTCTime).toDate().getTime(), time.getTime() - 987)
  t.same(
    Buffer.from((messageDigest as OctetString).getValue()),
    createHash('sha256').update(Buffer.from(content)).digest(),
  )

  // ESSCertIDv2: no hash is named where it is SHA-256, then hash, issuer and serial number.
  const [list] = (certificate as Sequence).valueBlock.value as Sequence[]
  const [id] = (list as Sequence).valueBlock.value as Sequence[]
  const [hash, issuerSerial] = (id as Sequence).valueBlock.value
  t.same(Buffer.from((hash as OctetString).getValue()), Buffer.from(sha256(leaf.der)))
  const [names, serial] = (issuerSerial as Sequence).valueBlock.value
  t.ok(Buffer.from((names as Sequence).toBER()).includes(Buffer.from(leaf.issuer)))
  t.ok(Buffer.from(serial?.toBER() ?? new ArrayBuffer()).includes(Buffer.from(leaf.serialNumber)))

  const signed = Buffer.from(encodedValue)
  t.equal(signed[0], 0x31, 'signed as a SET')
  t.ok(await verifySignature(leaf.publicKey, 'sha256', signed, signer.signature.valueBlock.valueHexView))
})

t.test(
  'certificates come only where they are asked for, those above only where the operator says',
  async (t) => {
    const certificatesOf = async (asked: boolean, includesChain: boolean) => {
      const write = createStampWriter({ ...authority, includesChain })
      const { signedData } = read(await write(stampOf({ certificates: asked })))
      return signedData.certificates?.map((certificate) =>
        Buffer.from(certificate.toSchema().toBER()).toString('hex'),
      )
    }
    const hex = (der: Uint8Array) => Buffer.from(der).toString('hex')
    t.equal(await certificatesOf(false, false), undefined)
    t.equal(await certificatesOf(false, true), undefined)
    t.same(await certificatesOf(true, false), [hex(leaf.der)])
    t.same(
      new Set(await certificatesOf(true, true)),
      new Set([leaf, intermediate, root].map(({ der }) => hex(der))),
    )
  },
)

t.test('a stamp that is not what was asked for does not leave', async (t) => {
  const stamp = stampOf({ nonce: Uint8Array.of(7) })
  const response = await createStampWriter(authority)(stamp)
  const expected = { ...stamp, leaf, hash: 'sha256' as const }
  await assertStamp(response, expected)
  const other = Buffer.from(digests.sha256)
  other[0] = (other[0] ?? 0) ^ 1
  const wrong = {
    'another digest': { ...expected, request: { ...stamp.request, imprint: other } },
    'another hash': { ...expected, request: { ...stamp.request, hash: 'sha384' as const } },
    'another nonce': { ...expected, request: { ...stamp.request, nonce: Uint8Array.of(8) } },
    'no nonce': {
      ...expected,
      request: { hash: 'sha256' as const, imprint: digests.sha256, certificates: true },
    },
    'no certificates': { ...expected, request: { ...stamp.request, certificates: false } },
    'another policy': { ...expected, policy: '1.2.3' },
    'another time': { ...expected, time: new Date(time.getTime() + 1000) },
    'another serial number': { ...expected, random20: Buffer.alloc(20, 1) },
    'another certificate': { ...expected, leaf: intermediate },
  }
  for (const [name, expectation] of Object.entries(wrong))
    await t.rejects(assertStamp(response, expectation), { name: 'TimestampError', code: 'bad_stamp' }, name)
  const stranger = await createTestAuthority()
  await t.rejects(
    createStampWriter({ signer: stranger.signer, chain: authority.chain })(stamp),
    { name: 'TimestampError', code: 'bad_stamp' },
    'signed with the key of another',
  )
})

t.test('only a chain that clients accept is one to stamp with', async (t) => {
  await assertStampChain(authority.chain, { key: authority.signer.publicKey, at: time })
  const { signer } = await createTestAuthority()
  const bad = { name: 'TimestampError', code: 'bad_chain' }
  await t.rejects(assertStampChain(authority.chain, { key: signer.publicKey }), bad, 'of another key')
  await t.rejects(assertStampChain([leaf], {}), bad, 'without a root')
  await t.rejects(assertStampChain([leaf, intermediate], {}), bad, 'without its root')
  await t.rejects(assertStampChain([intermediate, root], {}), bad, 'a CA')
  await t.rejects(assertStampChain([leaf, root, intermediate], {}), bad, 'in another order')
  await t.rejects(assertStampChain(authority.chain, { at: new Date(0) }), bad, 'not valid then')
})
