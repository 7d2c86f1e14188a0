/** No text that a sender makes up is taken for somebody's key, somebody's name or another artifact, of whatever kind the entry is. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { defaultClientAlgorithms, preAuthenticationEncoding, sha256Hex } from '@sigstack/crypto'
import { keptSearchKeys, readStoredEntry, type VerifiedEntry, verifyProposal } from '@sigstack/rekor-entries'
import { encode, Tag } from 'cbor2'
import fc from 'fast-check'
import t from 'tap'
import { olpcJson } from '../src/tuf/olpc-json.ts'
import { type Certified, certified, signedJar } from './support/certified.ts'
import { base64, dsse, hashedrekord } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2026-01-01T00:00:00Z') }
const entryOf = (kind: string, spec: unknown, apiVersion = '0.0.1') => ({ apiVersion, kind, spec })
const issuer = 'https://accounts.example.org'
const ann = await certified({ type: 'email', value: 'ann@example.org' }, issuer)

/** What entries of others are found by. */
const victimHash = sha256Hex('the key or release of somebody else')
const wanted = [
  victimHash,
  victimHash.toUpperCase(),
  'ceo@example.org',
  'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
  'spiffe://example.org/service',
  'host.example.org',
  'example.org:443',
  '2001:db8::1',
  'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
  'mailto:ceo@example.org',
]
const digestOfVictim = `sha256:${victimHash}`
const digestForm =
  /^(?:sha(?:1|224|256|384|512)|sha512_\d+|sha3_\d+|md5|git[a-z]+|[a-z]+\d+[bs]?|sm3|gost):[0-9a-f]+$/

/** Keys that are neither of the verifiers nor digests. */
function strange({ verifiers, searchKeys }: VerifiedEntry): readonly string[] {
  const own = verifiers.flatMap(({ keyHash, subjects }) => [
    keyHash,
    ...subjects.map((name) => name.toLowerCase()),
  ])
  return searchKeys.filter((key) => !own.includes(key) && !digestForm.test(key))
}

// Statements

const payloadType = 'application/vnd.in-toto+json'
const signedBy = ({ key }: Certified, message: Uint8Array) => sign('sha256', message, key)

/** The same statement in each kind that has one. */
function statements(payload: Buffer): Readonly<Record<string, unknown>> {
  const sig = signedBy(ann, preAuthenticationEncoding({ payloadType, payload })).toString('base64')
  const envelope = JSON.stringify({ payload: base64(payload), payloadType, signatures: [{ sig }] })
  const header = encode(
    new Map<number, unknown>([
      [1, -7],
      [3, payloadType],
    ]),
  )
  const content = new Uint8Array(payload)
  const toSign = encode(['Signature1', header, new Uint8Array(), content])
  const signature = sign('sha256', toSign, { key: ann.key, dsaEncoding: 'ieee-p1363' })
  return {
    dsse: dsse(envelope, base64(ann.pem)),
    'intoto 0.0.1': entryOf('intoto', { content: { envelope }, publicKey: base64(ann.pem) }),
    'intoto 0.0.2': entryOf(
      'intoto',
      {
        content: {
          envelope: {
            payloadType,
            payload: base64(base64(payload)),
            signatures: [{ keyid: victimHash, sig: base64(sig), publicKey: base64(ann.pem) }],
          },
          hash: { algorithm: 'sha256', value: victimHash },
        },
      },
      '0.0.2',
    ),
    cose: entryOf('cose', {
      message: base64(encode(new Tag(18, [header, new Map(), content, new Uint8Array(signature)]))),
      publicKey: base64(ann.pem),
      data: {},
    }),
  }
}

const digests = fc.dictionary(
  fc.oneof(
    fc.constantFrom('sha256', 'SHA1', 'gitCommit', 'https', 'urn', '2001', '', 'constructor'),
    fc.string(),
  ),
  fc.oneof(fc.constantFrom(victimHash, '//example.org/x', 'db8::1', 'h1:YQ=='), fc.string()),
  { maxKeys: 4 },
)

t.test('whatever digests a statement names, entries are found by digests alone', async (t) => {
  const spelt = wanted.flatMap((text) => {
    const [name = '', ...rest] = text.split(':')
    return [{ [text]: victimHash }, { [name]: rest.join(':') }, { '': text }, { sha256: text }]
  })
  const check = async (digest: Record<string, string>) => {
    const statement = { subject: [{ name: victimHash, digest }], predicate: { materials: [{ digest }] } }
    for (const [name, proposal] of Object.entries(statements(Buffer.from(JSON.stringify(statement)))))
      t.same(strange(await verifyProposal(proposal, policy)), [], `${name}: ${JSON.stringify(digest)}`)
  }
  for (const digest of spelt) await check(digest)
  await fc.assert(fc.asyncProperty(digests, check), { numRuns: 50, seed: 11 })
})

t.test('digests of a statement are found by the names that in-toto gives to algorithms', async (t) => {
  const digest = {
    sha256: victimHash,
    sha512: 'AB',
    gitCommit: 'cd',
    sha3_256: 'ef',
    blake2b: '01',
    dirHash: 'h1:x',
  }
  const payload = Buffer.from(JSON.stringify({ subject: [{ digest }] }))
  const expected = [digestOfVictim, 'sha512:ab', 'gitcommit:cd', 'sha3_256:ef', 'blake2b:01']
  for (const [name, proposal] of Object.entries(statements(payload))) {
    const { searchKeys } = await verifyProposal(proposal, policy)
    t.same(searchKeys.slice(-expected.length), expected, name)
  }
})

// TUF

const tufKey = generateKeyPairSync('ed25519')
const publicHex = tufKey.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')
const tufSigned = (document: Record<string, unknown>) => ({
  signed: document,
  signatures: [
    {
      keyid: victimHash,
      sig: sign(null, Buffer.from(olpcJson(document)), tufKey.privateKey).toString('hex'),
    },
  ],
})

/** Metadata of a type, under a root that knows the role. */
function tuf(type: string, version = 7) {
  const role = { keyids: [victimHash], threshold: 1 }
  const common = { spec_version: '1.0.0', expires: '2030-01-01T00:00:00Z' }
  const root = tufSigned({
    ...common,
    _type: 'root',
    version: 1,
    keys: { [victimHash]: { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicHex } } },
    roles: { root: role, [type]: role },
  })
  const metadata = tufSigned({ ...common, _type: type, version })
  return entryOf('tuf', { metadata: { content: metadata }, root: { content: root } })
}

t.test('TUF metadata is found by its hashes, its version, and a type that TUF has', async (t) => {
  for (const type of ['root', 'targets', 'snapshot', 'timestamp', 'Snapshot'])
    t.same((await verifyProposal(tuf(type), policy)).searchKeys.slice(2), [type.toLowerCase(), '7'], type)
  for (const type of [...wanted, digestOfVictim, 'mirrors', '']) {
    const { searchKeys, body } = await verifyProposal(tuf(type, -3), policy)
    const { spec } = JSON.parse(Buffer.from(body).toString()) as {
      spec: Record<'metadata' | 'root', { content: string }>
    }
    const hashes = [spec.metadata, spec.root].map(({ content }) => sha256Hex(Buffer.from(content, 'base64')))
    t.same(searchKeys, [...hashes, '-3'], type)
    t.same(readStoredEntry(body).searchKeys, searchKeys)
  }
})

// Certificates

t.test(
  'a certificate that names a hash or a digest is found by its other names, in every kind',
  async (t) => {
    const artifact = Buffer.from('artifact')
    const digest = createHash('sha256').update(artifact).digest('hex')
    for (const value of [victimHash, victimHash.toUpperCase(), digestOfVictim, 'SHA1:AB', 'gitCommit:cd']) {
      const signer = await certified({ type: 'username', value }, issuer)
      const message = Buffer.from('DSSEv1 1 x 2 {}')
      const sig = signedBy(signer, message).toString('base64')
      const envelope = JSON.stringify({ payload: base64('{}'), payloadType: 'x', signatures: [{ sig }] })
      const signature = signedBy(signer, artifact).toString('base64')
      const proposals = [
        hashedrekord('sha256', digest, signature, base64(signer.pem)),
        dsse(envelope, base64(signer.pem)),
        entryOf('intoto', { content: { envelope }, publicKey: base64(signer.pem) }),
        entryOf('rekord', {
          data: { content: base64(artifact) },
          signature: { format: 'x509', content: signature, publicKey: { content: base64(signer.pem) } },
        }),
        entryOf('jar', { archive: { content: base64(signedJar([signer], [signer.der])) } }),
      ]
      for (const proposal of proposals) {
        const { searchKeys, verifiers, body, kind } = await verifyProposal(proposal, policy)
        t.notOk(searchKeys.includes(value.toLowerCase()), `${kind}: ${value}`)
        t.notOk(readStoredEntry(body).searchKeys.includes(value.toLowerCase()), `${kind}: as stored`)
        t.same(verifiers[0]?.subjects, [value], 'and it is told who signed')
      }
    }
  },
)

t.test('of keys that were kept with an entry those count that are its own, and digests', async (t) => {
  const hash = sha256Hex('artifact')
  const signature = signedBy(ann, Buffer.from('artifact')).toString('base64')
  const { body } = await verifyProposal(hashedrekord('sha256', hash, signature, base64(ann.pem)), policy)
  const stored = readStoredEntry(body)
  const kept = [
    ...wanted,
    ...stored.searchKeys,
    digestOfVictim,
    'SHA256:AB',
    7,
    null,
    'foo:bar',
    'x\0@example.org',
  ]
  t.same(keptSearchKeys(kept, stored), [...stored.searchKeys, digestOfVictim, 'sha256:ab'])
  // The comment of an SSH key is not in the body.
  t.same(keptSearchKeys(['A@example.org', 'x\0@example.org', ...wanted], { ...stored, kind: 'rekord' }), [
    'a@example.org',
    'ceo@example.org',
  ])
  for (const kind of ['dsse', 'tuf', ''])
    t.same(keptSearchKeys(wanted, { ...stored, kind, searchKeys: [] }), [], kind)
})
