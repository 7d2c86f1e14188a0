import { createHash, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { canonicalJson, defaultClientAlgorithms } from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import { readStoredEntry, verifyProposal } from '@sigstack/rekor-entries'
import fc from 'fast-check'
import t from 'tap'
import { type Bundle, base64, bodyOf, type Derived, type Expected, json, keyOf } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const expected = json<Record<string, Expected>>('expected/real-entries.json')
const bare = /^[0-9a-f]{64}$/
const leafHashOf = (body: Uint8Array) => Buffer.from(leafHash(body)).toString('hex')
const bodyText = (body: Uint8Array) => Buffer.from(body).toString()

type Spec002 = {
  content: {
    envelope: {
      payloadType: string
      payload?: string
      signatures: { keyid?: string; sig: string; publicKey: string }[]
    }
    hash: { algorithm: string; value: string }
  }
}

const intoto = (apiVersion: string, spec: unknown) => ({ apiVersion, kind: 'intoto', spec })
const example001 = json<Derived>('derived/intoto-0.0.1.json').proposal as {
  spec: { content: { envelope: string }; publicKey: string }
}
const example002 = json<Derived>('derived/intoto-0.0.2-two-signers.json').proposal as { spec: Spec002 }

/** What the client that made the bundle had proposed. */
function proposal002(path: string, bundle: Bundle): { proposal: unknown; envelopeHash: string } {
  const { payload, payloadType, signatures } = bundle.dsseEnvelope!
  // Some clients leave the final line feed of the PEM away, and this kind logs what it gets.
  const stored = JSON.parse(bodyOf(bundle).toString()) as { spec: Spec002 }
  const sentKey = Buffer.from(stored.spec.content.envelope.signatures[0]!.publicKey, 'base64').toString()
  t.equal(sentKey.trimEnd(), keyOf(path, bundle).trimEnd(), `${path}: logged key is that of the bundle`)
  const hashed = {
    payload,
    payloadType,
    signatures: signatures.map(({ sig, keyid }) => ({
      ...(keyid ? { keyid } : {}),
      publicKey: sentKey,
      sig,
    })),
  }
  const envelopeHash = createHash('sha256').update(canonicalJson(hashed)).digest('hex')
  const spec = {
    content: {
      envelope: {
        payloadType,
        payload: base64(payload),
        signatures: signatures.map(({ sig, keyid }) => ({
          ...(keyid ? { keyid } : {}),
          sig: base64(sig),
          publicKey: base64(sentKey),
        })),
      },
      hash: { algorithm: 'sha256', value: envelopeHash },
      payloadHash: { algorithm: 'sha256', value: '0'.repeat(64) },
    },
  }
  return { proposal: intoto('0.0.2', spec), envelopeHash }
}

t.test('real intoto 0.0.2 entries are rebuilt byte for byte from their bundles', async (t) => {
  for (const name of ['npm-provenance', 'js', 'bundle-v0.1']) {
    const path = `bundles/intoto-0.0.2-${name}/bundle.json`
    const bundle = json<Bundle>(path)
    const { proposal, envelopeHash } = proposal002(path, bundle)
    const entry = await verifyProposal(proposal, policy)
    t.equal(bodyText(entry.body), bodyOf(bundle).toString(), name)
    t.match(bodyText(entry.body), envelopeHash, 'the hash is that of the client')
    t.equal(leafHashOf(entry.body), expected[path]?.leafHash, `${name}: leaf hash`)
    t.same([...entry.searchKeys].filter((key) => !bare.test(key)).sort(), expected[path]?.indexKeys)
    const fromBody = readStoredEntry(entry.body).searchKeys
    t.ok(fromBody.length >= 4 && fromBody.every((key) => entry.searchKeys.includes(key)))
    const { key = '', bytes = Buffer.alloc(0) } = entry.attestation ?? {}
    t.same(Buffer.from(bytes), Buffer.from(bundle.dsseEnvelope!.payload, 'base64'))
    t.equal(key, `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    t.ok(entry.searchKeys.includes(key))
  }
})

t.test('a key that was logged in one long line is found by its canonical form', (t) => {
  const path = 'bundles/intoto-0.0.2-private-log/bundle.json'
  const bundle = json<Bundle>(path)
  const keys = readStoredEntry(bodyOf(bundle)).searchKeys
  const keyHash = createHash('sha256').update(keyOf(path, bundle)).digest('hex')
  const own = [keyHash, `sha256:${keyHash}`]
  t.ok(own.every((key) => keys.includes(key)))
  const known = expected[path]?.indexKeys ?? []
  t.same(
    keys.filter((key) => !own.includes(key)).map((key) => known.includes(key)),
    [true, true],
    'subject and payload hash',
  )
  t.end()
})

t.test('a real intoto 0.0.1 entry is found by its body, and is no proposal any more', async (t) => {
  const path = 'bundles/intoto-0.0.1-cosign-attest/entry.json'
  const body = Buffer.from(json<{ body: string }>(path).body, 'base64')
  t.equal(leafHashOf(body), expected[path]?.leafHash)
  const keys = readStoredEntry(body).searchKeys
  t.same(keys.filter((key) => !bare.test(key)).sort(), expected[path]?.indexKeys)
  await t.rejects(verifyProposal(JSON.parse(body.toString()), policy), {
    code: 'only_hash',
    message: 'entry not insertable into log: missing envelope content',
  })
})

t.test('the logged entry of a bundle with one signature more never has the body of the bundle', async (t) => {
  const path = 'bundles-invalid/dsse-envelope-two-signatures-one-logged.json'
  const bundle = json<Bundle>(path)
  const { proposal } = proposal002(path, bundle)
  const body = await verifyProposal(proposal, policy).then(
    ({ body }) => bodyText(body),
    (error: { code: string }) => error.code,
  )
  t.not(body, bodyOf(bundle).toString())
})

t.test('each part of an intoto 0.0.1 proposal is checked', async (t) => {
  const { content, publicKey } = example001.spec
  const envelope = JSON.parse(content.envelope) as { signatures: { sig: string; keyid: string }[] }
  const of = (content: unknown, key: unknown = publicKey) => intoto('0.0.1', { content, publicKey: key })
  const changed = (change: object) => of({ envelope: JSON.stringify({ ...envelope, ...change }) })
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [
      intoto('0.0.3', {}),
      'unknown_version',
      /^intoto implementation for version '0\.0\.3' not found: .*0\.0\.1, 0\.0\.2$/,
    ],
    [of('x'), 'bad_field', 'content in body is required'],
    [of({}), 'bad_field', 'content.envelope in body is required'],
    [of({ envelope: {} }), 'bad_field', 'content.envelope in body is required'],
    [of(content, ''), 'bad_field', 'publicKey in body is required'],
    [of(content, '*'), 'bad_base64', 'failed parsing base64 data for publicKey'],
    [of(content, base64('x')), 'bad_public_key', 'invalid public key: failure decoding PEM'],
    [of({ envelope: '{' }), 'bad_envelope', /^could not parse envelope: /],
    [
      changed({ payload: base64('other') }),
      'envelope_not_verified',
      /^accepted signatures do not match threshold/,
    ],
    [
      changed({ signatures: [{ ...envelope.signatures[0], keyid: 'SHA256:of-another-key' }] }),
      'envelope_not_verified',
      'accepted signatures do not match threshold, Found: 0, Expected 1',
    ],
  ]
  for (const [proposal, code, message] of cases)
    await t.rejects(verifyProposal(proposal, policy), { code, message }, String(message))
})

t.test('a key ID in intoto 0.0.1 is the SSH fingerprint of the key, of every type', async (t) => {
  const payload = Buffer.from('{}')
  const pae = Buffer.from('DSSEv1 1 x 2 {}')
  const pairs = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519'),
  ]
  for (const { privateKey, publicKey } of pairs) {
    const jwk = publicKey.export({ format: 'jwk' })
    const hash = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    const sig = sign(hash, pae, privateKey).toString('base64')
    const key = base64(publicKey.export({ format: 'pem', type: 'spki' }))
    const of = (keyid: string) => {
      const envelope = JSON.stringify({
        payload: payload.toString('base64'),
        payloadType: 'x',
        signatures: [{ keyid, sig }],
      })
      return verifyProposal(intoto('0.0.1', { content: { envelope }, publicKey: key }), policy)
    }
    await t.resolves(of(fingerprintOf(jwk)), String(jwk.kty))
    await t.resolves(of(''))
    await t.rejects(of(`${fingerprintOf(jwk)}=`), { code: 'envelope_not_verified' })
  }
})

t.test('intoto 0.0.1 takes no payload in the URL alphabet, and no empty one', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = base64(publicKey.export({ format: 'pem', type: 'spki' }))
  const of = (payload: Buffer, text: string) => {
    const pae = Buffer.concat([Buffer.from(`DSSEv1 1 x ${payload.length} `), payload])
    const sig = sign(null, pae, privateKey).toString('base64')
    const envelope = JSON.stringify({ payload: text, payloadType: 'x', signatures: [{ sig }] })
    return verifyProposal(intoto('0.0.1', { content: { envelope }, publicKey: key }), policy)
  }
  const bytes = Buffer.from([0xfb, 0xff])
  await t.resolves(of(bytes, '+/8='))
  await t.rejects(of(bytes, '-_8='), {
    code: 'bad_envelope',
    message: /^could not decode envelope payload: /,
  })
  await t.rejects(of(Buffer.alloc(0), ''), {
    code: 'not_insertable',
    message: 'entry not insertable into log: invalid DSSE envelope',
  })
})

t.test('each part of an intoto 0.0.2 proposal is checked', async (t) => {
  const { content } = example002.spec
  const { envelope, hash } = content
  const [first, second] = envelope.signatures
  const of = (change: object, more: object = {}) =>
    intoto('0.0.2', { content: { ...content, envelope: { ...envelope, ...change }, ...more } })
  const signed = (...signatures: unknown[]) => of({ signatures })
  const stored = 'entry not insertable into log: missing envelope content'
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [
      json('proposals/intoto-0.0.2-string-envelope-invalid.json'),
      'bad_field',
      'content.envelope.payloadType in body is required',
    ],
    [intoto('0.0.2', {}), 'bad_field', 'content.envelope.payloadType in body is required'],
    [of({ payloadType: '' }), 'bad_field', 'content.envelope.payloadType in body is required'],
    [
      of({ payloadType: 'x'.repeat(2000) }),
      'bad_field',
      /payloadType in body should be at most 1024 chars long$/,
    ],
    [of({ payload: undefined }), 'not_insertable', stored],
    [of({ payload: '*' }), 'bad_base64', 'failed parsing base64 data for content.envelope.payload'],
    [of({ payload: base64('*') }), 'bad_envelope', /unable to base64 decode payload/],
    [of({ payload: base64('\n') }), 'not_insertable', stored],
    [
      of({ payload: base64(base64('other')) }),
      'envelope_not_verified',
      /^could not verify envelope: accepted/,
    ],
    [of({}, { hash: undefined }), 'bad_field', 'missing envelope digest'],
    [
      of({}, { hash: { ...hash, algorithm: 'md5' } }),
      'bad_field',
      'content.hash.algorithm in body should be one of [sha256]',
    ],
    [of({}, { hash: { ...hash, value: 'text for ever' } }), 'bad_hash', 'invalid value for hash'],
    [of({ signatures: {} }), 'bad_field', 'content.envelope.signatures in body is required'],
    [signed(), 'bad_field', 'content.envelope.signatures in body should have at least 1 items'],
    [signed(...Array(33).fill(first)), 'bad_field', /at most 32 items$/],
    [signed('x'), 'bad_field', 'content.envelope.signatures.0 in body is required'],
    [
      signed({ ...first, sig: undefined }),
      'bad_field',
      'content.envelope.signatures.0.sig in body is required',
    ],
    [signed({ ...first, keyid: 'x'.repeat(2000) }), 'bad_field', /keyid in body should be at most/],
    [
      signed(first, { ...second, publicKey: 3 }),
      'bad_field',
      'content.envelope.signatures.1.publicKey in body is required',
    ],
    [
      signed({ ...first, publicKey: base64('x') }),
      'bad_public_key',
      /^could not parse public key as x509: invalid public key: /,
    ],
    [signed({ ...first, sig: base64('*') }), 'bad_envelope', /unable to base64 decode signature/],
    [
      signed({ ...first, publicKey: second!.publicKey }),
      'envelope_not_verified',
      /^could not verify envelope: /,
    ],
    [
      signed(first, { ...second, publicKey: first!.publicKey }),
      'envelope_not_verified',
      /^could not verify envelope: /,
    ],
    [
      signed({ ...first, publicKey: second!.publicKey }, { ...second, publicKey: first!.publicKey }),
      'envelope_not_verified',
      /^could not verify envelope: /,
    ],
  ]
  for (const [proposal, code, message] of cases)
    await t.rejects(verifyProposal(proposal, policy), { code, message }, String(message))
  await t.resolves(verifyProposal(signed(first), policy), 'each signature stands for itself')
})

t.test('key IDs of intoto 0.0.2 are logged and signatures keep their order', async (t) => {
  const { content } = example002.spec
  const signatures = content.envelope.signatures.map((signature, i) => ({ ...signature, keyid: `k${i}` }))
  for (const order of [signatures, signatures.toReversed()]) {
    const envelope = { ...content.envelope, signatures: order }
    const { body } = await verifyProposal(intoto('0.0.2', { content: { ...content, envelope } }), policy)
    const { spec } = JSON.parse(bodyText(body)) as { spec: Spec002 }
    t.same(spec.content.envelope.signatures, order)
    t.equal(bodyText(body), canonicalJson(JSON.parse(bodyText(body))))
    t.notMatch(bodyText(body), '"payload":')
  }
})

t.test(
  'however the base64 of a key is written, an intoto 0.0.2 entry is one, with or without the last line feed',
  async (t) => {
    const { content } = example002.spec
    const [first] = content.envelope.signatures
    const pem = Buffer.from(first!.publicKey, 'base64').toString().trimEnd()
    for (const sent of [pem, `${pem}\n`]) {
      const text = base64(sent)
      const bodies = new Set<string>()
      for (const publicKey of [text, `${text}\n`, text.replaceAll(/.{64}/g, '$&\n')]) {
        const envelope = { ...content.envelope, signatures: [{ ...first, publicKey }] }
        const { body } = await verifyProposal(intoto('0.0.2', { content: { ...content, envelope } }), policy)
        bodies.add(bodyText(body))
      }
      t.equal(bodies.size, 1)
      t.match([...bodies][0], `"publicKey":"${text}"`)
    }
  },
)

t.test('an intoto proposal with one string changed is refused, or says the same', async () => {
  const seeds = [example001, example002]
  const said = new Map<unknown, string>()
  for (const seed of seeds) said.set(seed, signedContent((await verifyProposal(seed, policy)).body))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      fc.nat(12),
      fc.nat(5000),
      fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('A', '\n', '=', 'é', '\ud800')),
      async (seed, pick, at, replacement) => {
        const outcome = await verifyProposal(mutate(seed, pick, at, replacement), policy).then(
          ({ body }) => body,
          (error: unknown) => {
            if (!(error instanceof Error && error.name === 'EntryError')) throw error
          },
        )
        return outcome === undefined || signedContent(outcome) === said.get(seed)
      },
    ),
    { numRuns: 1500, seed: 3 },
  )
})

t.test('arbitrary JSON as intoto is refused with an EntryError and nothing else', async () => {
  const spec = fc.oneof(
    fc.jsonValue(),
    fc.record({ content: fc.jsonValue(), publicKey: fc.jsonValue() }),
    fc.record({
      content: fc.record({ envelope: fc.oneof(fc.json(), fc.jsonValue()), hash: fc.jsonValue() }),
      publicKey: fc.constant(example001.spec.publicKey),
    }),
    fc.record({
      content: fc.record({
        envelope: fc.record({
          payloadType: fc.string(),
          payload: fc.base64String(),
          signatures: fc.array(fc.record({ sig: fc.base64String(), publicKey: fc.base64String() })),
        }),
      }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('0.0.1', '0.0.2'), spec, async (apiVersion, spec) => {
      await verifyProposal(intoto(apiVersion, spec), policy).then(
        () => {
          throw new Error('accepted')
        },
        (error: unknown) => {
          if (!(error instanceof Error && error.name === 'EntryError')) throw error
        },
      )
    }),
    { numRuns: 500, seed: 4 },
  )
})

/** By the textbook: SHA-256 of the SSH wire form. */
function fingerprintOf({ kty, crv, x = '', y = '', n = '', e = '' }: JsonWebKey): string {
  const raw = (text: string) => Buffer.from(text, 'base64url')
  const string = (content: Buffer | string) => {
    const bytes = Buffer.from(content as string)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const positive = (value: Buffer) => (value[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), value]) : value)
  const curve = `nistp${crv?.slice(2)}`
  const parts =
    kty === 'RSA'
      ? ['ssh-rsa', positive(raw(e)), positive(raw(n))]
      : kty === 'OKP'
        ? ['ssh-ed25519', raw(x)]
        : [`ecdsa-sha2-${curve}`, curve, Buffer.concat([Buffer.of(4), raw(x), raw(y)])]
  const hash = createHash('sha256')
    .update(Buffer.concat(parts.map(string)))
    .digest('base64')
  return `SHA256:${hash.replace('=', '')}`
}

function mutate(value: unknown, pick: number, at: number, replacement: string): unknown {
  let seen = 0
  const visit = (node: unknown): unknown => {
    if (typeof node === 'string') {
      if (seen++ !== pick) return node
      const place = at % (node.length + 1)
      return node.slice(0, place) + replacement + node.slice(place + replacement.length)
    }
    if (Array.isArray(node)) return node.map(visit)
    return typeof node === 'object' && node !== null
      ? Object.fromEntries(Object.entries(node).map(([name, member]) => [name, visit(member)]))
      : node
  }
  return visit(value)
}

/** What no key has signed, and no check covers, may differ: the hash of the envelope's text, and how keys are written. */
function signedContent(body: Uint8Array): string {
  const { spec } = JSON.parse(bodyText(body)) as { spec: { content: Record<string, unknown> } }
  const { payloadHash, envelope } = spec.content as {
    payloadHash: unknown
    envelope?: Spec002['content']['envelope']
  }
  const signatures = envelope?.signatures.map(({ sig, publicKey }) => [
    Buffer.from(Buffer.from(sig, 'base64').toString(), 'base64').toString('hex'),
    Buffer.from(publicKey, 'base64')
      .toString()
      .replace(/\s/g, '')
      .replace(/^.*?-----BEGIN/, ''),
  ])
  return JSON.stringify([payloadHash, envelope?.payloadType, signatures])
}
