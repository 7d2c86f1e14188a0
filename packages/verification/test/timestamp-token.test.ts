/** Tokens whose form, or whose words about who signed them, are not those of the standards: nobody else takes them either. */
import { createHash } from 'node:crypto'
import { der, derOid, derTag, utf8 } from '@sigstack/crypto'
import { extendedKeyUsageOid } from '@sigstack/x509'
import t from 'tap'
import { verifyTimestamps } from '../src/timestamp.ts'
import { type Issued, issue, makeWorkshop, nameOf, signingCertificate, timestamp } from './bundle-workshop.ts'

type Options = Partial<Parameters<typeof timestamp>[1]>

const { tsa, tsaRoot, authority } = makeWorkshop()
const signature = Buffer.from('a signature')
const { timeStamping } = extendedKeyUsageOid
const integer = (...bytes: readonly number[]) => der(derTag.integer, Uint8Array.from(bytes))
const sequence = (...parts: readonly Uint8Array[]) => der(derTag.sequence, ...parts)
const hashNamed = (oid: string) => sequence(derOid(oid))
const v1 = '1.2.840.113549.1.9.16.2.12'
const v2 = '1.2.840.113549.1.9.16.2.47'

async function outcome(options: Options, by: Issued = tsa): Promise<string> {
  const response = timestamp(signature, { by, issuer: tsaRoot, ...options })
  const { times, refused } = await verifyTimestamps([response], [signature], [authority([by, tsaRoot])])
  return times.length === 1 ? 'good' : (refused[0]?.message ?? '')
}

t.test('what a token may hold beside the time is taken', async (t) => {
  const certificateOf = (hash: string, oid: string, certificate: Uint8Array) =>
    sequence(sequence(sequence(hashNamed(oid), der(derTag.octetString, digestOf(hash, certificate)))))
  const good: Readonly<Record<string, Options>> = {
    nothing: {},
    'all that TSTInfo may have': {
      behindTime: Buffer.concat([
        sequence(integer(1), der(0x80, Uint8Array.of(5)), der(0x81, Uint8Array.of(6))),
        der(derTag.boolean, Uint8Array.of(0xff)),
        integer(0xff),
        der(0xa0, der(0xa4, nameOf('tsa'))),
        der(0xa1, sequence(derOid('1.2.3'), der(derTag.octetString))),
      ]),
    },
    'SigningCertificate of RFC 2634': {
      signingCertificates: {
        [v1]: sequence(sequence(sequence(der(derTag.octetString, digestOf('sha1', tsa.der))))),
      },
    },
    'a hash that is named': {
      signingCertificates: { [v2]: certificateOf('sha512', '2.16.840.1.101.3.4.2.3', tsa.der) },
    },
    'the certificate above it': {
      signingCertificates: { [v2]: signingCertificate(tsa.der, tsaRoot.der) },
    },
    'its certificates': { certificates: [tsa.der, tsaRoot.der] },
    'another hash too': {
      digestAlgorithms: Buffer.concat([
        hashNamed('2.16.840.1.101.3.4.2.1'),
        hashNamed('2.16.840.1.101.3.4.2.3'),
      ]),
    },
    'words beside the status': {
      behind: {
        status: Buffer.concat([sequence(der(derTag.utf8String, utf8('fine'))), der(3, Uint8Array.of(0))]),
      },
    },
  }
  for (const [name, options] of Object.entries(good)) t.equal(await outcome(options), 'good', name)
})

t.test('a token of another form is refused, whatever is signed of it', async (t) => {
  const behindTime = (...parts: readonly Uint8Array[]): Options => ({ behindTime: Buffer.concat(parts) })
  const bad: Readonly<Record<string, readonly [Options, RegExp]>> = {
    'a content that is no OCTET STRING': [{ contentTag: derTag.bitString }, /a TSTInfo is missing/],
    'no digest algorithm': [{ digestAlgorithms: new Uint8Array() }, /another hash than it says/],
    'another digest algorithm': [
      { digestAlgorithms: hashNamed('2.16.840.1.101.3.4.2.3') },
      /another hash than it says/,
    ],
    'a digest algorithm with three parts': [
      { digestAlgorithms: sequence(derOid('2.16.840.1.101.3.4.2.1'), der(derTag.null), der(derTag.null)) },
      /an algorithm is not identified/,
    ],
    'a certificate that is none': [{ certificates: [sequence()] }, /a certificate that cannot be read/],
    // The name is a part that OpenSSL reads alone.
    'a certificate with a name of another form': [
      { certificates: [tsa.der, withoutName(tsaRoot.der)] },
      /a certificate that cannot be read/,
    ],
    'a certificate among the revocation lists': [
      { behind: { lists: der(0xa1, tsa.der) } },
      /a revocation list is none/,
    ],
    'something behind the status': [
      { behind: { status: der(derTag.null) } },
      /parts that do not belong there/,
    ],
    'a nonce twice': [behindTime(integer(1), integer(1)), /parts that do not belong there/],
    'a nonce with needless bytes': [behindTime(integer(0, 1)), /a number is no DER/],
    'parts in another order': [
      behindTime(integer(1), der(derTag.boolean, Uint8Array.of(0xff))),
      /parts that do not belong there/,
    ],
    'an accuracy in another order': [
      behindTime(sequence(der(0x81, Uint8Array.of(5)), der(0x80, Uint8Array.of(5)))),
      /parts that do not belong there/,
    ],
    'an authority without a name': [behindTime(der(0xa0)), /its authority has no name/],
    'an authority that is no name': [behindTime(der(0xa0, der(derTag.null))), /its authority has no name/],
    'extensions without any': [behindTime(der(0xa1)), /a list is empty/],
    'a critical extension': [
      behindTime(
        der(
          0xa1,
          sequence(derOid('1.2.3'), der(derTag.boolean, Uint8Array.of(0xff)), der(derTag.octetString)),
        ),
      ),
      /a critical extension that is not known/,
    ],
  }
  for (const [name, [options, reason]] of Object.entries(bad)) t.match(await outcome(options), reason, name)
  t.match(await outcome({ behind: { token: der(derTag.null) } }), /has no token/)
})

t.test('a token says by which certificate it was signed, and says nothing else', async (t) => {
  const cases: Readonly<Record<string, readonly [Readonly<Record<string, Uint8Array>>, RegExp]>> = {
    nothing: [{}, /does not name its signing certificate/],
    another: [{ [v2]: signingCertificate(tsaRoot.der) }, /signing certificate is another/],
    'no certificate': [{ [v2]: signingCertificate() }, /signing certificate is another/],
    'one above it first': [
      { [v2]: signingCertificate(tsaRoot.der, tsa.der) },
      /signing certificate is another/,
    ],
    'one of no chain beside it': [
      { [v2]: signingCertificate(tsa.der, Buffer.from('strange')) },
      /not of the chain/,
    ],
    'another by the older attribute': [
      {
        [v2]: signingCertificate(tsa.der),
        [v1]: sequence(sequence(sequence(der(derTag.octetString, digestOf('sha1', tsaRoot.der))))),
      },
      /signing certificate is another/,
    ],
    'its digest with the serial number of another': [
      {
        [v2]: sequence(
          sequence(
            sequence(
              der(derTag.octetString, digestOf('sha256', tsa.der)),
              sequence(sequence(der(0xa4, nameOf('tsa root'))), integer(0x7f)),
            ),
          ),
        ),
      },
      /signing certificate is another/,
    ],
    'a hash that does not count': [
      {
        [v2]: sequence(
          sequence(sequence(hashNamed('1.3.14.3.2.26'), der(derTag.octetString, digestOf('sha1', tsa.der)))),
        ),
      },
      /a hash that does not count/,
    ],
    'something else': [{ [v2]: der(derTag.null) }, /has another form/],
  }
  for (const [name, [signingCertificates, reason]] of Object.entries(cases))
    t.match(await outcome({ signingCertificates }), reason, name)
  const strange = { behindTime: der(0xa0, der(0xa4, nameOf('tsa root'))) }
  t.match(await outcome(strange), /names another authority than its certificate/)
  const named = issue({ name: 'mailed', issuer: tsaRoot, usage: timeStamping, email: 'tsa@example.org' })
  const byMail = { behindTime: der(0xa0, der(0x81, utf8('tsa@example.org'))) }
  t.equal(await outcome(byMail, named), 'good', 'a subject alternative name')
  t.match(await outcome(byMail), /names another authority/)
})

t.test('a certificate whose key does more than sign is not one of a timestamp', async (t) => {
  const keyUsages = { signatures: 0x80, commitments: 0x40, both: 0xc0 }
  for (const [name, keyUsage] of Object.entries(keyUsages))
    t.equal(await outcome({}, issue({ name, issuer: tsaRoot, usage: timeStamping, keyUsage })), 'good', name)
  for (const keyUsage of [0x20, 0xa0, 0x84])
    t.match(
      await outcome({}, issue({ name: 'more', issuer: tsaRoot, usage: timeStamping, keyUsage })),
      /not for timestamps alone/,
    )
})

function digestOf(hash: string, bytes: Uint8Array): Uint8Array {
  return createHash(hash).update(bytes).digest()
}

/** Its subject's text under a tag that is none of a DirectoryString. */
function withoutName(certificate: Uint8Array): Uint8Array {
  const bytes = Buffer.from(certificate)
  bytes[bytes.lastIndexOf(Buffer.concat([Uint8Array.of(0x0c, 8), utf8('tsa root')]))] = derTag.null
  return bytes
}
