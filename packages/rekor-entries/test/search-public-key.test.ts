import { generateKeyPairSync } from 'node:crypto'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { anyCodePoint } from '@sigstack/crypto/testing'
import {
  EntryError,
  parseSearchPublicKey,
  type SearchKeyFormat,
  verifyProposal,
} from '@sigstack/rekor-entries'
import fc from 'fast-check'
import t from 'tap'
import { base64, bytes, type Derived, json, text } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }

t.test('a TUF root that has expired is no key to search by', async (t) => {
  const content = base64(bytes('inputs/tuf/1.root.json'))
  const end = new Date('2023-04-18T18:13:43Z')
  await t.resolves(parseSearchPublicKey('tuf', content, new Date(end.getTime() - 1)))
  await t.rejects(parseSearchPublicKey('tuf', content, end), { code: 'bad_search_key' })
})

t.test('a key is searched for under what Rekor itself indexes its entries by', async (t) => {
  type Made = { format: SearchKeyFormat; key: string; indexKeys?: readonly string[] }
  for (const { format, key, indexKeys } of json<readonly Made[]>('expected/rekord-made.json')) {
    if (indexKeys === undefined) continue
    const found = await parseSearchPublicKey(format, base64(bytes(`made/${key}`)), policy.now())
    t.ok(indexKeys.includes(found), `${format} ${key}`)
  }
  const derived: readonly [file: string, format: SearchKeyFormat, key: string][] = [
    ['rekord-minisign', 'minisign', 'inputs/minisign/minisign.pub'],
    ['rekord-minisign', 'minisign', 'inputs/minisign/minisign_key_only.pub'],
    ['rekord-minisign-prehashed', 'minisign', 'inputs/minisign/minisign_hashed.pub'],
    ['rekord-signify', 'minisign', 'inputs/minisign/signify.pub'],
    ['rekord-ssh', 'ssh', 'inputs/ssh/id_rsa.pub'],
    ['rekord-x509', 'x509', 'inputs/x509/ec.pub'],
  ]
  for (const [file, format, key] of derived) {
    const { indexKeys } = json<Derived>(`derived/${file}.json`)
    t.ok(
      indexKeys.includes(await parseSearchPublicKey(format, base64(bytes(key)), policy.now())),
      `${format} ${key}`,
    )
  }
})

t.test('packages and TUF metadata are found by the key that vouches for them', async (t) => {
  const helm = await verifyProposal(json('proposals/helm.json'), policy)
  t.ok(
    helm.searchKeys.includes(
      await parseSearchPublicKey('pgp', base64(bytes('inputs/helm/key.asc')), policy.now()),
    ),
  )
  const content = (name: string) => ({ content: base64(bytes(`inputs/tuf/${name}`)) })
  const spec = { metadata: content('timestamp.json'), root: content('root.json') }
  const tuf = await verifyProposal({ apiVersion: '0.0.1', kind: 'tuf', spec }, policy)
  t.ok(tuf.searchKeys.includes(await parseSearchPublicKey('tuf', spec.root.content, policy.now())))
})

t.test('one key has one lookup key, however it was written', async (t) => {
  const same: readonly [format: SearchKeyFormat, one: Uint8Array | string, other: Uint8Array | string][] = [
    ['tuf', bytes('inputs/tuf/1.root.json'), bytes('inputs/tuf/root-reformatted.json')],
    ['pgp', bytes('inputs/pgp/valid_armored_public.pgp'), bytes('inputs/pgp/valid_binary_public.pgp')],
    ['ssh', text('inputs/ssh/id_rsa.pub'), `# mine\n${text('inputs/ssh/id_rsa.pub').trim()} another comment`],
    ['minisign', text('inputs/minisign/minisign.pub'), text('inputs/minisign/minisign_key_only.pub')],
  ]
  for (const [format, one, other] of same)
    t.equal(
      await parseSearchPublicKey(format, base64(one), policy.now()),
      await parseSearchPublicKey(format, base64(other), policy.now()),
    )
})

t.test('what is no key of its format is refused, in the words of Rekor', async (t) => {
  const refused: readonly [format: SearchKeyFormat, content: string][] = [
    ['x509', base64('x')],
    ['x509', '*'],
    ['x509', ''],
    ['pgp', base64(bytes('inputs/pgp/bogus_armored.pgp'))],
    ['pgp', base64(bytes('inputs/pgp/bogus_binary.pgp'))],
    ['pgp', base64(bytes('inputs/ssh/id_rsa.pub'))],
    ['ssh', base64(bytes('inputs/x509/ec.pub'))],
    ['ssh', ''],
    ['minisign', base64('untrusted comment: none\nAAAA\n')],
    ['minisign', 'A'.repeat(20_000)],
    ['tuf', base64(bytes('inputs/tuf/root-unsigned.json'))],
    ['tuf', base64(bytes('inputs/tuf/not-tuf-metadata.json'))],
    ['tuf', base64(bytes('inputs/tuf/timestamp.json'))],
    [
      'tuf',
      base64('{"signed":{"_type":"root","expires":"2030-01-01T00:00:00Z"},"signatures":[{"sig":"z"}]}'),
    ],
  ]
  for (const [format, content] of refused)
    await t.rejects(
      parseSearchPublicKey(format, content, policy.now()),
      { code: 'bad_search_key', message: 'public key provided could not be parsed' },
      `${format} ${content.slice(0, 20)}`,
    )
  const formats = fc.constantFrom<SearchKeyFormat>('pgp', 'x509', 'minisign', 'ssh', 'tuf')
  await fc.assert(
    fc.asyncProperty(formats, fc.string({ unit: anyCodePoint }), async (format, content) => {
      await parseSearchPublicKey(format, content, policy.now()).catch((error: unknown) => {
        if (!(error instanceof EntryError)) throw error
      })
    }),
    { seed: 11, numRuns: 300 },
  )
})

t.test('a key that is dear to read is refused before it is read', async (t) => {
  const ring = bytes('inputs/pgp/valid_binary_public.pgp')
  const userId = Uint8Array.from([0xcd, 1, 0x61])
  const many = (count: number) => Buffer.concat([ring, ...Array.from({ length: count }, () => userId)])
  const code = (content: Uint8Array) =>
    parseSearchPublicKey('pgp', base64(content), new Date()).then(
      () => 'read',
      ({ cause }: EntryError) => (cause as EntryError).code,
    )
  t.equal(await code(many(100)), 'read')
  t.equal(await code(many(4000)), 'too_costly')
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' })
  const publicPem = publicKey.export({ format: 'pem', type: 'spki' })
  const key = { keytype: 'ecdsa', keyval: { public: publicPem } }
  const keys = Array.from({ length: 1000 }, (_, i) => [`${i}`, key])
  const signed = {
    _type: 'root',
    version: 1,
    spec_version: '1',
    expires: '2030-01-01T00:00:00Z',
    keys: Object.fromEntries(keys),
    roles: {},
  }
  const content = base64(JSON.stringify({ signed, signatures: [{ keyid: '0', sig: '00' }] }))
  const refusal = await parseSearchPublicKey('tuf', content, new Date()).catch((error: EntryError) => error)
  t.match(refusal, { code: 'bad_search_key', cause: { code: 'too_costly' } })
})
