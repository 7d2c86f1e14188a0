/** What a request may be in either form, and what is none. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { der, derOid, derTag, sha256 } from '@sigstack/crypto'
import {
  encodeTimestampRequest,
  integerContent,
  parseJsonRequest,
  parseTimestampRequest,
} from '@sigstack/timestamp'
import fc from 'fast-check'
import { TimeStampReq } from 'pkijs'
import t from 'tap'

fc.configureGlobal({ seed: 1 })

const vector = (name: string) => readFileSync(path.join(import.meta.dirname, 'vectors/rfc3161-client', name))
const refused = (code: string) => ({ name: 'TimestampError', code })
const sequence = (...parts: readonly Uint8Array[]) => der(derTag.sequence, ...parts)
const integer = (...bytes: readonly number[]) => der(derTag.integer, Uint8Array.from(bytes))
const imprintOf = (oid: string, length: number, ...parameters: readonly Uint8Array[]) =>
  sequence(sequence(derOid(oid), ...parameters), der(derTag.octetString, new Uint8Array(length)))
const sha256Oid = '2.16.840.1.101.3.4.2.1'
const imprint = imprintOf(sha256Oid, 32, der(derTag.null))
const version = integer(1)
const hello = sha256('hello')

t.test('requests of others are read as the library reads them', async (t) => {
  for (const name of ['sigstage/request.der', 'test_tsa/request.der', 'test_tsa/other_request.der']) {
    const bytes = vector(name)
    const read = parseTimestampRequest(bytes)
    const library = TimeStampReq.fromBER(bytes)
    t.same(read.imprint, library.messageImprint.hashedMessage.valueBlock.valueHexView, name)
    t.same(read.nonce, library.nonce?.valueBlock.valueHexView, name)
    t.equal(read.certificates, library.certReq, name)
    t.equal(read.hash, 'sha512', name)
    t.same(encodeTimestampRequest(read), Uint8Array.from(bytes), `${name} written again`)
  }
})

t.test('a request is read back as it was written, with nonces of any length and sign', async (t) => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 900n), max: 2n ** 900n }),
      fc.boolean(),
      fc.boolean(),
      (number, certificates, hasPolicy) => {
        const nonce = integerContent(number)
        const policy = hasPolicy ? { policy: '1.3.6.1.4.1.57264.2' } : {}
        const request = { hash: 'sha256', imprint: hello, nonce, certificates, ...policy } as const
        const bytes = encodeTimestampRequest(request)
        t.same(parseTimestampRequest(bytes), { ...request, hasExtensions: false })
        const library = TimeStampReq.fromBER(bytes)
        return library.nonce?.toBigInt() === number && (library.certReq ?? false) === certificates
      },
    ),
    { numRuns: 50 },
  )
})

t.test('parameters of the hash may be left out, and extensions are told', async (t) => {
  const bare = sequence(version, imprintOf(sha256Oid, 32))
  t.same(parseTimestampRequest(bare), {
    hash: 'sha256',
    imprint: new Uint8Array(32),
    certificates: false,
    hasExtensions: false,
  })
  const extension = sequence(derOid('1.2.3.4'), der(derTag.octetString))
  for (const extensions of [der(0xa0, extension), der(0xa0), der(0xa0, integer(1))])
    t.equal(parseTimestampRequest(sequence(version, imprint, extensions)).hasExtensions, true)
})

t.test('what is no request is refused, each with its reason', async (t) => {
  const cases: Readonly<Record<string, readonly [Uint8Array, string]>> = {
    nothing: [new Uint8Array(), 'malformed'],
    'an empty sequence': [sequence(), 'malformed'],
    'something behind it': [Buffer.concat([sequence(version, imprint), Uint8Array.of(0)]), 'malformed'],
    'another version': [sequence(integer(2), imprint), 'malformed'],
    'no imprint': [sequence(version), 'malformed'],
    'an empty digest': [sequence(version, imprintOf(sha256Oid, 0)), 'malformed'],
    'a nonce with needless bytes': [sequence(version, imprint, integer(0, 1)), 'malformed'],
    'a version that is ENUMERATED': [sequence(der(0x0a, Uint8Array.of(1)), imprint), 'malformed'],
    'a nonce that is ENUMERATED': [sequence(version, imprint, der(0x0a, Uint8Array.of(1))), 'malformed'],
    'a nonce that is too long': [
      sequence(version, imprint, der(derTag.integer, new Uint8Array(5000).fill(1))),
      'malformed',
    ],
    'parts in another order': [
      sequence(version, imprint, der(derTag.boolean, Uint8Array.of(0xff)), integer(1)),
      'malformed',
    ],
    'certReq that is no DER': [
      sequence(version, imprint, der(derTag.boolean, Uint8Array.of(1))),
      'malformed',
    ],
    'certReq of two bytes': [
      sequence(version, imprint, der(derTag.boolean, Uint8Array.of(0xff, 0xff))),
      'malformed',
    ],
    'a length in more bytes than it needs': [
      Uint8Array.of(0x30, 0x81, version.length + imprint.length, ...version, ...imprint),
      'malformed',
    ],
    'a sequence that says it has no elements': [der(0x10, version, imprint), 'malformed'],
    'an imprint that says it has no elements': [
      sequence(version, der(0x10, imprint.subarray(2))),
      'malformed',
    ],
    'an imprint that ends before its digest does': [
      sequence(version, Uint8Array.of(0x30, imprint.length - 3), imprint.subarray(2)),
      'malformed',
    ],
    'parameters that are a number': [sequence(version, imprintOf(sha256Oid, 32, integer(1))), 'malformed'],
    'parameters that are a sequence': [sequence(version, imprintOf(sha256Oid, 32, sequence())), 'malformed'],
    'NULL with a content': [
      sequence(version, imprintOf(sha256Oid, 32, der(derTag.null, Uint8Array.of(0)))),
      'malformed',
    ],
    'indefinite length': [Uint8Array.of(0x30, 0x80, ...version, ...imprint, 0, 0), 'malformed'],
    'a sequence in a sequence, without end': [Buffer.alloc(60_000, Uint8Array.of(0x30, 0x80)), 'malformed'],
    // The library takes microseconds for each arc: a policy that fills a body would stop the authority for seconds.
    'a policy of two thousand arcs': [
      sequence(version, imprint, der(derTag.oid, new Uint8Array(2000).fill(1))),
      'malformed',
    ],
    'as many arcs where nobody looks': [
      sequence(version, imprint, der(0xa0, sequence(der(0x0d, new Uint8Array(2000).fill(1))))),
      'malformed',
    ],
    'a text of many bytes': [
      sequence(version, imprint, der(derTag.utf8String, new Uint8Array(20_000).fill(0xff))),
      'malformed',
    ],
    'more parts than any': [
      sequence(version, imprint, der(0xa0, ...Array<Uint8Array>(600).fill(sequence()))),
      'malformed',
    ],
    'SHA-1': [sequence(version, imprintOf('1.3.14.3.2.26', 20)), 'weak_hash'],
    'a hash that nobody stamps': [
      sequence(version, imprintOf('2.16.840.1.101.3.4.2.4', 28)),
      'unsupported_hash',
    ],
    'a digest of another length': [sequence(version, imprintOf(sha256Oid, 31)), 'wrong_digest_length'],
  }
  for (const [name, [bytes, code]] of Object.entries(cases))
    t.throws(() => parseTimestampRequest(bytes), refused(code), name)
  t.throws(() => parseTimestampRequest(new Uint8Array(16_385)), { message: 'a request may have 16384 bytes' })
})

t.test('any bytes are a request or refused, and nothing else is thrown', async (t) => {
  const whole = sequence(version, imprint, integer(7), der(derTag.boolean, Uint8Array.of(0xff)))
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
      const bytes = Uint8Array.from(whole)
      bytes[at] = byte
      for (const input of [bytes, whole.subarray(0, end)])
        try {
          parseTimestampRequest(input)
        } catch (error) {
          t.equal((error as Error).name, 'TimestampError')
        }
    }),
  )
})

const json = (value: unknown) =>
  parseJsonRequest(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const artifactHash = Buffer.from(hello).toString('base64')
const plain = { artifactHash, hashAlgorithm: 'sha256' }

t.test('JSON says the same, with every digit of the nonce', async (t) => {
  const same = { hash: 'sha256', imprint: hello, certificates: false, hasExtensions: false }
  t.match(json(plain), same)
  t.match(json({ ...plain, hashAlgorithm: 'SHA256', unknown: [1] }), same)
  t.match(json({ ArtifactHash: artifactHash, HASHALGORITHM: 'sha256', nonce: null }), same)
  t.equal(json({ ...plain, tsaPolicyOID: '1.2.03.4' }).policy, '1.2.3.4')
  t.equal(json({ ...plain, certificates: true }).certificates, true)
  for (const digits of ['9007199254740993', '-1', '0', '128', '-129', `1${'0'.repeat(300)}`]) {
    const text = JSON.stringify(plain).replace('}', `,"nonce":${digits}}`)
    t.same(json(text).nonce, integerContent(BigInt(digits)), digits)
  }
})

t.test('JSON that is no request is refused, each with its reason', async (t) => {
  const cases: Readonly<Record<string, readonly [unknown, string]>> = {
    'no JSON': ['{', 'malformed'],
    'a list': [[], 'malformed'],
    'nothing of a request': ['null', 'unsupported_hash'],
    'more than a request can need': [{ ...plain, more: 'x'.repeat(1024) }, 'too_large'],
    'a digest that is no base64': [{ ...plain, artifactHash: '!!' }, 'malformed'],
    'a digest of another length': [{ ...plain, artifactHash: 'AAAA' }, 'wrong_digest_length'],
    'no digest': [{ hashAlgorithm: 'sha256' }, 'wrong_digest_length'],
    'SHA-1': [{ ...plain, hashAlgorithm: 'sha1' }, 'weak_hash'],
    'a hash that nobody knows': [{ ...plain, hashAlgorithm: 'constructor' }, 'unsupported_hash'],
    'a nonce that is text': [{ ...plain, nonce: '1' }, 'malformed'],
    'a nonce with a fraction': [JSON.stringify(plain).replace('}', ',"nonce":1.0}'), 'malformed'],
    'a nonce with an exponent': [JSON.stringify(plain).replace('}', ',"nonce":1e3}'), 'malformed'],
    'certificates that are text': [{ ...plain, certificates: 'true' }, 'malformed'],
    'a policy that is none': [{ ...plain, tsaPolicyOID: 'a.b' }, 'bad_policy'],
    'a policy of too many parts': [{ ...plain, tsaPolicyOID: Array(130).fill('1').join('.') }, 'bad_policy'],
  }
  for (const [name, [value, code]] of Object.entries(cases)) t.throws(() => json(value), refused(code), name)
})
