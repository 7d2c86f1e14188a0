import { constants, createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { defaultClientAlgorithms, sha256Hex } from '@sigstack/crypto'
import { EntryError, readStoredEntry, verifyProposal } from '@sigstack/rekor-entries'
import { decode, encode, Tag } from 'cbor2'
import fc from 'fast-check'
import t from 'tap'
import { base64, bytes, type Derived, json, text } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const verify = (kind: string, spec: unknown) => verifyProposal({ apiVersion: '0.0.1', kind, spec }, policy)
const specOf = (body: Uint8Array) =>
  (JSON.parse(Buffer.from(body).toString()) as { spec: Record<string, unknown> }).spec
const mutations = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }), cut: fc.boolean() })

/** One byte changed, or everything from it on left away. */
function mutate(original: Uint8Array, { at, to, cut }: { at: number; to: number; cut: boolean }): Buffer {
  const copy = Buffer.from(original)
  const place = at % copy.length
  if (cut) return copy.subarray(0, place)
  copy[place] = to
  return copy
}

// rfc3161

const response = bytes('inputs/rfc3161/test.tsr')
const tsr = (content: Uint8Array) => ({ tsr: { content: base64(content) } })

t.test('a timestamp response is kept as it is and found by its digest', async (t) => {
  const entry = await verify('rfc3161', tsr(response))
  t.same(specOf(entry.body), tsr(response))
  t.same(entry.searchKeys, ['sha256:6dbda791c778454d0baa96e1dec5fa2c50867fd22d119ebe75c60c513b254c91'])
  t.same(readStoredEntry(entry.body).searchKeys, entry.searchKeys)
  t.equal(entry.attestation, undefined)
})

t.test('a timestamp response that was not granted, or is none, is refused with the reason', async (t) => {
  const rejected = Buffer.from(response)
  // The status: SEQUENCE (4 bytes of header), SEQUENCE (2), INTEGER (2), value.
  rejected[8] = 2
  const wrongType = Buffer.from(response)
  wrongType[23] = 7
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [{}, 'bad_field', 'tsr in body is required'],
    [{ tsr: {} }, 'bad_field', 'tsr.content in body is required'],
    [{ tsr: { content: '%' } }, 'bad_base64', 'failed parsing base64 data for tsr content'],
    [tsr(rejected), 'bad_format', 'tsr: status not granted: 2'],
    [tsr(wrongType), 'bad_format', 'tsr: wrong content type: 1.2.840.113549.1.7.7'],
    [tsr(Buffer.from('no DER')), 'bad_format', /^tsr: /],
    [tsr(Buffer.concat([response, Buffer.from([0])])), 'bad_format', /^tsr: /],
    [tsr(Buffer.alloc(10_241, 0x30)), 'bad_field', 'tsr exceeds maximum allowed size (10kB)'],
    [tsr(Buffer.alloc(50_000, 0x30)), 'bad_field', /at most/],
  ]
  for (const [spec, code, message] of cases)
    await t.rejects(verify('rfc3161', spec), { name: 'EntryError', code, message }, String(message))
})

t.test('a timestamp whose content or attributes were changed does not verify', async (t) => {
  const changed = Buffer.from(response)
  // The time in the TSTInfo: 20210527180054Z.
  const at = response.indexOf('20210527180054Z')
  changed[at] = '3'.charCodeAt(0)
  await t.rejects(verify('rfc3161', tsr(changed)), {
    code: 'bad_format',
    message: 'tsr verification error: pkcs7: content digest does not match',
  })
  const resigned = Buffer.from(response)
  resigned[resigned.length - 1] = (resigned.at(-1) ?? 0) ^ 1
  await t.rejects(verify('rfc3161', tsr(resigned)), {
    code: 'bad_signature',
    message: 'tsr verification error: pkcs7: verification error',
  })
})

t.test('a timestamp response with a byte changed is never logged as another', async (t) => {
  const { body } = await verify('rfc3161', tsr(response))
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      const mutated = mutate(response, mutation)
      // What is not signed may differ, such as the certificates that are not the signer's.
      await verify('rfc3161', tsr(mutated)).then(
        (entry) => t.same(specOf(entry.body), tsr(mutated)),
        (error: unknown) => t.type(error, EntryError),
      )
    }),
    { numRuns: 300, seed: 3161 },
  )
  t.ok(body.length > response.length)
})

// cose

const cose = json<Derived>('derived/cose.json').proposal as {
  spec: { message: string; publicKey: string; data: { aad: string } }
}
const message = Buffer.from(cose.spec.message, 'base64')
type CoseCase = {
  readonly title: string
  readonly alg: string
  readonly key: JsonWebKey
  readonly 'sign1::verify': {
    readonly taggedCOSESign1: { readonly cborHex: string }
    readonly external?: string
    readonly shouldVerify: boolean
  }
}

t.test('messages of other COSE implementations verify with ES256 and PS256, and no other way', async (t) => {
  for (const [name, test] of Object.entries(
    json<Record<string, CoseCase>>('inputs/cose/sign1-verify.json'),
  )) {
    const { taggedCOSESign1, external, shouldVerify } = test['sign1::verify']
    const raw = Buffer.from(taggedCOSESign1.cborHex, 'hex')
    const key = createPublicKey({ key: test.key, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
    const spec = {
      message: base64(raw),
      publicKey: base64(key),
      data: external === undefined ? {} : { aad: base64(Buffer.from(external, 'hex')) },
    }
    const label = `${name}: ${test.title}`
    if (shouldVerify && (test.alg === 'ES256' || test.alg === 'PS256')) {
      const { body, attestation } = await verify('cose', spec)
      const { contents } = decode<Tag>(raw)
      const payload = (contents as readonly Uint8Array[])[2]!
      t.same(
        specOf(body).data,
        {
          envelopeHash: { algorithm: 'sha256', value: sha256Hex(raw) },
          payloadHash: { algorithm: 'sha256', value: sha256Hex(payload) },
        },
        label,
      )
      t.same(attestation, { key: `sha256:${sha256Hex(raw)}`, bytes: raw }, label)
    } else await t.rejects(verify('cose', spec), { name: 'EntryError' }, label)
  }
})

t.test('each member of a cose proposal is checked', async (t) => {
  const { message: content, publicKey, data } = cose.spec
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
  const ed25519 = generateKeyPairSync('ed25519').publicKey
  const pem = (key: typeof p384) => base64(key.export({ format: 'pem', type: 'spki' }))
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [{ publicKey, data }, 'not_insertable', 'entry not insertable into log: missing COSE Sign1 message'],
    [{ message: content, data }, 'bad_field', 'publicKey in body is required'],
    [{ message: content, publicKey }, 'bad_field', 'data in body is required'],
    [{ ...cose.spec, message: '!' }, 'bad_base64', 'failed parsing base64 data for message'],
    [{ ...cose.spec, data: { aad: '!' } }, 'bad_base64', 'failed parsing base64 data for aad'],
    [{ ...cose.spec, publicKey: pem(p384) }, 'bad_public_key', 'unsupported elliptic curve P-384'],
    [{ ...cose.spec, publicKey: pem(ed25519) }, 'bad_public_key', 'unsupported algorithm type ed25519'],
    [{ ...cose.spec, message: base64('text') }, 'bad_format', 'cbor: invalid COSE_Sign1_Tagged object'],
    [{ ...cose.spec, message: base64(Buffer.concat([message, message])) }, 'bad_format', /^cbor: /],
    [{ ...cose.spec, data: {} }, 'bad_signature', 'verification error'],
  ]
  for (const [spec, code, reason] of cases)
    await t.rejects(verify('cose', spec), { name: 'EntryError', code, message: reason }, String(reason))
})

/** Signed by a new key of P-256 or RSA. */
function sign1(header: Map<unknown, unknown>, payload: Uint8Array | null, type: 'ec' | 'rsa' = 'ec') {
  const { privateKey, publicKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const protectedHeader = header.size === 0 ? new Uint8Array() : encode(header)
  const toSign = encode(['Signature1', protectedHeader, new Uint8Array(), payload ?? new Uint8Array()])
  const options =
    type === 'ec'
      ? { key: privateKey, dsaEncoding: 'ieee-p1363' as const }
      : { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  const signature = new Uint8Array(sign('sha256', toSign, options))
  return {
    message: base64(encode(new Tag(18, [protectedHeader, new Map(), payload, signature]))),
    publicKey: base64(publicKey.export({ format: 'pem', type: 'spki' })),
    data: {},
  }
}

t.test('subjects of an in-toto statement in a COSE message are search keys', async (t) => {
  const statement = { subject: [{ digest: { sha256: 'AB12', sha1: 'cd' } }] }
  const payload = new TextEncoder().encode(JSON.stringify(statement))
  const typed = new Map<unknown, unknown>([
    [1, -37],
    [3, 'application/vnd.in-toto+json'],
  ])
  const entry = await verify('cose', sign1(typed, payload, 'rsa'))
  t.ok(entry.searchKeys.includes('sha256:ab12') && entry.searchKeys.includes('sha1:cd'))
  t.same(
    readStoredEntry(entry.body).searchKeys,
    entry.searchKeys.slice(0, 3),
    'all but the subjects come from the body',
  )
  const untyped = await verify('cose', sign1(new Map([[1, -7]]), payload))
  t.equal(untyped.searchKeys.length, 3)
})

t.test('a COSE header that names no or another algorithm, or a detached payload, is refused', async (t) => {
  const payload = new Uint8Array([1])
  const cases: readonly (readonly [Map<unknown, unknown>, Uint8Array | null, string])[] = [
    [new Map(), payload, 'algorithm not found'],
    [new Map([[1, -35]]), payload, 'algorithm mismatch: verifier ES256: header ES384'],
    [new Map([[1, -7]]), null, 'missing payload'],
    [
      new Map<unknown, unknown>([
        [1, -7],
        [2, ['x']],
      ]),
      payload,
      'cbor: critical headers are not supported',
    ],
  ]
  for (const [header, content, reason] of cases)
    await t.rejects(verify('cose', sign1(header, content)), { name: 'EntryError', message: reason }, reason)
})

t.test('a COSE message of very many items is refused before they are read', async (t) => {
  const items = Buffer.alloc(4_000_000, 1)
  const flood = Buffer.concat([
    Buffer.from([0xd2, 0x84, 0x40, 0xa1, 0x00, 0x9a, 0x00, 0x3d, 0x09, 0x00]),
    items,
  ])
  await t.rejects(verify('cose', { ...cose.spec, message: base64(flood) }), {
    code: 'too_large',
    message: 'cbor: more than 1000 items',
  })
})

t.test('a COSE message with a byte changed is refused, and so is CBOR of any other form', async (t) => {
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      const mutated = mutate(message, mutation)
      if (mutated.equals(message)) return
      await t.rejects(verify('cose', { ...cose.spec, message: base64(mutated) }), { name: 'EntryError' })
    }),
    { numRuns: 300, seed: 18 },
  )
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (rest) => {
      const any = Buffer.concat([Buffer.from([0xd2, 0x84]), rest])
      await t.rejects(verify('cose', { ...cose.spec, message: base64(any) }), { name: 'EntryError' })
    }),
    { numRuns: 300, seed: 19 },
  )
})

// tuf

const root = json<Record<string, unknown>>('inputs/tuf/root.json')
const timestamp = json<Record<string, unknown>>('inputs/tuf/timestamp.json')
const tuf = (metadata: unknown, trusted: unknown) => ({
  metadata: { content: metadata },
  root: { content: trusted },
})

t.test('TUF metadata is logged in canonical form, whether it came as object or as text', async (t) => {
  const entry = await verify('tuf', tuf(timestamp, root))
  const asText = tuf(base64(bytes('inputs/tuf/timestamp.json')), base64(bytes('inputs/tuf/root.json')))
  t.same((await verify('tuf', asText)).body, entry.body)
  // The digest that sigstore/rekor's own tests expect of this metadata.
  t.equal(entry.searchKeys[0], 'c170ae288c93f56031639bac1ad085fc47918346f733b3d76b07a8124ebd24f9')
  t.same(entry.searchKeys.slice(2), ['timestamp', '1'])
  t.same(readStoredEntry(entry.body).searchKeys, entry.searchKeys)
  const spec = specOf(entry.body) as {
    metadata: { content: string }
    root: { content: string }
    spec_version: string
  }
  t.equal(spec.spec_version, '1.0')
  t.same(JSON.parse(Buffer.from(spec.metadata.content, 'base64').toString()), timestamp)
  t.same(JSON.parse(Buffer.from(spec.root.content, 'base64').toString()), root)
  t.equal(sha256Hex(Buffer.from(spec.root.content, 'base64')), entry.searchKeys[1])
  t.same((await verify('tuf', specOf(entry.body))).body, entry.body, 'the body is a proposal of itself')
})

t.test('TUF metadata and roots are taken until they expire, and refused from then on', async (t) => {
  // Both end at this moment, of which the metadata says the offset.
  const end = Date.parse('2021-12-18T19:28:12.990Z')
  const at = (ms: number, metadata: unknown, trusted: unknown) =>
    verifyProposal(
      { apiVersion: '0.0.1', kind: 'tuf', spec: tuf(metadata, trusted) },
      { ...policy, now: () => new Date(ms) },
    )
  const stored = await at(end - 1, timestamp, root)
  const expired = {
    code: 'bad_signature',
    message: 'tuf: expired at 2021-12-18T13:28:12.99008-06:00',
  }
  await t.rejects(at(end, timestamp, root), expired)
  await t.rejects(at(end, root, root), expired, 'a root under itself')
  const content = base64(bytes('inputs/tuf/1.root.json'))
  await t.resolves(at(end, content, content), 'of which another lasts longer')
  await t.rejects(at(Date.parse('2023-04-18T18:13:43Z'), content, content), {
    message: 'tuf: expired at 2023-04-18T18:13:43Z',
  })
  t.equal(
    readStoredEntry(stored.body).verifiers.length,
    stored.verifiers.length,
    'what is logged can be read',
  )
})

t.test('white space in a TUF root makes no difference, and keys in PEM are read too', async (t) => {
  const [first, second] = await Promise.all(
    ['1.root.json', 'root-reformatted.json'].map((name) => {
      const content = base64(bytes(`inputs/tuf/${name}`))
      return verify('tuf', tuf(content, content))
    }),
  )
  t.same(first?.body, second?.body)
  t.equal(first?.searchKeys.length, 3, 'metadata and root are one document, found by one digest')
})

t.test('TUF metadata that the root does not vouch for is refused', async (t) => {
  const unsigned = json('inputs/tuf/root-unsigned.json')
  const other = json('inputs/tuf/1.root.json')
  const deep = `{"signed":${'['.repeat(5000)}${']'.repeat(5000)}}`
  const signed = timestamp.signed as Record<string, unknown>
  const signatures = timestamp.signatures as readonly { keyid: string; sig: string }[]
  const once = signatures.slice(0, 1)
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [{ root: { content: root } }, 'bad_field', 'metadata in body is required'],
    [{ metadata: {}, root: { content: root } }, 'bad_field', 'metadata.content in body is required'],
    [{ metadata: { content: timestamp } }, 'bad_field', 'root in body is required'],
    [tuf(timestamp, unsigned), 'bad_signature', 'tuf: valid signatures did not meet threshold'],
    [tuf(timestamp, other), 'bad_signature', 'tuf: valid signatures did not meet threshold'],
    [tuf(json('inputs/tuf/not-tuf-metadata.json'), root), 'bad_format', 'tuf: the metadata is not signed'],
    [tuf('%', root), 'bad_base64', 'failed parsing base64 data for TUF metadata content'],
    [tuf(base64('{'), root), 'bad_format', 'tuf: the metadata is not JSON'],
    [tuf(base64(deep), root), 'bad_format', 'tuf: the metadata is nested too deeply'],
    [tuf(7, root), 'bad_format', 'tuf: the metadata is neither object nor base64'],
    [tuf({ signed, signatures: [] }, root), 'bad_format', 'tuf: data has no signatures'],
    [tuf({ signed, signatures: once }, root), 'bad_signature', /threshold/],
    [tuf({ signed, signatures: [...once, ...once, ...once] }, root), 'bad_signature', /threshold/],
    [
      tuf({ signed: { ...signed, _type: 'mirror' }, signatures }, root),
      'bad_signature',
      'tuf: unknown role "mirror"',
    ],
    [tuf({ signed: { ...signed, version: 2 }, signatures }, root), 'bad_signature', /threshold/],
    [
      tuf({ signed: { ...signed, version: 1.5 }, signatures }, root),
      'bad_format',
      'tuf: version is no integer',
    ],
    [
      tuf({ signed: { ...signed, expires: 'soon' }, signatures }, root),
      'bad_format',
      'tuf: expires is no time',
    ],
    [tuf({ signed, signatures: [{ keyid: 'a', sig: 'xy' }] }, root), 'bad_format', 'not hexadecimal'],
  ]
  for (const [spec, code, reason] of cases)
    await t.rejects(verify('tuf', spec), { name: 'EntryError', code, message: reason }, String(reason))
})

t.test('TUF metadata with a character changed is refused, or says the same', async (t) => {
  const original = text('inputs/tuf/timestamp.json')
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      const mutated = mutate(Buffer.from(original), mutation)
      const { signed } = timestamp
      // Signatures that do not count may be changed: two of the five are not needed.
      await verify('tuf', tuf(base64(mutated), root)).then(
        (entry) => {
          const content = (specOf(entry.body).metadata as { content: string }).content
          t.same(
            (JSON.parse(Buffer.from(content, 'base64').toString()) as { signed: unknown }).signed,
            signed,
          )
        },
        (error: unknown) => t.type(error, EntryError),
      )
    }),
    { numRuns: 200, seed: 7 },
  )
})
