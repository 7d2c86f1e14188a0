/** Requests of Rekor v2: those of upstream's own tests, and what must not pass. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  canonicalJson,
  createEd25519phSigner,
  createSigner,
  defaultClientAlgorithms,
  digest,
  parseBase64,
  preAuthenticationEncoding,
  sha256,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import fc from 'fast-check'
import t from 'tap'
import { type RequestPolicy, readStoredEntry, verifyRequest } from '../src/index.ts'
import { json } from './vectors.ts'

type Case = {
  readonly name: string
  readonly request: Record<string, unknown>
  readonly expect: {
    readonly status?: number
    readonly message?: string
    readonly canonicalizedBody: string
    readonly leafHash: string
  }
}

const casesOf = (name: string) => json<{ cases: readonly Case[] }>(`rekor-v2/${name}.json`).cases
const policy: RequestPolicy = { allowedAlgorithms: defaultClientAlgorithms, dsse: 'convert' }
const verify = (request: unknown, own: Partial<RequestPolicy> = {}) =>
  verifyRequest(JSON.stringify(request), { ...policy, ...own })
const textOf = (body: Uint8Array) => Buffer.from(body).toString()
const rejectedWith = async (
  t: { match: (found: unknown, wanted: object) => unknown },
  request: unknown,
  code: string,
) => t.match(await verify(request).catch((error: unknown) => error), { name: 'EntryError', code })

for (const { name, request, expect } of casesOf('hashedrekord-v002'))
  t.test(name, async (t) => {
    if (expect.status !== 201) {
      const isRequest = expect.message === 'invalid hashedrekord request'
      const error = await verify(request).catch((error: unknown) => error)
      t.match(error, { name: 'EntryError' })
      t.equal(!/^(?:bad_message|unknown_type)$/.test((error as { code: string }).code), isRequest)
      return
    }
    const { body, kind, apiVersion, verifiers, searchKeys } = await verify(request)
    t.equal(toBase64(body), expect.canonicalizedBody)
    t.equal(toBase64(leafHash(body)), expect.leafHash)
    t.equal(textOf(body), canonicalJson(JSON.parse(textOf(body))))
    t.strictSame([kind, apiVersion], ['hashedrekord', '0.0.2'])
    const stored = readStoredEntry(body)
    t.strictSame(stored.searchKeys, searchKeys)
    t.equal(stored.verifiers[0]?.keyHash, verifiers[0]?.keyHash)
  })

for (const { name, request, expect } of casesOf('dsse-v002-legacy'))
  t.test(name, async (t) => {
    const { body, searchKeys } = await verify(request, { dsse: 'legacy' })
    t.equal(toBase64(body), expect.canonicalizedBody)
    t.equal(textOf(body), canonicalJson(JSON.parse(textOf(body))))
    t.strictSame(readStoredEntry(body).searchKeys, searchKeys)

    await t.rejects(verify(request, { dsse: 'reject' }), { code: 'unknown_type' })
    const { envelope } = request['dsseRequestV002'] as Envelope
    if (envelope.signatures.length > 1) return rejectedWith(t, request, 'bad_field')
    const converted = JSON.parse(textOf((await verify(request)).body)).spec.hashedRekordV002
    const encoding = preAuthenticationEncoding({ ...envelope, payload: parseBase64(envelope.payload) })
    t.equal(converted.data.digest, toBase64(sha256(encoding)))
    t.equal(converted.signature.content, envelope.signatures[0]?.sig)
  })

type Envelope = {
  readonly envelope: {
    readonly payload: string
    readonly payloadType: string
    readonly signatures: readonly { readonly sig: string }[]
  }
}

const good = casesOf('hashedrekord-v002')[0]!.request['hashedRekordRequestV002'] as {
  readonly digest: string
  readonly signature: {
    readonly content: string
    readonly verifier: { readonly publicKey: { readonly rawBytes: string }; readonly keyDetails: string }
  }
}
const { digest: goodDigest, signature: goodSignature } = good
const spki = goodSignature.verifier.publicKey.rawBytes
const goodWith = (verifier: unknown, content = goodSignature.content) => ({
  hashedRekordRequestV002: { digest: goodDigest, signature: { content, verifier } },
})
const goodBody = casesOf('hashedrekord-v002')[0]!.expect.canonicalizedBody

t.test('a message has as many spellings as protobuf JSON gives it, and one body', async (t) => {
  const urlSafe = (text: string) => Buffer.from(text, 'base64').toString('base64url')
  const spellings = [
    {
      hashed_rekord_request_v002: {
        digest: goodDigest,
        signature: {
          content: goodSignature.content,
          verifier: { public_key: { raw_bytes: spki }, key_details: 'PKIX_ECDSA_P256_SHA_256' },
        },
      },
    },
    goodWith({ publicKey: { rawBytes: urlSafe(spki) }, keyDetails: 5 }, urlSafe(goodSignature.content)),
    {
      ...goodWith({
        publicKey: { rawBytes: spki },
        x509Certificate: null,
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      }),
      dsseRequestV002: null,
    },
  ]
  for (const spelling of spellings) t.equal(toBase64((await verify(spelling)).body), goodBody)
})

t.test('what is no message is told apart from what does not hold', async (t) => {
  const key = { publicKey: { rawBytes: spki }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' }
  const noMessages: readonly unknown[] = [
    [],
    'text',
    { hashedRekordRequestV002: [] },
    goodWith({ ...key, keyDetails: 'PKIX_NONE' }),
    goodWith({ ...key, keyDetails: 1.5 }),
    goodWith({ ...key, keyDetails: true }),
    goodWith({ ...key, x509Certificate: { rawBytes: spki } }),
    goodWith({ ...key, public_key: { rawBytes: spki } }),
    goodWith({ ...key, more: 1 }),
    goodWith(key, 'no base64!'),
    { ...goodWith(key), dsseRequestV002: {} },
  ]
  for (const request of noMessages) await rejectedWith(t, request, 'bad_message')
  const twice = JSON.stringify(goodWith(key)).replace('"digest":', '"digest":"","digest":')
  for (const text of ['{', 'null', '{} {}', twice])
    t.match(await verifyRequest(text, policy).catch((error: unknown) => error), { code: 'bad_message' })
  for (const text of ['', ' \n', '{}', '{"hashedRekordRequestV002":null}'])
    t.match(await verifyRequest(text, policy).catch((error: unknown) => error), { code: 'unknown_type' })
  for (const keyDetails of ['PKIX_ED25519', 'PKIX_ECDSA_P384_SHA_256', 'ML_DSA_44', 99, 0])
    await rejectedWith(t, goodWith({ ...key, keyDetails }), 'algorithm_not_allowed')
})

t.test('each algorithm signs a digest of its own hash, and no other name of it passes', async (t) => {
  const make = (type: 'ec' | 'rsa', options: object): KeyObject =>
    (generateKeyPairSync as (type: string, options: object) => { privateKey: KeyObject })(type, options)
      .privateKey
  const keys = [
    [
      'PKIX_ECDSA_P256_SHA_256',
      'sha256',
      make('ec', { namedCurve: 'P-256' }),
      'PKIX_ECDSA_P256_HMAC_SHA_256',
    ],
    ['PKIX_ECDSA_P384_SHA_384', 'sha384', make('ec', { namedCurve: 'P-384' }), 'PKIX_ECDSA_P384_SHA_256'],
    ['PKIX_ECDSA_P521_SHA_512', 'sha512', make('ec', { namedCurve: 'P-521' }), 'PKIX_ECDSA_P521_SHA_256'],
    [
      'PKIX_RSA_PKCS1V15_2048_SHA256',
      'sha256',
      make('rsa', { modulusLength: 2048 }),
      'PKIX_RSA_PSS_2048_SHA256',
    ],
  ] as const
  for (const [keyDetails, hash, privateKey, otherName] of keys) {
    const { publicKey } = createSigner(privateKey)
    const request = (name: string) => ({
      hashedRekordRequestV002: {
        digest: toBase64(digest(hash, utf8('artifact'))),
        signature: {
          content: sign(hash, utf8('artifact'), privateKey).toString('base64'),
          verifier: { publicKey: { rawBytes: toBase64(publicKey.spki) }, keyDetails: name },
        },
      },
    })
    t.match(textOf((await verify(request(keyDetails))).body), `"keyDetails":"${keyDetails}"`)
    await rejectedWith(t, request(otherName), 'algorithm_not_allowed')
  }
  const ed25519 = generateKeyPairSync('ed25519').privateKey
  const prehashed = createEd25519phSigner(ed25519)
  const edRequest = (content: Uint8Array, keyDetails: string) => ({
    hashedRekordRequestV002: {
      digest: toBase64(digest('sha512', utf8('artifact'))),
      signature: {
        content: toBase64(content),
        verifier: { publicKey: { rawBytes: toBase64(prehashed.publicKey.spki) }, keyDetails },
      },
    },
  })
  t.ok(await verify(edRequest(await prehashed.sign(utf8('artifact')), 'PKIX_ED25519_PH')))
  await rejectedWith(
    t,
    edRequest(sign(null, utf8('artifact'), ed25519), 'PKIX_ED25519'),
    'algorithm_not_allowed',
  )
  await rejectedWith(t, edRequest(sign(null, utf8('artifact'), ed25519), 'PKIX_ED25519_PH'), 'bad_signature')
})

t.test('an ECDSA signature is DER, with any s', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { publicKey } = createSigner(privateKey)
  const verifier = {
    publicKey: { rawBytes: toBase64(publicKey.spki) },
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
  }
  const request = (content: Buffer) => ({
    hashedRekordRequestV002: {
      digest: toBase64(sha256(utf8('artifact'))),
      signature: { content: content.toString('base64'), verifier },
    },
  })
  const raw = sign('sha256', utf8('artifact'), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  await rejectedWith(t, request(raw), 'bad_signature')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = BigInt(`0x${raw.subarray(32).toString('hex')}`)
  const integer = (value: bigint) => {
    const hex = value.toString(16)
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
    const positive = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.from([0, ...bytes])
    return Buffer.from([2, positive.length, ...positive])
  }
  const r = integer(BigInt(`0x${raw.subarray(0, 32).toString('hex')}`))
  for (const each of [s, order - s]) {
    const content = Buffer.concat([r, integer(each)])
    t.ok(await verify(request(Buffer.from([0x30, content.length, ...content]))))
  }
})

t.test('an envelope whose parts do not fit is refused, whatever becomes of envelopes', async (t) => {
  const cases = casesOf('dsse-v002-legacy')
  const one = cases[0]!.request['dsseRequestV002'] as Envelope & { readonly verifiers: readonly unknown[] }
  const other = (cases[2]!.request['dsseRequestV002'] as typeof one).verifiers[0]
  const { envelope, verifiers } = one
  const bad: readonly (readonly [string, unknown])[] = [
    ['bad_signature', { envelope: { ...envelope, payloadType: 'other' }, verifiers }],
    ['bad_field', { envelope, verifiers: [] }],
    ['bad_field', { envelope, verifiers: [...verifiers, ...verifiers] }],
    ['bad_field', { envelope, verifiers: [...verifiers, other] }],
    ['bad_envelope', { envelope: { ...envelope, signatures: [] }, verifiers }],
    ['bad_envelope', { envelope: { ...envelope, signatures: [{ sig: '' }] }, verifiers }],
    [
      'bad_field',
      { envelope: { ...envelope, signatures: Array(11).fill(envelope.signatures[0]) }, verifiers },
    ],
    ['bad_message', { envelope: { ...envelope, more: '' }, verifiers }],
  ]
  for (const [code, dsseRequestV002] of bad) await rejectedWith(t, { dsseRequestV002 }, code)
  const legacy = { ...policy, dsse: 'legacy' as const }
  for (const dsseRequestV002 of [
    { envelope: { ...envelope, payloadType: 'other' }, verifiers },
    { envelope, verifiers: [other] },
    { envelope, verifiers: [other, ...verifiers] },
  ])
    await t.rejects(verify({ dsseRequestV002 }, legacy), { code: 'envelope_not_verified' })
})

t.test('whatever is sent is refused in words, and a changed byte never passes', async (t) => {
  const text = JSON.stringify({ hashedRekordRequestV002: good })
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), async (at, code) => {
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
      const outcome = await verifyRequest(changed, policy).then(
        ({ body }) => toBase64(body) === goodBody || readStoredEntry(body).kind === 'hashedrekord',
        (error: unknown) => (error as Error).name === 'EntryError',
      )
      return outcome
    }),
    { seed: 20_261_201, numRuns: 300 },
  )
  t.pass()
})
