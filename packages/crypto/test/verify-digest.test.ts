import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  sign,
} from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import {
  digest as digestOf,
  type HashAlgorithm,
  parseBase64,
  parsePublicKey,
  parsePublicKeyPem,
  probeDigestVerification,
  verifyDigest,
} from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  derFromRawSignature,
  isDerEcdsaSignature,
  plainEcdsaSignature,
  rawFromDerSignature,
} from '../src/ecdsa-signature.ts'
import { givesKnownAnswers, type VerifyEcdsaDigest } from '../src/verify-digest/ecdsa-backend.ts'
import { verifyWithNoble } from '../src/verify-digest/ecdsa-noble.ts'
import { createNodeBackend } from '../src/verify-digest/ecdsa-node.ts'
import { createOpensslBackend } from '../src/verify-digest/ecdsa-openssl.ts'
import { json } from './vectors.ts'

const message = Buffer.from('the artifact')
const hashes: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512']
const curves = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }
const names = ['P-256', 'P-384', 'P-521'] as const

const spkiOf = (key: KeyObject) => createPublicKey(key).export({ format: 'der', type: 'spki' })
const publicKeyOf = (key: KeyObject) => parsePublicKey(spkiOf(key))
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
const keys = names.map((namedCurve) => generateKeyPairSync('ec', { namedCurve }).privateKey)

const openssl = await createOpensslBackend({ hasSpareCores: true })
const backends: Readonly<Record<string, VerifyEcdsaDigest | undefined>> = {
  node: createNodeBackend(),
  openssl,
  'openssl in place': await createOpensslBackend({ hasSpareCores: false }),
  noble: verifyWithNoble,
}

for (const [name, verify] of Object.entries(backends)) {
  const skip = verify === undefined ? `this Node or platform has no ${name} backend` : false
  t.test(`${name}: ECDSA over a digest`, { skip }, async (t) => {
    if (verify === undefined) return
    t.ok(await givesKnownAnswers(verify))
    for (const [i, key] of keys.entries()) {
      const curve = names[i]!
      const { n } = curves[curve].Point.CURVE()
      const parsed = publicKeyOf(key)
      if (parsed.type !== 'ecdsa') throw new Error('an EC key')
      const half = (parsed.point.length - 1) / 2
      const number = (value: bigint) => Buffer.from(value.toString(16).padStart(2 * half, '0'), 'hex')
      const withNumbers = (r: bigint, s: bigint) =>
        derFromRawSignature(Buffer.concat([number(r), number(s)]))!
      for (const hash of hashes) {
        const signature = sign(hash, message, key)
        const check = { curve, point: parsed.point, digest: digestOf(hash, message), signature }
        const raw = Buffer.from(rawFromDerSignature(signature, half)!)
        const r = BigInt(`0x${raw.subarray(0, half).toString('hex')}`)
        const s = BigInt(`0x${raw.subarray(half).toString('hex')}`)
        const other = publicKeyOf(generateKeyPairSync('ec', { namedCurve: curve }).privateKey)
        if (other.type !== 'ecdsa') throw new Error('an EC key')
        const offCurve = flip(parsed.point, parsed.point.length - 1)
        const answers = {
          'as signed': await verify(check),
          'with n − s': await verify({ ...check, signature: withNumbers(r, n - s) }),
          'other digest': await verify({ ...check, digest: flip(check.digest, 0) }),
          'other key': await verify({ ...check, point: other.point }),
          'other r': await verify({ ...check, signature: withNumbers(r ^ 1n, s) }),
          'other s': await verify({ ...check, signature: withNumbers(r, s ^ 1n) }),
          'r = 0': await verify({ ...check, signature: withNumbers(0n, s) }),
          's = 0': await verify({ ...check, signature: withNumbers(r, 0n) }),
          'r = n': await verify({ ...check, signature: withNumbers(n, s) }),
          's = n': await verify({ ...check, signature: withNumbers(r, n) }),
          'a point off the curve': await verify({ ...check, point: offCurve }),
        }
        const expected = Object.fromEntries(Object.keys(answers).map((name, i) => [name, i < 2]))
        t.same(answers, expected, `${curve} ${hash}`)
      }
    }
  })
}

t.test('the fastest backend that works is chosen, and stays', async (t) => {
  const { backend, warning } = await probeDigestVerification()
  t.equal(warning === undefined, backend !== 'noble')
  t.same(await probeDigestVerification(), { backend, ...(warning === undefined ? {} : { warning }) })
  if (openssl !== undefined) t.not(backend, 'noble')
})

t.test('a backend that accepts or refuses everything does not pass for one', async (t) => {
  t.notOk(await givesKnownAnswers(() => Promise.resolve(true)))
  t.notOk(await givesKnownAnswers(() => Promise.resolve(false)))
})

t.test('ECDSA signatures are taken as DER and as r‖s, for every curve and hash', async (t) => {
  for (const key of keys) {
    const publicKey = publicKeyOf(key)
    for (const hash of hashes) {
      const digest = digestOf(hash, message)
      const raw = sign(hash, message, { key, dsaEncoding: 'ieee-p1363' })
      t.ok(await verifyDigest(publicKey, hash, digest, sign(hash, message, key)))
      t.ok(await verifyDigest(publicKey, hash, digest, raw))
      t.notOk(await verifyDigest(publicKey, hash, digest, flip(raw, 5)))
      t.notOk(await verifyDigest(publicKey, hash, digest, raw.subarray(1)))
      t.notOk(await verifyDigest(publicKey, hash, digest, new Uint8Array()))
    }
  }
})

t.test('a signature of two INTEGERs is DER only when it is the one encoding of them', (t) => {
  const good = [
    '3006020101020101',
    '3008020200800202 00ff'.replace(' ', ''),
    `3081${(132 + 4).toString(16)}0242${'7f'.repeat(66)}0242${'7f'.repeat(66)}`,
  ]
  const bad = [
    '',
    '30',
    '3000',
    '3003020101',
    '300602010102010100',
    '3007020101020101',
    '308106020101020101',
    '30060201810201 01'.replace(' ', ''),
    '30070202000102 0101'.replace(' ', ''),
    '3006020101030101',
    '300502000201 01'.replace(' ', ''),
    '3106020101020101',
    '3080020101020101 0000'.replace(' ', ''),
    '3006020100020101',
    '3009020101020101020101',
  ]
  for (const hex of good) t.ok(isDerEcdsaSignature(Buffer.from(hex, 'hex')), hex)
  for (const hex of bad) t.notOk(isDerEcdsaSignature(Buffer.from(hex, 'hex')), hex)
  t.end()
})

t.test('arbitrary signatures are answered with no, never with an error', async () => {
  const everyKey = [
    ...keys.map(publicKeyOf),
    publicKeyOf(generateKeyPairSync('ed25519').privateKey),
    publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...everyKey),
      fc.constantFrom(...hashes),
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 64, maxLength: 64 })),
      async (key, hash, signature) => !(await verifyDigest(key, hash, digestOf(hash, message), signature)),
    ),
    { numRuns: 300, seed: 1 },
  )
})

t.test('a digest of the wrong length is our own mistake', async (t) => {
  await t.rejects(verifyDigest(publicKeyOf(keys[0]!), 'sha256', new Uint8Array(31), new Uint8Array(64)), {
    message: 'a sha256 digest has 32 bytes, not 31',
  })
})

t.test('RSA PKCS#1 v1.5 is verified for every size and hash, and only whole', async (t) => {
  for (const modulusLength of [2048, 3072, 4096, 2304]) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength })
    const publicKey = publicKeyOf(privateKey)
    t.match(publicKey, { type: 'rsa', modulusBits: modulusLength })
    for (const hash of hashes) {
      const digest = digestOf(hash, message)
      const signature = sign(hash, message, privateKey)
      t.ok(await verifyDigest(publicKey, hash, digest, signature), `${modulusLength} ${hash}`)
      t.notOk(await verifyDigest(publicKey, hash, flip(digest, 0), signature))
      t.notOk(await verifyDigest(publicKey, hash, digest, flip(signature, 9)))
      t.notOk(await verifyDigest(publicKey, hash, digest, Buffer.concat([Buffer.alloc(1), signature])))
      t.notOk(await verifyDigest(publicKey, hash, digest, signature.subarray(1)))
    }
    const bare = privateEncrypt(privateKey, digestOf('sha256', message))
    t.notOk(await verifyDigest(publicKey, 'sha256', digestOf('sha256', message), bare), 'no DigestInfo')
    const surplus = privateEncrypt(
      privateKey,
      Buffer.concat([
        Buffer.from('3031300d060960864801650304020105000420', 'hex'),
        digestOf('sha256', message),
        Buffer.alloc(1),
      ]),
    )
    t.notOk(
      await verifyDigest(publicKey, 'sha256', digestOf('sha256', message), surplus),
      'bytes behind the digest',
    )
  }
})

t.test('Ed25519ph is verified over a SHA-512 digest, pure Ed25519 is not', async (t) => {
  const { proposal } = json<{ proposal: Hashedrekord }>('hashedrekord-ed25519ph-sha512.json')
  const { data, signature } = proposal.spec
  const key = parsePublicKeyPem(Buffer.from(parseBase64(signature.publicKey.content)).toString())
  const digest = Buffer.from(data.hash.value, 'hex')
  const bytes = parseBase64(signature.content)
  t.ok(await verifyDigest(key, 'sha512', digest, bytes))
  t.notOk(await verifyDigest(key, 'sha512', flip(digest, 0), bytes))
  t.notOk(await verifyDigest(key, 'sha512', digest, flip(bytes, 0)))
  t.notOk(await verifyDigest(key, 'sha512', digest, flip(bytes, 40)))
  t.notOk(await verifyDigest(key, 'sha256', digest.subarray(0, 32), bytes))
  // The same s plus the group order: equal modulo it, and refused.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(bytes.slice(32)).reverse().toString('hex')}`) + order
  const high = Buffer.concat([
    bytes.slice(0, 32),
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(),
  ])
  t.notOk(await verifyDigest(key, 'sha512', digest, high))

  const { privateKey } = generateKeyPairSync('ed25519')
  const sha512 = createHash('sha512').update(message).digest()
  t.notOk(await verifyDigest(publicKeyOf(privateKey), 'sha512', sha512, sign(null, message, privateKey)))
  t.notOk(await verifyDigest(publicKeyOf(privateKey), 'sha512', sha512, sign(null, sha512, privateKey)))
})

t.test(
  'keys are freed: many one-time keys leave no memory behind',
  { skip: openssl === undefined },
  async (t) => {
    const publicKey = publicKeyOf(keys[0]!)
    const digest = digestOf('sha256', message)
    const good = sign('sha256', message, keys[0]!)
    const bad = flip(good, good.length - 1)
    const checks = 10_000
    const grown: number[] = []
    for (let round = 0; round < 4; round++) {
      const before = process.memoryUsage.rss()
      for (let i = 0; i < checks; i += 50)
        await Promise.all(
          Array.from({ length: 50 }, (_, k) => verifyDigest(publicKey, 'sha256', digest, k % 2 ? bad : good)),
        )
      grown.push(process.memoryUsage.rss() - before)
    }
    // An EC_KEY that is not freed keeps 1.8 KB in every round; the collector's heap grows in the first ones only.
    t.ok(Math.min(...grown) < checks * 900, `${checks} checks: ${Math.min(...grown)} bytes more`)
  },
)

type Hashedrekord = {
  readonly spec: {
    readonly data: { readonly hash: { readonly value: string } }
    readonly signature: { readonly content: string; readonly publicKey: { readonly content: string } }
  }
}

t.test(
  'every spelling of an ECDSA signature that holds is plainly one, and no other signature is it',
  async (t) => {
    for (const [i, key] of keys.entries()) {
      const curve = names[i]!
      const { n } = curves[curve].Point.CURVE()
      const signature = sign('sha256', message, key)
      const parsed = publicKeyOf(key)
      if (parsed.type !== 'ecdsa') throw new Error('an EC key')
      const half = (parsed.point.length - 1) / 2
      const raw = Buffer.from(rawFromDerSignature(signature, half)!)
      const s = n - BigInt(`0x${raw.toString('hex', half)}`)
      const other = Buffer.concat([
        raw.subarray(0, half),
        Buffer.from(s.toString(16).padStart(2 * half, '0'), 'hex'),
      ])
      const spellings = [signature, raw, other, derFromRawSignature(other)!]
      for (const spelling of spellings)
        t.ok(await verifyDigest(parsed, 'sha256', digestOf('sha256', message), spelling))
      const plain = spellings.map((spelling) =>
        Buffer.from(plainEcdsaSignature(curve, spelling)).toString('hex'),
      )
      t.equal(new Set(plain).size, 1, curve)
      const stranger = sign('sha256', Buffer.from('another artifact'), key)
      t.notOk(plain.includes(Buffer.from(plainEcdsaSignature(curve, stranger)).toString('hex')), curve)
    }
  },
)
