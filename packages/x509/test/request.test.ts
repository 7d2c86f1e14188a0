import { generateKeyPairSync } from 'node:crypto'
import {
  CryptoError,
  createSigner,
  der,
  derOid,
  derTag,
  parsePemBlock,
  parsePublicKey,
  parsePublicKeyPem,
} from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import { assertStrongKey, parseCertificateRequest, X509Error } from '../src/index.ts'
import { encodeSignatureAlgorithm } from '../src/signature-algorithm.ts'
import { leafSigner, vector } from './support.ts'

t.test('requests are read for key, algorithm and proof', async (t) => {
  const cases = [
    ['p256-sha256', 'ecdsa', 'ECDSA-SHA256', 'sha256'],
    ['p384-sha256', 'ecdsa', 'ECDSA-SHA256', 'sha256'],
    ['rsa-sha384-new', 'rsa', 'SHA384-RSA', 'sha384'],
    ['ed25519', 'ed25519', 'Ed25519', undefined],
  ] as const
  for (const [name, type, algorithm, hash] of cases) {
    const request = parseCertificateRequest(vector(`requests/${name}.pem`))
    t.equal(request.publicKey.type, type, name)
    t.equal(request.signatureAlgorithm, algorithm, name)
    t.equal(request.hash, hash, name)
    t.ok(request.isSupported, name)
    t.ok(await request.verifySelfSignature(), name)
    const damaged = Buffer.from(parsePemBlock(vector(`requests/${name}.pem`)).block.der)
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1
    t.notOk(await parseCertificateRequest(damaged).verifySelfSignature(), name)
  }
})

t.test('algorithms that are not accepted are named and never verified', async (t) => {
  for (const [name, algorithm] of [
    ['rsa-pss', 'RSAPSS'],
    ['rsa-sha1', 'SHA1-RSA'],
  ]) {
    const request = parseCertificateRequest(vector(`requests/${name}.pem`))
    t.equal(request.signatureAlgorithm, algorithm)
    t.equal(request.isSupported, false)
    t.equal(await request.verifySelfSignature(), false)
  }
})

t.test('a subject with bytes that no string type allows does no harm', async (t) => {
  const email = der(
    derTag.sequence,
    derOid('1.2.840.113549.1.9.1'),
    der(0x16, Buffer.from('jürgen@example.org')),
  )
  const info = der(
    derTag.sequence,
    Uint8Array.of(2, 1, 0),
    der(derTag.sequence, der(derTag.set, email)),
    leafSigner.publicKey.spki,
    der(0xa0),
  )
  const signature = der(derTag.bitString, Uint8Array.of(0), await leafSigner.sign(info))
  const request = parseCertificateRequest(
    der(derTag.sequence, info, encodeSignatureAlgorithm(leafSigner.algorithm), signature),
  )
  t.ok(await request.verifySelfSignature())
})

t.test('text must be PEM of a request, and bytes must be DER', async (t) => {
  const pem = vector('requests/p256-sha256.pem')
  t.throws(() => parseCertificateRequest(Buffer.from(pem)), { code: 'bad_der' })
  t.throws(() => parseCertificateRequest(parsePemBlock(pem).block.der.toString()), { code: 'bad_pem' })
  t.throws(() => parseCertificateRequest(vector('ct/cert.pem')), {
    name: 'X509Error',
    code: 'bad_certificate_request',
  })
  t.throws(() => parseCertificateRequest(parsePemBlock(vector('ct/cert.pem')).block.der), { code: /./ })
})

t.test('arbitrary and damaged requests are refused with nothing but our own errors', async (t) => {
  const whole = parsePemBlock(vector('requests/p256-sha256.pem')).block.der
  const survives = (bytes: Uint8Array): boolean => {
    try {
      parseCertificateRequest(bytes)
      return true
    } catch (error) {
      if (error instanceof X509Error || error instanceof CryptoError) return true
      throw error
    }
  }
  t.doesNotThrow(() =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { seed: 5, numRuns: 300 }),
  )
  const change = fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
    const damaged = Buffer.from(whole)
    damaged[at] = value
    return survives(damaged)
  })
  t.doesNotThrow(() => fc.assert(change, { seed: 6, numRuns: 1000 }))
})

t.test('weak RSA keys are refused, each for its own reason', async (t) => {
  const cases = [
    ['rsa-1024', /2048, 3072 or 4096 bits, this one has 1024/],
    ['rsa-2048-exponent-3', /exponent .* 65537, this one is 3/],
    ['rsa-2048-divisible-by-751', /divisible by 751/],
    ['rsa-2048-roca', /ROCA/],
    ['rsa-2048-close-primes', /close together/],
  ] as const
  for (const [name, message] of cases) {
    const key = parsePublicKeyPem(vector(`weak-keys/${name}.pem`))
    t.throws(() => assertStrongKey(key), { name: 'X509Error', code: 'weak_key', message }, name)
  }
})

t.test('ordinary keys are strong enough', async (t) => {
  t.doesNotThrow(() => assertStrongKey(parsePublicKeyPem(vector('weak-keys/rsa-2048-good.pem'))))
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ed25519'),
  ]
  for (const { privateKey } of keys) t.doesNotThrow(() => assertStrongKey(createSigner(privateKey).publicKey))
})

t.test('points off the curve, out of range or at infinity never become a key', async (t) => {
  const { spki } = leafSigner.publicKey
  const head = spki.subarray(0, spki.length - 64)
  const withPoint = (x: Buffer, y: Buffer): Uint8Array => Buffer.concat([head, x, y])
  const point = Buffer.from(spki.subarray(-64))
  t.doesNotThrow(() => parsePublicKey(withPoint(point.subarray(0, 32), point.subarray(32))))
  const offCurve = Buffer.from(point.subarray(32))
  offCurve[31] = (offCurve[31] ?? 0) ^ 1
  t.throws(() => parsePublicKey(withPoint(point.subarray(0, 32), offCurve)), { code: 'bad_public_key' })
  t.throws(() => parsePublicKey(withPoint(Buffer.alloc(32, 0xff), offCurve)), { code: 'bad_public_key' })
  t.throws(() => parsePublicKey(withPoint(Buffer.alloc(32), Buffer.alloc(32))), { code: 'bad_public_key' })
})
