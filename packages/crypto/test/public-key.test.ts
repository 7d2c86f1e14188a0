import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  CryptoError,
  createSigner,
  defaultClientAlgorithms,
  defaultHash,
  der,
  derTag,
  encodePublicKeyPem,
  equalBytes,
  fitsKey,
  generateSigningKey,
  isSignatureAlgorithm,
  keyFingerprint,
  type PublicKey,
  parsePublicKey,
  parsePublicKeyPem,
  publicKeyDetails,
  readDerChildren,
  readOnlyDer,
  sha256,
  signatureAlgorithms,
  verifyDigest,
  verifySignature,
} from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'

const curves = ['P-256', 'P-384', 'P-521'] as const
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number, publicExponent = 65537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey
const spkiOf = (key: KeyObject) => createPublicKey(key).export({ format: 'der', type: 'spki' })
const keys: Readonly<Record<string, KeyObject>> = {
  'P-256': ec('P-256'),
  'P-384': ec('P-384'),
  'P-521': ec('P-521'),
  'RSA 2048': rsa(2048),
  'RSA 3072': rsa(3072),
  'RSA 4096': rsa(4096),
  Ed25519: generateKeyPairSync('ed25519').privateKey,
}
const message = Buffer.from('message')

/** The same key with its algorithm or key bits replaced. */
function altered(spki: Uint8Array, parts: { algorithm?: Uint8Array; bits?: Uint8Array }): Uint8Array {
  const [algorithm, bits] = readDerChildren(readOnlyDer(spki).content)
  return der(
    derTag.sequence,
    parts.algorithm ?? algorithm!.whole,
    der(derTag.bitString, parts.bits ?? bits!.content),
  )
}

t.test('keys of every kind Sigstore signs with are parsed, and made into a KeyObject when asked', (t) => {
  for (const [name, key] of Object.entries(keys)) {
    const spki = spkiOf(key)
    const parsed = parsePublicKey(spki)
    t.equal(parsed.keyObject, parsed.keyObject, `${name}: the KeyObject is made once`)
    t.ok(parsed.keyObject.equals(createPublicKey(key)), name)
    t.ok(equalBytes(parsed.spki, spki))
    t.same(keyFingerprint(parsed), sha256(spki))
    t.equal(
      encodePublicKeyPem(parsed),
      createPublicKey(key).export({ format: 'pem', type: 'spki' }),
      `${name}: PEM`,
    )
    t.ok(equalBytes(parsePublicKeyPem(encodePublicKeyPem(parsed)).spki, spki))
  }
  for (const curve of curves) t.match(parsePublicKey(spkiOf(keys[curve]!)), { type: 'ecdsa', curve })
  for (const bits of [2048, 3072, 4096])
    t.match(parsePublicKey(spkiOf(keys[`RSA ${bits}`]!)), {
      type: 'rsa',
      modulusBits: bits,
      exponent: 65537n,
    })
  t.match(parsePublicKey(spkiOf(rsa(1024, 3))), { type: 'rsa', modulusBits: 1024, exponent: 3n })
  const jwk = createPublicKey(keys.Ed25519!).export({ format: 'jwk' })
  const ed25519 = parsePublicKey(spkiOf(keys.Ed25519!))
  t.equal(ed25519.type === 'ed25519' && Buffer.from(ed25519.raw).toString('base64url'), jwk.x)
  t.end()
})

t.test('keys of other kinds are refused', (t) => {
  const others: Readonly<Record<string, KeyObject>> = {
    'P-224': ec('secp224r1'),
    secp256k1: ec('secp256k1'),
    brainpoolP256r1: ec('brainpoolP256r1'),
    'RSA-PSS': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    X25519: generateKeyPairSync('x25519').privateKey,
    Ed448: generateKeyPairSync('ed448').privateKey,
  }
  for (const [name, key] of Object.entries(others))
    t.throws(() => parsePublicKey(spkiOf(key)), { name: 'CryptoError', code: 'unsupported_key' }, name)
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' } as {
    namedCurve: string
  }).privateKey
  t.throws(() => parsePublicKey(spkiOf(explicit)), { code: 'unsupported_key' }, 'explicit parameters')
  t.throws(() => parsePublicKeyPem('-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n'), {
    code: 'bad_public_key',
    message: 'cannot handle type RSA PUBLIC KEY',
  })
  t.end()
})

t.test('points that are compressed, at infinity, out of range or off the curve are refused', (t) => {
  for (const curve of curves) {
    const spki = spkiOf(keys[curve]!)
    const parsed = parsePublicKey(spki)
    if (parsed.type !== 'ecdsa') throw new Error('an EC key')
    const { point } = parsed
    const half = (point.length - 1) / 2
    const withPoint = (changed: Uint8Array) => altered(spki, { bits: Buffer.concat([Buffer.of(0), changed]) })
    const bad: Readonly<Record<string, Uint8Array>> = {
      compressed: Buffer.concat([Buffer.of(2 + (point.at(-1)! & 1)), point.subarray(1, 1 + half)]),
      infinity: Buffer.of(0),
      hybrid: Buffer.concat([Buffer.of(6 + (point.at(-1)! & 1)), point.subarray(1)]),
      'off the curve': point.map((byte, i) => (i === point.length - 1 ? byte ^ 1 : byte)),
      'out of range': Buffer.concat([Buffer.of(4), Buffer.alloc(2 * half, 0xff)]),
      zero: Buffer.concat([Buffer.of(4), Buffer.alloc(2 * half)]),
      short: point.subarray(0, -1),
    }
    for (const [name, changed] of Object.entries(bad))
      t.throws(() => parsePublicKey(withPoint(changed)), { code: 'bad_public_key' }, `${curve} ${name}`)
    t.ok(parsePublicKey(withPoint(point)), curve)
  }
  t.end()
})

t.test('that a point is on its curve is judged as OpenSSL judges it', (t) => {
  const outcome = (parse: () => unknown): boolean => {
    try {
      parse()
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(fc.constantFrom(...curves), fc.nat(132), fc.nat(255), (curve, at, value) => {
      const spki = Uint8Array.from(spkiOf(keys[curve]!))
      // Only bytes of the coordinates: they are the end of the SPKI.
      const place = spki.length - 1 - (at % (2 * Math.floor(spki.length / 3)))
      spki[place] = (spki[place] ?? 0) ^ value
      const ours = outcome(() => parsePublicKey(spki))
      return !ours || outcome(() => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }))
    }),
    { numRuns: 300, seed: 3 },
  )
  t.end()
})

t.test('a SubjectPublicKeyInfo has one encoding', (t) => {
  const rsaSpki = spkiOf(keys['RSA 2048']!)
  const edSpki = spkiOf(keys.Ed25519!)
  const [rsaAlgorithm] = readDerChildren(readOnlyDer(rsaSpki).content)
  const [rsaOid] = readDerChildren(rsaAlgorithm!.content)
  const [edAlgorithm, edBits] = readDerChildren(readOnlyDer(edSpki).content)
  const nothing = Uint8Array.of(derTag.null, 0)
  const rsaKey = (...numbers: readonly Uint8Array[]) =>
    altered(rsaSpki, { bits: Buffer.concat([Buffer.of(0), der(derTag.sequence, ...numbers)]) })
  const integer = (hex: string) => der(derTag.integer, Buffer.from(hex, 'hex'))
  const modulus = integer(`00${'ff'.repeat(256)}`)
  const bad: Readonly<Record<string, Uint8Array>> = {
    nothing: new Uint8Array(),
    'a byte behind it': Buffer.concat([edSpki, Buffer.of(0)]),
    'RSA without NULL': altered(rsaSpki, { algorithm: der(derTag.sequence, rsaOid!.whole) }),
    'Ed25519 with NULL': altered(edSpki, { algorithm: der(derTag.sequence, edAlgorithm!.content, nothing) }),
    'surplus parameters': altered(rsaSpki, {
      algorithm: der(derTag.sequence, rsaAlgorithm!.content, nothing),
    }),
    'unused bits': altered(edSpki, { bits: Buffer.concat([Buffer.of(1), edBits!.content.subarray(1)]) }),
    'no bits': altered(edSpki, { bits: new Uint8Array() }),
    'short Ed25519 key': altered(edSpki, { bits: edBits!.content.subarray(0, 32) }),
    'negative modulus': rsaKey(integer('ff01'), integer('03')),
    'modulus with a leading zero': rsaKey(integer('000003'), integer('03')),
    'zero modulus': rsaKey(integer('00'), integer('03')),
    'three numbers': rsaKey(modulus, integer('03'), integer('03')),
  }
  for (const [name, spki] of Object.entries(bad))
    t.throws(() => parsePublicKey(spki), { name: 'CryptoError', code: /^bad_(public_key|der)$/ }, name)
  t.ok(parsePublicKey(rsaKey(modulus, integer('03'))))
  for (const [name, spki] of Object.entries({
    'huge modulus': rsaKey(integer(`7f${'ff'.repeat(2048)}`), integer('03')),
    'huge exponent': rsaKey(modulus, integer('0100000001')),
    'even modulus': rsaKey(integer(`00${'ff'.repeat(255)}fe`), integer('03')),
    'even exponent': rsaKey(modulus, integer('04')),
    'exponent one': rsaKey(modulus, integer('01')),
  }))
    t.throws(() => parsePublicKey(spki), { code: 'unsupported_key' }, name)
  t.end()
})

t.test('arbitrary and altered bytes are a key or a CryptoError', (t) => {
  const parse = (spki: Uint8Array) => {
    try {
      parsePublicKey(spki)
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
    }
  }
  const spkis = Object.values(keys).map(spkiOf)
  fc.assert(
    fc.property(fc.constantFrom(...spkis), fc.nat(600), fc.nat(255), fc.nat(600), (spki, at, value, cut) => {
      const changed = Uint8Array.from(spki)
      changed[at % changed.length] = value
      parse(changed)
      parse(changed.subarray(0, cut))
    }),
    { numRuns: 2000, seed: 4 },
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), parse), { numRuns: 1000, seed: 5 })
  t.end()
})

t.test('signatures over a message verify with their key and hash only', async (t) => {
  for (const [name, key] of Object.entries(keys)) {
    const publicKey = parsePublicKey(spkiOf(key))
    const other = Buffer.from('other')
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const signature = sign(publicKey.type === 'ed25519' ? null : hash, message, key)
      t.ok(await verifySignature(publicKey, hash, message, signature), `${name} ${hash}`)
      t.notOk(await verifySignature(publicKey, hash, other, signature))
      t.notOk(await verifySignature(publicKey, hash, message, signature.subarray(1)))
      t.notOk(await verifySignature(publicKey, hash, message, new Uint8Array()))
      if (publicKey.type !== 'ecdsa') continue
      const raw = sign(hash, message, { key, dsaEncoding: 'ieee-p1363' })
      t.ok(await verifySignature(publicKey, hash, message, raw), `${name} ${hash}, r‖s`)
      t.notOk(await verifySignature(publicKey, hash, other, raw))
    }
  }
})

t.test('RSA keys of absurd numbers verify nothing and break nothing', async (t) => {
  const [algorithm] = readDerChildren(readOnlyDer(spkiOf(keys['RSA 2048']!)).content)
  const moduli = ['01', '03', '7f', `00${'ff'.repeat(64)}`, `00${'ff'.repeat(2048)}`]
  for (const modulus of moduli) {
    for (const exponent of ['03', '7fffffff', '00ffffffff']) {
      const numbers = [modulus, exponent].map((hex) => der(derTag.integer, Buffer.from(hex, 'hex')))
      const bits = der(derTag.bitString, Uint8Array.of(0), der(derTag.sequence, ...numbers))
      const key = parsePublicKey(der(derTag.sequence, algorithm!.whole, bits))
      if (key.type !== 'rsa') throw new Error('an RSA key')
      const signature = Buffer.alloc(Math.ceil(key.modulusBits / 8), 1)
      t.notOk(await verifySignature(key, 'sha256', message, signature), `${modulus.slice(0, 4)} ${exponent}`)
      t.notOk(await verifyDigest(key, 'sha256', sha256(message), signature))
    }
  }
})

t.test('a signer signs with the algorithm its key stands for', async (t) => {
  const expected: Readonly<Record<string, string>> = {
    'P-256': 'ecdsa-sha2-256-nistp256',
    'P-384': 'ecdsa-sha2-384-nistp384',
    'P-521': 'ecdsa-sha2-512-nistp521',
    'RSA 2048': 'rsa-sign-pkcs1-2048-sha256',
    'RSA 3072': 'rsa-sign-pkcs1-3072-sha256',
    'RSA 4096': 'rsa-sign-pkcs1-4096-sha256',
    Ed25519: 'ed25519',
  }
  for (const [name, key] of Object.entries(keys)) {
    const signer = createSigner(key)
    t.equal(signer.algorithm, expected[name])
    t.ok(fitsKey(signer.algorithm, signer.publicKey), name)
    const hash = defaultHash(signer.publicKey)
    t.equal(signatureAlgorithms[signer.algorithm].hash, hash)
    t.ok(await verifySignature(signer.publicKey, hash, message, await signer.sign(message)), name)
  }
  t.match(createSigner(generateSigningKey()).publicKey, { type: 'ecdsa', curve: 'P-256' })
  t.throws(() => createSigner(rsa(1024)), { code: 'unsupported_key' })
})

t.test('an algorithm fits the keys of its kind and size and no others', (t) => {
  const fitting = (key: PublicKey) =>
    Object.keys(signatureAlgorithms)
      .filter(isSignatureAlgorithm)
      .filter((algorithm) => fitsKey(algorithm, key))
  const of = (name: string) => parsePublicKey(spkiOf(keys[name]!))
  t.same(fitting(of('P-256')), ['ecdsa-sha2-256-nistp256'])
  t.same(fitting(of('P-384')), ['ecdsa-sha2-384-nistp384', 'ecdsa-sha2-256-nistp384'])
  t.same(fitting(of('P-521')), ['ecdsa-sha2-512-nistp521', 'ecdsa-sha2-256-nistp521'])
  t.same(fitting(of('RSA 3072')), ['rsa-sign-pkcs1-3072-sha256', 'rsa-sign-pss-3072-sha256'])
  t.same(fitting(of('Ed25519')), ['ed25519', 'ed25519-ph'])
  t.same(fitting(parsePublicKey(spkiOf(rsa(1024)))), [])
  t.notOk(isSignatureAlgorithm('toString'))
  t.ok(defaultClientAlgorithms.every(isSignatureAlgorithm))
  t.equal(publicKeyDetails(of('P-256')), 'PKIX_ECDSA_P256_SHA_256')
  t.equal(publicKeyDetails(of('P-521')), 'PKIX_ECDSA_P521_SHA_512')
  t.equal(publicKeyDetails(of('RSA 4096')), 'PKIX_RSA_PKCS1V15_4096_SHA256')
  t.equal(publicKeyDetails(of('Ed25519')), 'PKIX_ED25519')
  t.end()
})

t.test('Ed25519 points that nobody can own are no keys, however they are spelt', (t) => {
  const spki = (raw: Uint8Array) =>
    altered(spkiOf(keys.Ed25519!), { bits: Buffer.concat([Buffer.of(0), raw]) })
  const backwards = (hex: string) => Buffer.from(hex, 'hex').reverse()
  const y8 = '7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7'
  const minusY8 = '05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826'
  const small = {
    'order 1': `${'00'.repeat(31)}01`,
    'order 2': `7f${'ff'.repeat(30)}ec`,
    'order 4': '00'.repeat(32),
    'order 8': y8,
    'order 8, the other y': minusY8,
    'order 4 as the prime': `7f${'ff'.repeat(30)}ed`,
    'order 1 as the prime and one': `7f${'ff'.repeat(30)}ee`,
    'a second spelling of an y of 18': `7f${'ff'.repeat(30)}ff`,
  }
  for (const [name, y] of Object.entries(small)) {
    for (const sign of [0, 0x80]) {
      const raw = backwards(y)
      raw[31]! |= sign
      t.throws(
        () => parsePublicKey(spki(raw)),
        { name: 'CryptoError', code: 'bad_public_key' },
        `${name} ${sign}`,
      )
    }
  }
  // Neighbours of theirs are read: whether they are points at all is seen when they are used.
  for (const y of ['03'.padStart(64, '0'), `7f${'ff'.repeat(30)}eb`])
    t.equal(parsePublicKey(spki(backwards(y))).type, 'ed25519', y)
  t.end()
})
