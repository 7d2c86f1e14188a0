import { generateKeyPairSync, sign } from 'node:crypto'
import {
  canonicalJson,
  createSigner,
  defaultClientAlgorithms,
  encodePem,
  encodePublicKeyPem,
  generateSigningKey,
  sha256Hex,
} from '@sigstack/crypto'
import { parseSearchPublicKey, readStoredEntry, verifyProposal } from '@sigstack/rekor-entries'
import { createIntermediate, createRoot } from '@sigstack/x509'
import fc from 'fast-check'
import t from 'tap'
import { type Bundle, base64, bytes, type Derived, dsse, hashedrekord, json, keyOf, text } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const example = json<Derived>('derived/hashedrekord.json').proposal as ReturnType<typeof hashedrekord>
const { value } = example.spec.data.hash
const { content: signature, publicKey } = example.spec.signature
const dsseExample = json<Derived>('derived/dsse.json').proposal as ReturnType<typeof dsse>
const { envelope, verifiers } = dsseExample.spec.proposedContent
const verifier = verifiers[0] ?? ''
const pem = Buffer.from(publicKey.content, 'base64').toString()
const certificatePem = keyOf('', json<Bundle>('bundles/hashedrekord-bundle-v0.3/bundle.json'))

const withKey = (key: string) => hashedrekord('sha256', value, signature, base64(key))
const bodyOf = async (proposal: unknown) =>
  Buffer.from((await verifyProposal(proposal, policy)).body).toString()

t.test('faults of the frame are schema faults with their number, told in order', async (t) => {
  const cases: readonly (readonly [unknown, number, string | RegExp])[] = [
    [null, 602, 'proposedEntry in body is required'],
    [undefined, 602, 'proposedEntry in body is required'],
    [[], 601, 'proposedEntry in body must be of type object'],
    ['x', 601, 'proposedEntry in body must be of type object'],
    [{}, 602, 'kind in body is required'],
    [{ ...example, kind: 3 }, 601, 'kind in body must be of type string'],
    [{ ...example, kind: 'x' }, 422, 'invalid kind value: "x"'],
    [{ ...example, kind: 'constructor' }, 422, 'invalid kind value: "constructor"'],
    [{ ...example, kind: '' }, 602, 'kind in body is required'],
    [{ ...example, apiVersion: null }, 602, 'apiVersion in body is required'],
    [{ ...example, apiVersion: '' }, 605, /^apiVersion in body should match '/],
    [{ ...example, apiVersion: 'v1' }, 605, /^apiVersion in body should match '/],
    [{ ...example, apiVersion: `0.0.1-${'a'.repeat(100_000)}` }, 605, /^apiVersion in body should match '/],
    [{ ...example, spec: null }, 602, 'spec in body is required'],
    [{ apiVersion: '0.0.1', kind: 'dsse' }, 602, 'spec in body is required'],
  ]
  for (const [proposal, schemaFault, message] of cases)
    await t.rejects(
      verifyProposal(proposal, policy),
      { code: message === 'spec in body is required' ? 'no_spec' : 'schema', schemaFault, message },
      String(message),
    )
})

t.test('an unknown version and a kind that is switched off are told apart from a schema fault', async (t) => {
  await t.rejects(verifyProposal({ ...example, apiVersion: '0.0.2' }, policy), {
    code: 'unknown_version',
    message: /^hashedrekord implementation for version '0\.0\.2' not found: /,
    schemaFault: undefined,
  })
  await t.rejects(verifyProposal(example, { ...policy, enabledKinds: ['dsse'] }), {
    code: 'kind_disabled',
    message: "entry kind 'hashedrekord' is not enabled for submission on this server",
  })
  for (const name of ['alpine.json', 'intoto-0.0.2-string-envelope-invalid.json'])
    await t.rejects(
      verifyProposal(json(`proposals/${name}`), { ...policy, enabledKinds: ['dsse'] }),
      { code: 'kind_disabled' },
      name,
    )
})

t.test('names of the frame are matched without case, those of the spec exactly', async (t) => {
  const { apiVersion, kind, spec } = example
  t.equal(await bodyOf({ APIVersion: apiVersion, Kind: kind, SPEC: spec }), await bodyOf(example))
  await t.rejects(
    verifyProposal({ ...example, spec: { Data: spec.data, signature: spec.signature } }, policy),
    {
      code: 'bad_field',
      message: 'data in body is required',
    },
  )
})

t.test('unknown members are passed over and do not reach the log', async (t) => {
  const { data, signature } = example.spec
  const proposal = {
    ...example,
    more: 1,
    spec: {
      data: { ...data, content: 'x', hash: { ...data.hash, more: 1 } },
      signature: { ...signature, format: 'x509' },
      more: {},
    },
  }
  t.equal(await bodyOf(proposal), await bodyOf(example))
})

t.test('each member of a hashedrekord is checked, with the reason Rekor gives', async (t) => {
  const { privateKey, publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const p384Signature = sign('sha256', Buffer.from('artifact'), privateKey).toString('base64')
  const p384Pem = base64(p384.export({ format: 'pem', type: 'spki' }))
  const rsaPem = base64(text('inputs/client-algorithms/rsa_public.pem'))
  const other = `00${value.slice(2)}`
  const without = (path: 'data' | 'signature') => ({ ...example, spec: { ...example.spec, [path]: 'wrong' } })
  const key = publicKey.content
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [{ ...example, spec: 'x' }, 'bad_field', 'spec in body must be of type object'],
    [without('data'), 'bad_field', 'data in body is required'],
    [without('signature'), 'bad_field', 'signature in body is required'],
    [
      hashedrekord('sha1', value, signature, key),
      'bad_field',
      /^data\.hash\.algorithm in body should be one of/,
    ],
    [hashedrekord('sha256', value.slice(2), signature, key), 'bad_hash', 'invalid value for hash'],
    [hashedrekord('sha256', `${value}\n`, signature, key), 'bad_hash', 'invalid value for hash'],
    [hashedrekord('sha512', value, signature, key), 'bad_hash', 'invalid value for hash'],
    [hashedrekord('sha256', value, '', key), 'bad_field', 'signature.content in body is required'],
    [
      hashedrekord('sha256', value, 'AA', key),
      'bad_base64',
      'failed parsing base64 data for signature.content',
    ],
    [
      hashedrekord('sha256', value, 'A'.repeat(8000), key),
      'bad_field',
      /^signature\.content in body should be at most/,
    ],
    [hashedrekord('sha256', value, signature, '*'), 'bad_base64', /^failed parsing base64 data for /],
    [withKey('no key'), 'bad_public_key', 'invalid public key: failure decoding PEM'],
    [
      withKey(pem.replaceAll('PUBLIC', 'EC PUBLIC')),
      'bad_public_key',
      'invalid public key: cannot handle type EC PUBLIC KEY',
    ],
    [
      withKey(encodePem('CERTIFICATE', Buffer.from('30030101ff', 'hex'))),
      'bad_public_key',
      /^invalid public key: /,
    ],
    [withKey(`${pem}x`), 'bad_certificate_chain', 'error during PEM decoding'],
    [withKey(pem + pem), 'bad_certificate_chain', 'error during PEM decoding'],
    [
      withKey(certificatePem.repeat(11)),
      'bad_certificate_chain',
      'too many certificates specified in PEM block',
    ],
    [withKey(certificatePem.repeat(2)), 'bad_certificate_chain', /^verifying signature: /],
    [
      hashedrekord('sha256', other, signature, key),
      'bad_signature',
      'verifying signature: invalid signature when validating ASN.1 encoded signature',
    ],
    [hashedrekord('sha256', value, 'AAAA', key), 'bad_signature', /^verifying signature: /],
    [
      hashedrekord('sha256', value, base64(Buffer.alloc(64, 1)), key),
      'bad_signature',
      'verifying signature: invalid signature when validating IEEE_P1363 encoded signature',
    ],
    [
      hashedrekord('sha256', value, signature, rsaPem),
      'bad_signature',
      'verifying signature: crypto/rsa: verification error',
    ],
    [
      hashedrekord('sha256', sha256Hex('artifact'), p384Signature, p384Pem),
      'algorithm_not_allowed',
      'entry algorithms are not allowed',
    ],
  ]
  for (const [proposal, code, message] of cases)
    await t.rejects(verifyProposal(proposal, policy), { code, message }, String(message))
  const wider = { ...policy, allowedAlgorithms: ['ecdsa-sha2-256-nistp384'] } as const
  await t.resolves(
    verifyProposal(hashedrekord('sha256', sha256Hex('artifact'), p384Signature, p384Pem), wider),
  )
  await t.rejects(verifyProposal(example, wider), { code: 'algorithm_not_allowed' })
})

t.test('the algorithms of clients are accepted and refused as the registry says', async (t) => {
  const hashOf = {
    'file1.ec.sig': 'ec',
    'file2.ec.sig': 'ec',
    'file1.rsa.sig': 'rsa',
    'file2.rsa.sig': 'rsa',
  }
  for (const [file, key] of Object.entries(hashOf)) {
    const digest = sha256Hex(bytes(`inputs/client-algorithms/${file.slice(0, 5)}`))
    const proposal = hashedrekord(
      'sha256',
      digest,
      base64(bytes(`inputs/client-algorithms/${file}`)),
      base64(text(`inputs/client-algorithms/${key}_public.pem`)),
    )
    await t.resolves(verifyProposal(proposal, policy), file)
  }
})

t.test('one key has one form in the log, however it was written', async (t) => {
  const canonical = await bodyOf(example)
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64')
  const written = [
    pem.trimEnd(),
    `\r\n  ${pem}  \n`,
    pem.replaceAll('\n', '\r\n'),
    `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----`,
    `some text\nbefore it\n${pem}`,
  ]
  for (const [i, key] of written.entries()) t.equal(await bodyOf(withKey(key)), canonical, `form ${i}`)
  for (const key of written)
    t.equal(await parseSearchPublicKey('x509', base64(key), policy.now()), sha256Hex(pem))
})

t.test('a digest has one spelling in the log, however it was sent', async (t) => {
  const bodyWith = async (digest: string) => {
    const { body } = await verifyProposal(
      hashedrekord('sha256', digest, signature, publicKey.content),
      policy,
    )
    return Buffer.from(body).toString()
  }
  const canonical = await bodyWith(value)
  t.match(canonical, `"${value}"`)
  for (const spelling of [value.toUpperCase(), value.replaceAll('a', 'A'), value.replaceAll('c', 'C')])
    t.equal(await bodyWith(spelling), canonical)
})

t.test('a raw r‖s signature is accepted and stored as sent', async (t) => {
  const { privateKey, publicKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const raw = sign('sha256', Buffer.from('a'), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
    'base64',
  )
  const proposal = hashedrekord(
    'sha256',
    sha256Hex('a'),
    raw,
    base64(key.export({ format: 'pem', type: 'spki' })),
  )
  t.match(await bodyOf(proposal), raw)
})

t.test('each part of a dsse proposal is checked', async (t) => {
  const hash = { algorithm: 'sha256', value }
  const stored = { envelopeHash: hash, payloadHash: hash, signatures: [{ signature: 'x', verifier }] }
  const parsed = JSON.parse(envelope) as { payload: string; payloadType: string; signatures: object[] }
  const changed = (change: object) => dsse(JSON.stringify({ ...parsed, ...change }), verifier)
  const exclusive = /^either proposedContent or envelopeHash, payloadHash, and signatures must be present/
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [{ ...dsseExample, spec: {} }, 'bad_field', exclusive],
    [{ ...dsseExample, spec: { ...dsseExample.spec, payloadHash: hash } }, 'bad_field', exclusive],
    [
      { ...dsseExample, spec: stored },
      'not_insertable',
      'entry not insertable into log: missing proposed content',
    ],
    [dsse('', verifier), 'bad_field', 'proposedContent.envelope in body is required'],
    [dsse(envelope), 'bad_field', 'proposedContent.verifiers in body should have at least 1 items'],
    [dsse(envelope, ...Array<string>(33).fill(verifier)), 'bad_field', /at most 32 items$/],
    [
      dsse(envelope, base64('x')),
      'bad_public_key',
      'could not parse public key as x509: invalid public key: failure decoding PEM',
    ],
    [
      dsse(envelope, publicKey.content),
      'envelope_not_verified',
      'could not verify envelope: accepted signatures do not match threshold, Found: 0, Expected 1',
    ],
    [dsse('{', verifier), 'bad_envelope', /^could not parse envelope: /],
    [dsse('[]', verifier), 'bad_envelope', /^could not parse envelope: /],
    [changed({ payload: 1 }), 'bad_envelope', /^could not parse envelope: payload /],
    [changed({ payload: '*' }), 'bad_envelope', /unable to base64 decode payload/],
    [changed({ signatures: [] }), 'bad_envelope', 'could not parse envelope: no signature found'],
    [changed({ signatures: [1] }), 'bad_envelope', /^could not parse envelope: /],
    [changed({ signatures: [{ sig: '*' }] }), 'bad_envelope', /unable to base64 decode signature/],
    [changed({ signatures: Array(33).fill({ sig: '' }) }), 'bad_envelope', /more than 32 signatures/],
    [changed({ payload: base64('other') }), 'envelope_not_verified', /^could not verify envelope: /],
    [changed({ payloadType: 'other' }), 'envelope_not_verified', /^could not verify envelope: /],
    [
      changed({ signatures: [...parsed.signatures, { sig: 'AAAA' }] }),
      'envelope_not_verified',
      'all signatures must have a key that verifies it',
    ],
  ]
  for (const [proposal, code, message] of cases)
    await t.rejects(verifyProposal(proposal, policy), { code, message }, String(message))
})

t.test(
  'an envelope may be written in any case, with the URL alphabet and line breaks, and keeps its signature text',
  async (t) => {
    const { privateKey, publicKey: key } = generateKeyPairSync('ed25519')
    const keyPem = base64(key.export({ format: 'pem', type: 'spki' }))
    const payload = Buffer.from([0xfb, 0xff, 0xfe, 0x00])
    const sig = sign(null, Buffer.concat([Buffer.from('DSSEv1 2 é 4 '), payload]), privateKey).toString(
      'base64',
    )
    const broken = `${sig.slice(0, 40)}\n${sig.slice(40)}`
    const text = JSON.stringify({
      PAYLOAD: '-__-AA==',
      payloadtype: 'é',
      Signatures: [{ Sig: broken, keyId: 'any' }, { sig: broken }],
      more: 1,
    })
    const body = await bodyOf(dsse(text, keyPem, base64('never looked at')))
    const parsed = JSON.parse(body) as { spec: { signatures: readonly { signature: string }[] } }
    t.same(parsed.spec.signatures, [{ signature: broken, verifier: keyPem }])
    t.equal(body, canonicalJson(JSON.parse(body)))
  },
)

t.test('a chain may be sent as key when it holds together, and is kept whole', async (t) => {
  const times = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') }
  const rootSigner = createSigner(generateSigningKey())
  const signer = createSigner(generateSigningKey())
  const names = { organization: 'Example', commonName: 'root' }
  const root = await createRoot({
    signer: rootSigner,
    ...names,
    ...times,
    serialNumber: Buffer.of(1, 2, 3, 4, 5, 6, 7, 8),
  })
  const issued = { ...times, publicKey: signer.publicKey, serialNumber: Buffer.of(2, 2, 3, 4, 5, 6, 7, 8) }
  const leaf = await createIntermediate({ root, rootSigner, commonName: 'leaf', ...issued })
  const stranger = await createRoot({
    signer,
    ...names,
    ...times,
    serialNumber: Buffer.of(3, 2, 3, 4, 5, 6, 7, 8),
  })
  const [leafPem, rootPem, strangerPem] = [leaf, root, stranger].map(({ der }) =>
    encodePem('CERTIFICATE', der),
  )

  const signature = base64(await signer.sign(Buffer.from('a')))
  const proposal = (key: string) => hashedrekord('sha256', sha256Hex('a'), signature, base64(key))
  const body = JSON.parse(await bodyOf(proposal(`${leafPem}\n\n${rootPem}`))) as typeof example
  t.equal(Buffer.from(body.spec.signature.publicKey.content, 'base64').toString(), `${leafPem}${rootPem}`)
  const { searchKeys } = await verifyProposal(proposal(`${leafPem}${rootPem}`), policy)
  t.ok(searchKeys.includes(sha256Hex(`${leafPem}${rootPem}`)))
  for (const chain of [`${leafPem}${strangerPem}`, `${leafPem}${rootPem}${rootPem}${strangerPem}`])
    await t.rejects(verifyProposal(proposal(chain), policy), {
      code: 'bad_certificate_chain',
      message: /^verifying signature: /,
    })
  await t.rejects(verifyProposal(proposal(`${rootPem}${leafPem}`), policy), { name: 'EntryError' })
  const payload = base64('{}')
  const pae = `DSSEv1 1 x 2 {}`
  const envelopeText = JSON.stringify({
    payload,
    payloadType: 'x',
    signatures: [{ sig: base64(await signer.sign(Buffer.from(pae))) }],
  })
  t.match(await bodyOf(dsse(envelopeText, base64(`${leafPem}${rootPem}`))), base64(`${leafPem}${rootPem}`))
  await t.rejects(verifyProposal(dsse(envelopeText, base64(`${leafPem}${strangerPem}`)), policy), {
    code: 'bad_certificate_chain',
  })
})

t.test('search keys are read from stored bodies only', (t) => {
  for (const body of ['', 'x', '[]', '{}', '{"kind":"dsse"}', '\ud800'])
    t.throws(() => readStoredEntry(Buffer.from(body)).searchKeys, { code: 'bad_body' }, body)
  t.throws(() => readStoredEntry(Buffer.of(0xff)).searchKeys, { code: 'bad_body' })
  for (const kind of ['hashedrekord', 'dsse'])
    t.throws(
      () => readStoredEntry(Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind, spec: {} }))),
      { code: 'bad_field' },
      kind,
    )
  t.same(readStoredEntry(Buffer.from('{"kind":"cose","spec":{}}')).searchKeys, [])
  t.end()
})

t.test(
  'a dsse entry is found by subjects and materials of its statement, of which a bounded number counts',
  async (t) => {
    const signer = createSigner(generateSigningKey())
    const key = base64(encodePublicKeyPem(signer.publicKey))
    const keysOf = async (statement: unknown, payloadType = 'application/vnd.in-toto+json') => {
      const payload = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement))
      const pae = Buffer.concat([
        Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
        payload,
      ])
      const signatures = [{ sig: base64(await signer.sign(pae)) }]
      const text = JSON.stringify({ payload: base64(payload), payloadType, signatures })
      const { searchKeys } = await verifyProposal(dsse(text, key), policy)
      return searchKeys.slice(4)
    }
    const statement = {
      subject: [{ digest: { sha256: 'AB', sha1: 'cd' } }, { digest: 3 }, null, { digest: { sha512: 5 } }],
      predicate: { materials: [{ digest: { gitCommit: 'ef' } }, { digest: { sha256: 'ab' } }] },
    }
    t.same(await keysOf(statement), ['sha256:ab', 'sha1:cd', 'gitcommit:ef'])
    t.same(await keysOf(statement, 'application/json'), [])
    for (const other of ['{', '[]', 'null', '{"subject":{}}', '{"predicate":[]}'])
      t.same(await keysOf(other), [], other)
    t.same(await keysOf({ subject: [{ digest: { sha256: 'a'.repeat(600) } }] }), [])
    const many = Array.from({ length: 1500 }, (_, i) => ({ digest: { sha256: String(i) } }))
    t.equal((await keysOf({ subject: many })).length, 1000)
  },
)

t.test('arbitrary JSON is refused with an EntryError and nothing else', async () => {
  const frame = fc.record(
    {
      kind: fc.constantFrom('hashedrekord', 'dsse'),
      apiVersion: fc.constant('0.0.1'),
      spec: fc.oneof(
        fc.jsonValue(),
        fc.record({ data: fc.jsonValue(), signature: fc.jsonValue() }),
        fc.record({
          proposedContent: fc.record({
            envelope: fc.oneof(fc.string(), fc.json()),
            verifiers: fc.jsonValue(),
          }),
        }),
      ),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), frame), async (proposal) => {
      await verifyProposal(proposal, policy).then(
        () => {
          throw new Error('accepted')
        },
        (error: unknown) => {
          if (!(error instanceof Error && error.name === 'EntryError')) throw error
        },
      )
    }),
    { numRuns: 500, seed: 1 },
  )
})

t.test('a proposal with one string changed is refused, or says the same', async () => {
  // Every change that survives must leave digest, key and signature as they were signed.
  const seeds: readonly unknown[] = [
    example,
    dsseExample,
    hashedrekord('sha256', value, signature, base64(pem.trimEnd())),
  ]
  const same = new Map<unknown, string>()
  for (const seed of seeds) same.set(seed, await bodyOf(seed))
  const mutate = (value: unknown, pick: number, at: number, replacement: string): unknown => {
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
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      fc.nat(6),
      fc.nat(5000),
      fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('A', '\n', '=', 'é', '\ud800')),
      async (seed, pick, at, replacement) => {
        const outcome = await verifyProposal(mutate(seed, pick, at, replacement), policy).then(
          ({ body }) => body,
          (error: unknown) => {
            if (!(error instanceof Error && error.name === 'EntryError')) throw error
          },
        )
        if (outcome === undefined) return true
        return signedContent(outcome) === signedContent(Buffer.from(same.get(seed) ?? ''))
      },
    ),
    { numRuns: 1500, seed: 2 },
  )
})

/** Upper-case hex says the same, and the envelope's hash covers text that nobody signed. */
function signedContent(body: Uint8Array): string {
  const entry = JSON.parse(Buffer.from(body).toString()) as { spec: Record<string, unknown> }
  delete entry.spec.envelopeHash
  return JSON.stringify(entry).toLowerCase().replaceAll('\\n', '')
}
