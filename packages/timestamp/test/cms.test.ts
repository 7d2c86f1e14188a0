/** Tokens of others: what is read of them is what the library makes of them, and DER has one form. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { asBuffer, der, derTag } from '@sigstack/crypto'
import { describeStamp } from '@sigstack/timestamp'
import { parseSignedData, parseTimestampResponse, parseTstInfo } from '@sigstack/timestamp/cms'
import { IssuerAndSerialNumber, SignedData, TimeStampResp, TSTInfo } from 'pkijs'
import t from 'tap'

const vector = (name: string) => readFileSync(path.join(import.meta.dirname, 'vectors', name))
const nothing = new Uint8Array()
const responses = [
  'rfc3161-client/sigstage/response-sha256.tsr',
  'rfc3161-client/sigstage/response-sha384.tsr',
  'rfc3161-client/sigstage/response-sha512.tsr',
  'rfc3161-client/sigstage/response-no-embedded-cert.tsr',
  'rfc3161-client/sigstage/response-invalid-signature.tsr',
  'rfc3161-client/test_tsa/response.tsr',
  'rfc3161-client/test_tsa/response-injected-certs.tsr',
  'rfc3161-client/sigstore.mock/response-expired.tsr',
  'rfc3161-client/identrust/issue-104.tsr',
  'sigstore-java/valid/freetsa_response.tsr',
  'sigstore-java/valid/sigstore_tsa_response_with_embedded_certs.tsr',
  'sigstore-java/valid/sigstore_tsa_response_without_embedded_certs.tsr',
]

t.test('tokens of others are read as the library reads them', async (t) => {
  for (const name of responses) {
    const bytes = vector(name)
    const { status, token } = parseTimestampResponse(bytes)
    const { status: said, timeStampToken } = TimeStampResp.fromBER(bytes)
    t.equal(status, said.status, name)
    if (token === undefined || timeStampToken === undefined) throw new Error(`${name} has no token`)
    const read = parseSignedData(token)
    const library = new SignedData({ schema: timeStampToken.content })
    t.equal(read.contentType, library.encapContentInfo.eContentType)
    t.same(read.content, Buffer.from(library.encapContentInfo.eContent?.getValue() ?? new ArrayBuffer()))
    t.equal(read.certificates.length, library.certificates?.length ?? 0)
    t.equal(read.signers.length, library.signerInfos.length)
    for (const [at, signer] of read.signers.entries()) {
      const info = library.signerInfos[at]
      t.equal(signer.digestAlgorithm, info?.digestAlgorithm.algorithmId)
      t.equal(signer.signatureAlgorithm, info?.signatureAlgorithm.algorithmId)
      t.same(
        asBuffer(signer.signature),
        asBuffer(info?.signature.valueBlock.valueHexView ?? new Uint8Array()),
      )
      t.same(
        asBuffer(signer.signedAttributes ?? nothing),
        Buffer.from(info?.signedAttrs?.encodedValue ?? new ArrayBuffer()),
      )
      const sid = info?.sid
      if (sid instanceof IssuerAndSerialNumber && 'issuer' in signer.signer) {
        t.same(asBuffer(signer.signer.issuer), Buffer.from(sid.issuer.valueBeforeDecode))
        t.same(asBuffer(signer.signer.serialNumber), asBuffer(sid.serialNumber.valueBlock.valueHexView))
      }
    }
    const info = parseTstInfo(read.content ?? new Uint8Array())
    const tst = TSTInfo.fromBER(asBuffer(read.content ?? new Uint8Array()))
    t.equal(info.policy, tst.policy)
    t.equal(info.time?.getTime(), tst.genTime.getTime())
    t.same(
      asBuffer(info.imprint ?? nothing),
      asBuffer(tst.messageImprint.hashedMessage.valueBlock.valueHexView),
    )
    const facts = describeStamp(bytes)
    t.match(facts, { status: 0, token: { policy: tst.policy, time: tst.genTime } })
    t.equal(facts.token?.certificates.length, read.certificates.length)
  }
})

t.test('what is no response, and what is no DER, is refused', async (t) => {
  t.throws(() => describeStamp(vector('sigstore-java/invalid/sigstore_tsa_response_invalid.tsr')), {
    name: 'TimestampError',
    code: 'malformed',
  })
  t.throws(() => describeStamp(Buffer.alloc(65_537)), { code: 'malformed', message: /larger than any/ })
  const whole = vector(responses[0] ?? '')
  const token = parseTimestampResponse(whole).token ?? new Uint8Array()
  const inner = token.subarray(token.length - (token.length - 4))
  const notDer: Readonly<Record<string, Uint8Array>> = {
    'something behind it': Buffer.concat([token, Uint8Array.of(0)]),
    'a length with a needless zero': Buffer.concat([
      Uint8Array.of(0x30, 0x83, 0, token[2] ?? 0, token[3] ?? 0),
      inner,
    ]),
    'an indefinite length': Buffer.concat([Uint8Array.of(0x30, 0x80), inner, Uint8Array.of(0, 0)]),
    'an end too early': token.subarray(0, -1),
    nothing: new Uint8Array(),
    'a nest without a bottom': Buffer.alloc(50_000, Uint8Array.of(0x30, 0x80)),
    // The library takes microseconds for each arc, and a JAR may bring a signature of a megabyte.
    'an object identifier of many arcs': der(
      derTag.sequence,
      der(derTag.oid, new Uint8Array(17 * 1024).fill(1)),
    ),
    'many object identifiers of many arcs': der(
      derTag.sequence,
      ...Array<Uint8Array>(60).fill(
        der(derTag.sequence, ...Array<Uint8Array>(10).fill(der(derTag.oid, new Uint8Array(60).fill(1)))),
      ),
    ),
  }
  for (const [name, bytes] of Object.entries(notDer))
    t.throws(() => parseSignedData(bytes), { name: 'CryptoError', code: 'bad_der' }, name)
  const wrong: Readonly<Record<string, Uint8Array>> = {
    'another type': der(
      derTag.sequence,
      der(derTag.oid, Uint8Array.of(0x2a)),
      der(0xa0, der(derTag.sequence)),
    ),
    'no type': der(derTag.sequence),
  }
  for (const [name, bytes] of Object.entries(wrong))
    t.throws(() => parseSignedData(bytes), { name: 'TimestampError', code: 'malformed' }, name)
})
