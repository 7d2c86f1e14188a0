import { createECDH, generateKeyPairSync, sign } from 'node:crypto'
import { concatBytes, der, derOid, derTag, encodePem, utf8 } from '@sigstack/crypto'
import t, { type Test } from 'tap'
import { base64, createCertificateRequest } from './support/certificate-request.ts'
import { createClientKey, emailToken, person, postV2, startHarness } from './support/harness.ts'
import { createIssuer, signToken, unsigned } from './support/oidc.ts'

const harness = await startHarness()
t.teardown(() => harness.stop())
const token = await emailToken(harness)

const unparsable = 'The public key supplied in the request could not be parsed'
const insecure = 'The public key supplied in the request is insecure'
const unproven = 'The signature supplied in the request could not be verified'
const badRequest = 'The certificate signing request could not be parsed'

/** DER INTEGER of a number that is not negative. */
function integer(value: bigint): Uint8Array {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return der(derTag.integer, (bytes[0] ?? 0) > 0x7f ? concatBytes(Uint8Array.of(0), bytes) : bytes)
}

const rsaId = der(derTag.sequence, derOid('1.2.840.113549.1.1.1'), der(derTag.null))
const spki = (algorithm: Uint8Array, key: Uint8Array): Uint8Array =>
  der(derTag.sequence, algorithm, der(derTag.bitString, Uint8Array.of(0), key))
const rsa = (modulus: bigint, exponent = 65537n, algorithm = rsaId): Uint8Array =>
  spki(algorithm, der(derTag.sequence, integer(modulus), integer(exponent)))
const ec = (curve: string, point: Uint8Array): Uint8Array =>
  spki(der(derTag.sequence, derOid('1.2.840.10045.2.1'), derOid(curve)), point)

const oids = {
  p256: '1.2.840.10045.3.1.7',
  p224: '1.3.132.0.33',
  p192: '1.2.840.10045.3.1.1',
  secp256k1: '1.3.132.0.10',
  brainpool256: '1.3.36.3.3.2.8.1.1.7',
}

const goodModulus = BigInt(
  `0x${Buffer.from(String(createClientKey(2048).privateKey.export({ format: 'jwk' }).n), 'base64url').toString('hex')}`,
)
const bits2048 = 1n << 2047n

/** What the generator with the ROCA flaw makes: a power of 65537 modulo the product of many small primes. */
function rocaModulus(): bigint {
  const primes: bigint[] = []
  for (let n = 2n; n < 168n; n++) if (primes.every((prime) => n % prime !== 0n)) primes.push(n)
  const product = primes.reduce((a, b) => a * b)
  let power = 1n
  for (let i = 0; i < 1234; i++) power = (power * 65537n) % product
  let modulus = (bits2048 / product) * product + product + power
  // Not divisible by a prime of the other check, so that this one has to find it.
  while ([...Array(752).keys()].slice(2).some((small) => modulus % BigInt(small) === 0n)) modulus += product
  return modulus
}

/** The product of two numbers that lie close together. */
function closeFactors(): bigint {
  let half = 1n << 1023n
  const noSmall = (n: bigint) => [...Array(752).keys()].slice(2).every((small) => n % BigInt(small) !== 0n)
  for (half += half / 2n + 1n; ; half += 2n) {
    const modulus = (half - 2n) * (half + 2n)
    if (noSmall(modulus)) return modulus
  }
}

const p256 = createECDH('prime256v1')
const point = p256.generateKeys()
const compressed = p256.getPublicKey(null, 'compressed')
const hybrid = p256.getPublicKey(null, 'hybrid')
const flipped = Buffer.from(point)
flipped[64]! ^= 1
const beyond = Buffer.alloc(65, 0xff)
beyond[0] = 4
const kindOf = (type: 'x25519' | 'ed448') =>
  generateKeyPairSync(type as 'x25519').publicKey.export({ format: 'der', type: 'spki' })
const ed25519Id = der(derTag.sequence, derOid('1.3.101.112'))

const hostileKeys: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  'RSA, exponent 1': [rsa(goodModulus, 1n), insecure],
  'RSA, exponent 2': [rsa(goodModulus, 2n), insecure],
  'RSA, exponent 3': [rsa(goodModulus, 3n), insecure],
  'RSA, exponent 17': [rsa(goodModulus, 17n), insecure],
  'RSA, exponent 65539': [rsa(goodModulus, 65539n), insecure],
  'RSA, exponent of 64 bits': [rsa(goodModulus, (1n << 64n) + 1n), insecure],
  'RSA, exponent 0': [rsa(goodModulus, 0n), unparsable],
  'RSA, 512 bits': [rsa((goodModulus >> 1536n) | 1n), insecure],
  'RSA, 1024 bits': [rsa((goodModulus >> 1024n) | 1n), insecure],
  'RSA, 2047 bits': [rsa((goodModulus >> 1n) | 1n), insecure],
  'RSA, 2056 bits': [rsa(goodModulus * 256n + 1n), insecure],
  'RSA, 8192 bits': [rsa((goodModulus ** 4n) | 1n), insecure],
  'RSA, 32768 bits': [rsa((goodModulus ** 16n) | 1n), insecure],
  'RSA, even modulus': [rsa(goodModulus + 1n), insecure],
  'RSA, divisible by 3': [rsa(goodModulus - (goodModulus % 6n) + 3n), insecure],
  'RSA, divisible by 751': [rsa(goodModulus - (goodModulus % 1502n) + 751n), insecure],
  'RSA, as ROCA makes them': [rsa(rocaModulus()), insecure],
  'RSA, close primes': [rsa(closeFactors()), insecure],
  'RSA, modulus 0': [rsa(0n), unparsable],
  'RSA, negative modulus': [
    spki(rsaId, der(derTag.sequence, der(derTag.integer, Uint8Array.of(0x80, 1)), integer(65537n))),
    unparsable,
  ],
  'RSA, a longer integer than needed': [
    spki(rsaId, der(derTag.sequence, der(derTag.integer, Uint8Array.of(0, 0, 0x81)), integer(65537n))),
    unparsable,
  ],
  'RSA-PSS': [rsa(goodModulus, 65537n, der(derTag.sequence, derOid('1.2.840.113549.1.1.10'))), insecure],
  'P-224': [ec(oids.p224, Buffer.concat([Buffer.of(4), Buffer.alloc(56, 1)])), insecure],
  'P-192': [ec(oids.p192, Buffer.concat([Buffer.of(4), Buffer.alloc(48, 1)])), insecure],
  secp256k1: [ec(oids.secp256k1, point), insecure],
  brainpoolP256r1: [ec(oids.brainpool256, point), insecure],
  'P-256, point off the curve': [ec(oids.p256, flipped), unparsable],
  'P-256, coordinates beyond the field': [ec(oids.p256, beyond), unparsable],
  'P-256, infinity': [ec(oids.p256, Uint8Array.of(0)), unparsable],
  'P-256, zero point': [ec(oids.p256, Buffer.concat([Buffer.of(4), Buffer.alloc(64)])), unparsable],
  'P-256, compressed': [ec(oids.p256, compressed), unparsable],
  'P-256, hybrid': [ec(oids.p256, hybrid), unparsable],
  'P-256, a byte too many': [ec(oids.p256, Buffer.concat([point, Buffer.of(0)])), unparsable],
  'P-256, a byte too few': [ec(oids.p256, point.subarray(0, 64)), unparsable],
  'P-256, a point of 64 KiB': [
    ec(oids.p256, Buffer.concat([Buffer.of(4), Buffer.alloc(65_535)])),
    unparsable,
  ],
  'P-256 point under P-384': [ec('1.3.132.0.34', point), unparsable],
  'explicit curve parameters': [
    spki(der(derTag.sequence, derOid('1.2.840.10045.2.1'), der(derTag.sequence, integer(1n))), point),
    insecure,
  ],
  'no curve': [spki(der(derTag.sequence, derOid('1.2.840.10045.2.1')), point), insecure],
  'unused bits': [
    der(
      derTag.sequence,
      der(derTag.sequence, derOid('1.2.840.10045.2.1'), derOid(oids.p256)),
      der(derTag.bitString, Uint8Array.of(1), point),
    ),
    unparsable,
  ],
  'bytes behind the key': [concatBytes(ec(oids.p256, point), Uint8Array.of(5, 0)), unparsable],
  'Ed25519 of 31 bytes': [spki(ed25519Id, Buffer.alloc(31, 7)), unparsable],
  'Ed25519 with parameters': [
    spki(der(derTag.sequence, derOid('1.3.101.112'), der(derTag.null)), Buffer.alloc(32, 7)),
    unparsable,
  ],
  X25519: [kindOf('x25519'), insecure],
  Ed448: [kindOf('ed448'), insecure],
  DSA: [
    spki(der(derTag.sequence, derOid('1.2.840.10040.4.1'), der(derTag.sequence, integer(7n))), integer(3n)),
    insecure,
  ],
  nothing: [new Uint8Array(), unparsable],
  'an endless length': [Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), unparsable],
  'an indefinite length': [Uint8Array.of(0x30, 0x80, 0, 0), unparsable],
  'a thousand nested sequences': [nested(1000), unparsable],
}

function nested(depth: number): Uint8Array {
  let bytes: Uint8Array = Uint8Array.of(5, 0)
  for (let i = 0; i < depth; i++) bytes = der(derTag.sequence, bytes)
  return bytes
}

async function refusedWith(t: Test, body: unknown, message: string, name: string): Promise<void> {
  const begun = performance.now()
  const answer = await postV2(harness, body)
  t.equal(answer.statusCode, 400, name)
  t.same(answer.json(), { code: 3, message, details: [] }, name)
  t.ok(performance.now() - begun < 60_000, `${name}: in bounded time`)
}

t.test(
  'hostile keys are refused with the text of the contract, alone and in a certificate request',
  async (t) => {
    const signer = createClientKey()
    for (const [name, [key, message]] of Object.entries(hostileKeys)) {
      const publicKeyRequest = {
        publicKey: { content: encodePem('PUBLIC KEY', key) },
        proofOfPossession: signer.prove(person.email),
      }
      await refusedWith(t, { credentials: { oidcIdentityToken: token }, publicKeyRequest }, message, name)
      if (key.length > 60_000) continue
      const pem = createCertificateRequest({ spki: key, privateKey: signer.privateKey })
      await refusedWith(
        t,
        { credentials: { oidcIdentityToken: token }, certificateSigningRequest: base64(pem) },
        message === unparsable ? badRequest : message,
        `${name}, in a request`,
      )
    }
    t.equal(harness.ctLog.requests, 0, 'nothing of this reached the CT log')
  },
)

t.test('hostile proofs are refused: empty, somebody else’s, of another text, and malformed', async (t) => {
  const key = createClientKey()
  const length = 64
  for (const [name, proof] of Object.entries({
    empty: '',
    'of another key': createClientKey().prove(person.email),
    'of another text': key.prove('mallory@example.com'),
    'with a line feed': key.prove(`${person.email}\n`),
    'of the token': key.prove(token),
    zeros: Buffer.alloc(length).toString('base64'),
    'r and s of 0': Buffer.from(der(derTag.sequence, integer(0n), integer(0n))).toString('base64'),
    'a longer r than any': Buffer.from(der(derTag.sequence, integer(1n << 4000n), integer(1n))).toString(
      'base64',
    ),
    '128 KiB': Buffer.alloc(1 << 17, 7).toString('base64'),
    'with bytes behind it': Buffer.concat([
      Buffer.from(key.prove(person.email), 'base64'),
      Buffer.of(0),
    ]).toString('base64'),
  })) {
    const publicKeyRequest = { publicKey: { content: key.pem }, proofOfPossession: proof }
    await refusedWith(t, { credentials: { oidcIdentityToken: token }, publicKeyRequest }, unproven, name)
  }
})

t.test('hostile certificate requests are refused with the text of the contract', async (t) => {
  const key = createClientKey()
  const rsaKey = createClientKey(2048)
  const algorithmOf = (oid: string) => der(derTag.sequence, derOid(oid))
  const ecdsaSha256 = algorithmOf('1.2.840.10045.4.3.2')
  const version0 = Uint8Array.of(2, 1, 0)
  const emptyName = der(derTag.sequence)
  const attributes = der(0xa0)
  const make = (
    info: Uint8Array,
    algorithm: Uint8Array = ecdsaSha256,
    signature: Uint8Array = sign('sha256', info, key.privateKey),
    tail: Uint8Array = new Uint8Array(),
  ) =>
    concatBytes(
      der(derTag.sequence, info, algorithm, der(derTag.bitString, Uint8Array.of(0), signature)),
      tail,
    )
  const info = der(derTag.sequence, version0, emptyName, key.der, attributes)
  const good = make(info)
  const pem = (bytes: Uint8Array, type = 'CERTIFICATE REQUEST') => encodePem(type, bytes)
  const cases: Readonly<Record<string, readonly [string, string]>> = {
    'bare DER': [Buffer.from(good).toString('latin1'), badRequest],
    'another PEM type': [pem(good, 'CERTIFICATE'), badRequest],
    'cut short': [pem(good.subarray(0, good.length - 5)), badRequest],
    'bytes behind it': [pem(concatBytes(good, Uint8Array.of(0))), badRequest],
    'a request within a request': [pem(der(derTag.sequence, good)), badRequest],
    'no key': [pem(make(der(derTag.sequence, version0, emptyName, attributes))), badRequest],
    'a thousand nested sequences': [pem(nested(1000)), badRequest],
    'larger than 64 KiB': [
      pem(make(der(derTag.sequence, version0, emptyName, key.der, der(0xa0, Buffer.alloc(70_000))))),
      badRequest,
    ],
    'no signature': [pem(make(info, ecdsaSha256, new Uint8Array())), unproven],
    'signature of another key': [
      pem(make(info, ecdsaSha256, sign('sha256', info, createClientKey().privateKey))),
      unproven,
    ],
    'signed under another hash than it says': [
      pem(make(info, ecdsaSha256, sign('sha384', info, key.privateKey))),
      unproven,
    ],
    'an RSA algorithm with an elliptic key': [
      pem(
        make(
          info,
          der(derTag.sequence, derOid('1.2.840.113549.1.1.11'), der(derTag.null)),
          sign('sha256', info, rsaKey.privateKey),
        ),
      ),
      unproven,
    ],
    'an algorithm nobody knows': [
      pem(make(info, algorithmOf('1.2.3.4'))),
      'unrecognized signature algorithm: 1.2.3.4',
    ],
    'MD5 with RSA': [
      pem(make(info, algorithmOf('1.2.840.113549.1.1.4'))),
      'unrecognized signature algorithm: MD5-RSA',
    ],
    'text that is no PEM': [
      '-----BEGIN CERTIFICATE REQUEST-----\n!!!\n-----END CERTIFICATE REQUEST-----\n',
      badRequest,
    ],
    'a header without an end': ['-----BEGIN CERTIFICATE REQUEST-----\n', badRequest],
  }
  for (const [name, [text, message]] of Object.entries(cases))
    await refusedWith(
      t,
      {
        credentials: { oidcIdentityToken: token },
        certificateSigningRequest: Buffer.from(text, 'latin1').toString('base64'),
      },
      message,
      name,
    )
})

t.test(
  'hostile tokens are refused in one sentence, before anything is fetched where that can be known',
  async (t) => {
    const key = createClientKey()
    const good = { iss: harness.emailIssuer.url, aud: 'sigstore', exp: 4_000_000_000, ...person }
    const head = { alg: 'RS256', kid: 'key-1' }
    const requestsBefore = harness.proxy.requests.length
    const withoutFetch: Readonly<Record<string, string>> = {
      dots: '.'.repeat(200_000),
      'two dots': '..',
      'four parts': `${token}.x`,
      '128 KiB': 'a'.repeat(1 << 17),
      'larger than 16 KiB': unsigned(head, { ...good, filler: 'x'.repeat(17_000) }),
      'not base64url': `${'+'.repeat(20)}.${'/'.repeat(20)}.x`,
      'padded base64': `${Buffer.from('{"alg":"RS256"}').toString('base64')}=.e30=.x`,
      'a header that is a list': unsigned('[]', good),
      'a payload that is null': unsigned(head, 'null'),
      'a payload that is no JSON': unsigned(head, '{"iss":'),
      'a payload of 5,000 brackets': unsigned(head, '['.repeat(5000)),
      'two issuers': unsigned(head, `{"iss":"${good.iss}","iss":"https://evil.example","sub":"x"}`),
      'an escaped second issuer': unsigned(head, `{"iss":"${good.iss}","\\u0069ss":"https://evil.example"}`),
      'a prototype': unsigned(head, `{"__proto__":{"iss":"${good.iss}"},"sub":"x"}`),
      'an issuer that is a list': unsigned(head, { ...good, iss: [good.iss] }),
      'no issuer': unsigned(head, { sub: 'x' }),
      'an issuer nobody configured': unsigned(head, { ...good, iss: 'https://evil.example' }),
      'an issuer that ends in a good one': unsigned(head, {
        ...good,
        iss: `https://evil.example/?${good.iss}`,
      }),
      'a good issuer with a slash': unsigned(head, { ...good, iss: `${good.iss}/` }),
      'a good issuer with user and password': unsigned(head, {
        ...good,
        iss: 'https://login.example.com@evil.example',
      }),
      'an issuer of 3,000 characters': unsigned(head, { ...good, iss: `https://${'a'.repeat(3000)}` }),
      'a file as issuer': unsigned(head, { ...good, iss: 'file:///etc/passwd' }),
      'a metadata service as issuer': unsigned(head, { ...good, iss: 'http://169.254.169.254/' }),
      'not UTF-8': `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}.x`,
    }
    for (const [name, hostile] of Object.entries(withoutFetch)) await refused(t, name, hostile)
    t.equal(harness.proxy.requests.length, requestsBefore, 'none of them made us ask anybody')

    const stranger = await createIssuer(harness.emailIssuer.url)
    for (const [name, hostile] of Object.entries({
      'no signature': unsigned(head, good),
      'alg none': unsigned({ alg: 'none' }, good),
      'alg None': unsigned({ alg: 'None' }, good),
      'alg HS256': unsigned({ alg: 'HS256', kid: 'key-1' }, good, 'aaaa'),
      'alg of another type': unsigned({ alg: 256 }, good),
      'signed by a stranger': await signToken(stranger, person),
      'another audience': await emailToken(harness, { aud: 'other' }),
      'no audience': await emailToken(harness, { aud: null }),
      expired: await emailToken(harness, { exp: 1 }),
      'no expiry': await emailToken(harness, { exp: null }),
      'expiry as text': await emailToken(harness, { exp: '4000000000' }),
      'not for an hour': await emailToken(harness, { nbf: Math.floor(Date.now() / 1000) + 3600 }),
      'email of another shape': await emailToken(harness, { email: { address: person.email } }),
      'email unverified': await emailToken(harness, { email_verified: false }),
      'email with a line feed': await emailToken(harness, { email: 'a@example.com\nb@example.com' }),
      'email with a null character': await emailToken(harness, { email: 'a@example.com\u0000' }),
      'email of 10,000 characters': await emailToken(harness, { email: `${'a'.repeat(10_000)}@example.com` }),
      'a key id that is a path': await signToken(stranger, person, { kid: '../../etc/passwd' }),
      'a key in the header': await signToken(stranger, person, { jwk: stranger.keys[0], kid: 'none' }),
      'a key by URL': await signToken(stranger, person, { jku: 'https://evil.example/keys', kid: 'none' }),
    }))
      await refused(t, name, hostile)
    t.equal(
      harness.proxy.requests.filter((path) => !path.includes(encodeURIComponent(harness.emailIssuer.url)))
        .length,
      0,
      'and nobody but the issuer was ever asked about',
    )

    async function refused(t: Test, name: string, hostile: string): Promise<void> {
      const begun = performance.now()
      const answer = await postV2(harness, {
        credentials: { oidcIdentityToken: hostile },
        publicKeyRequest: { publicKey: { content: key.pem }, proofOfPossession: key.prove(person.email) },
      })
      t.equal(answer.statusCode, 400, name)
      const body = answer.json() as { code: number; message: string }
      t.equal(body.code, 3, name)
      t.match(body.message, /^There was an error processing the identity token: /, name)
      t.ok(
        body.message.length < 1500 && !/[\n\0]/.test(body.message),
        `${name}: ${body.message.slice(0, 80)}`,
      )
      t.ok(performance.now() - begun < 60_000, `${name}: in bounded time`)
    }
  },
)

t.test('hostile bodies are refused, and the text never repeats more than a name of them', async (t) => {
  const secret = 'c2VjcmV0LXRva2Vu'
  for (const [name, body] of Object.entries({
    'a million brackets': '['.repeat(1_000_000),
    'deep objects': `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
    'a token of another type': { credentials: { oidcIdentityToken: 7 } },
    'credentials of another type': { credentials: [secret] },
    'both spellings at once': { publicKeyRequest: {}, public_key_request: {} },
    'both kinds of key': { publicKeyRequest: {}, certificateSigningRequest: 'QQ==' },
    'mixed alphabets': { certificateSigningRequest: 'ab+/-_==' },
    'bytes that are no text': Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
    'a lone surrogate in a name': '{"\\ud800":1,"\\ud800":2}',
    [secret]: `{"credentials":{"oidcIdentityToken":"${secret}"`,
  })) {
    const answer = await postV2(harness, body)
    t.equal(answer.statusCode, 400, name)
    const { code, message } = answer.json() as { code: number; message: string }
    t.equal(code, 3, name)
    t.ok(message.length < 300 && !message.includes(secret), `${name}: ${message.slice(0, 100)}`)
  }
  const text = utf8('x')
  t.equal((await postV2(harness, Buffer.from(text))).statusCode, 400)
})
