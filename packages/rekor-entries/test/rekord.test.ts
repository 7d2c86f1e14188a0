import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { defaultClientAlgorithms, encodePem } from '@sigstack/crypto'
import { EntryError, readStoredEntry, verifyProposal } from '@sigstack/rekor-entries'
import fc from 'fast-check'
import { config, enums, generateKey, PacketList, readPrivateKey, SignaturePacket } from 'openpgp'
import t from 'tap'
import { base64, bytes, type Derived, json } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }

type Case = {
  readonly format: string
  readonly signature: string
  readonly key: string
  readonly body?: string
  readonly indexKeys?: readonly string[]
  readonly error?: string
}

const rekord = (format: string, data: Uint8Array, signature: Uint8Array, key: Uint8Array) => ({
  apiVersion: '0.0.1',
  kind: 'rekord',
  spec: {
    data: { content: base64(data) },
    signature: { format, content: base64(signature), publicKey: { content: base64(key) } },
  },
})
const bodyOf = async (proposal: unknown) =>
  Buffer.from((await verifyProposal(proposal, policy)).body).toString()
const refusal = (proposal: unknown) =>
  verifyProposal(proposal, policy).then(
    () => 'accepted',
    (error: unknown) => {
      if (error instanceof EntryError) return error.message
      throw error
    },
  )
const made = (name: string) => bytes(`made/${name}`)
const artifact = made('artifact')
const pgpInput = (name: string) => bytes(`inputs/pgp/${name}`)
const keyHash = (content: string) => createHash('sha256').update(content).digest('hex')

/** Weak or out of fashion, and accepted by Rekor. */
const refusedHere: Readonly<Record<string, string>> = {
  'pgp-dsa.sig': 'openpgp: unsupported feature: signatures by dsa keys',
  'pgp-brainpool.sig': 'openpgp: unsupported feature: signatures by brainpoolP256r1 keys',
  'pgp-ward-sha1.sig': 'openpgp: invalid signature: Hash algorithm too weak for EdDSA.',
}

t.test('signatures by GnuPG and OpenSSH give the very bodies and refusals of Rekor', async (t) => {
  for (const { format, signature, key, body, indexKeys, error } of json<Case[]>(
    'expected/rekord-made.json',
  )) {
    const proposal = rekord(format, artifact, made(signature), made(key))
    const name = `${signature} by ${key}`
    const expected = refusedHere[signature] ?? error
    if (expected !== undefined) {
      t.equal(await refusal(proposal), expected, name)
      continue
    }
    const entry = await verifyProposal(proposal, policy)
    t.equal(Buffer.from(entry.body).toString(), body, name)
    const comment = format === 'ssh' ? [`${key.slice(4, -4)}@example.com`] : []
    t.same([...entry.searchKeys].sort(), [...comment, ...(indexKeys ?? [])].sort(), `${name}: search keys`)
    t.same(
      [...readStoredEntry(entry.body).searchKeys].sort(),
      indexKeys,
      `${name}: search keys from the body`,
    )
  }
})

t.test('OpenPGP files of Rekor’s own tests give the very bodies and refusals of Rekor', async (t) => {
  const data = pgpInput('hello_world.txt')
  // Refused by both, in other words: one looks for an armour first, the other counts bytes first.
  const otherWords = new Set(['bogus_armored.pgp'])
  for (const { signature, key, body, indexKeys, error } of json<Case[]>('expected/rekord-pgp.json')) {
    const proposal = rekord('pgp', data, pgpInput(signature), pgpInput(key))
    const outcome = error === undefined ? await bodyOf(proposal) : await refusal(proposal)
    if (otherWords.has(key)) t.match(outcome, /^openpgp: invalid data: /, key)
    else
      t.equal(
        outcome.replace(/^error reading binary PGP public key: /, ''),
        body ?? error?.replace(/^error reading binary PGP public key: /, ''),
        `${signature} by ${key}`,
      )
    if (body !== undefined) t.same([...(await verifyProposal(proposal, policy)).searchKeys].sort(), indexKeys)
  }
})

t.test('a proposal whose data is at an address is refused, one that holds it is not', async (t) => {
  const proposals = ['rekord-pgp-no-content-rejected', 'rekord-pgp-reformatted-no-content-rejected']
  const [byAddress, whole] = proposals.map((name) => json(`proposals/${name}.json`))
  await t.rejects(verifyProposal(byAddress, policy), {
    code: 'not_insertable',
    message: 'entry not insertable into log: missing data content',
  })
  const { searchKeys } = await verifyProposal(whole, policy)
  t.same([...searchKeys].sort(), [
    '5080f5e1e256154400e9ca03b85de65caf7188512977f3f09d44637ca705fb4c',
    'lhinds@protonmail.com',
    'sha256:45c7b11fcbf07dec1694adecd8c5b85770a12a6c8dfdcf2580a2db0c47c31779',
  ])
})

t.test('each member of a rekord is checked, with the reason Rekor gives', async (t) => {
  const { proposal } = json<Derived>('derived/rekord-x509.json')
  const { spec } = proposal as ReturnType<typeof rekord>
  const sha256 = (value: string) => ({ algorithm: 'sha256', value })
  const of = (change: object) => ({ apiVersion: '0.0.1', kind: 'rekord', spec: { ...spec, ...change } })
  const signed = (change: object) => of({ signature: { ...spec.signature, ...change } })
  const data = (change: object) => of({ data: { ...spec.data, ...change } })
  const digest = 'c98c24b677eff44860afea6f493bbaec5bb1c4cbb209c6fc2bbb47f66ff2ad31'
  const cases: readonly (readonly [unknown, string, string | RegExp])[] = [
    [of({ signature: undefined }), 'bad_field', 'signature in body is required'],
    [of({ data: undefined }), 'bad_field', 'data in body is required'],
    [signed({ format: undefined }), 'bad_field', 'signature.format in body is required'],
    [
      signed({ format: 'tuf' }),
      'bad_field',
      'signature.format in body should be one of [pgp minisign x509 ssh]',
    ],
    [signed({ content: '' }), 'bad_field', 'signature.content in body is required'],
    [signed({ content: '*' }), 'bad_base64', 'failed parsing base64 data for signature content'],
    [signed({ content: 'A'.repeat(7000) }), 'bad_field', /^signature content in body should be at most/],
    [signed({ publicKey: undefined }), 'bad_field', 'signature.publicKey in body is required'],
    [signed({ publicKey: {} }), 'bad_field', 'signature.publicKey.content in body is required'],
    [
      signed({ publicKey: { content: '*' } }),
      'bad_base64',
      'failed parsing base64 data for signature publicKey content',
    ],
    [
      signed({ publicKey: { content: base64('junk') } }),
      'bad_public_key',
      'invalid public key: failure decoding PEM',
    ],
    [
      signed({ content: base64('junk') }),
      'bad_signature',
      'invalid signature when validating IEEE_P1363 encoded signature',
    ],
    [
      data({ content: base64('other') }),
      'bad_signature',
      'invalid signature when validating ASN.1 encoded signature',
    ],
    [data({ content: '*' }), 'bad_base64', 'failed parsing base64 data for data content'],
    [of({ data: {} }), 'bad_field', "'content' must be specified for data"],
    [
      of({ data: { hash: sha256(digest) } }),
      'not_insertable',
      'entry not insertable into log: missing data content',
    ],
    [data({ hash: sha256('0'.repeat(64)) }), 'bad_hash', `SHA mismatch: ${digest} != ${'0'.repeat(64)}`],
    [data({ hash: sha256('00') }), 'bad_hash', 'invalid value for hash'],
    [
      data({ hash: { algorithm: 'sha512', value: '0'.repeat(128) } }),
      'bad_field',
      'data.hash.algorithm in body should be one of [sha256]',
    ],
  ]
  for (const [proposal, code, message] of cases)
    await t.rejects(verifyProposal(proposal, policy), { code, message }, String(message))
  t.equal(await bodyOf(data({ hash: sha256(digest) })), await bodyOf(of({})))
})

t.test('x509 keys of every type sign the artifact itself, Ed25519 without a digest', async (t) => {
  const pairs: readonly (readonly [ReturnType<typeof generateKeyPairSync>, string])[] = [
    [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      'invalid signature when validating ASN.1 encoded signature',
    ],
    [generateKeyPairSync('rsa', { modulusLength: 2048 }), 'crypto/rsa: verification error'],
    [generateKeyPairSync('ed25519'), 'failed to verify signature'],
  ] as never
  for (const [{ privateKey, publicKey }, fault] of pairs) {
    const key = privateKey as unknown as KeyObject
    const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', artifact, key)
    const pem = Buffer.from((publicKey as unknown as KeyObject).export({ format: 'pem', type: 'spki' }))
    await t.resolves(
      verifyProposal(rekord('x509', artifact, signature, pem), policy),
      String(key.asymmetricKeyType),
    )
    t.equal(await refusal(rekord('x509', Buffer.from('other'), signature, pem)), fault)
  }
  const pure = 'inputs/client-algorithms/file1'
  const key = bytes('inputs/client-algorithms/ed25519_public.pem')
  await t.resolves(verifyProposal(rekord('x509', bytes(pure), bytes(`${pure}.ed25519.sig`), key), policy))
})

t.test('a minisign key has one form in the log, however it was written', async (t) => {
  const { proposal, canonicalBody } = json<Derived>('derived/rekord-minisign.json')
  const { spec } = proposal as ReturnType<typeof rekord>
  const data = Buffer.from(spec.data.content, 'base64')
  const signature = Buffer.from(spec.signature.content, 'base64')
  const [comment, line] = bytes('inputs/minisign/minisign.pub').toString().split('\n')
  for (const key of [`${comment}\n${line}`, `${comment}\r\n${line}\r\n`, line, `${line}\n`])
    t.equal(await bodyOf(rekord('minisign', data, signature, Buffer.from(key!))), canonicalBody)
  const raw = Buffer.from(line!, 'base64').subarray(10)
  const legacy = JSON.parse(await bodyOf(rekord('minisign', data, signature, raw))) as ReturnType<
    typeof rekord
  >
  const logged = Buffer.from(legacy.spec.signature.publicKey.content, 'base64').toString()
  t.same(Buffer.from(logged, 'base64'), Buffer.concat([Buffer.from('Ed'), Buffer.alloc(8), raw]))
})

t.test('minisign files that are none are refused, each for its own reason', async (t) => {
  const key = bytes('inputs/minisign/minisign.pub')
  const whole = bytes('inputs/minisign/hello_world.txt.minisig').toString()
  const [comment, line = '', trusted, global] = whole.split('\n')
  const other = Buffer.from(line, 'base64')
  other.write('xx', 'latin1')
  const cases: readonly (readonly [string, string])[] = [
    ['junk', 'invalid signature provided: 1 lines detected'],
    [`${whole}more\n`, 'invalid signature provided: 5 lines detected'],
    [`${comment}\n*`, 'invalid signature provided: base64 decoding failed'],
    [`${comment}\nAAAA`, 'invalid signature provided: incorrect size 3 detected'],
    [`${comment}\n${line}\n${trusted}\n${global}x`, 'invalid signature provided: 4 lines detected'],
    [`${comment}\n${other.toString('base64')}`, 'invalid signature provided: unknown algorithm'],
    [`${comment}\n${line}`, 'failed to verify signature'],
  ]
  for (const [signature, message] of cases)
    t.equal(await refusal(rekord('minisign', Buffer.from('other'), Buffer.from(signature), key)), message)
  for (const file of ['junk', Buffer.alloc(31), Buffer.alloc(33), `${comment}\nAAAA`])
    t.equal(
      await refusal(rekord('minisign', artifact, Buffer.from(whole), Buffer.from(file))),
      'unable to read minisign public key: Invalid encoded public key',
    )
})

t.test(
  'an SSH key may have options, a comment and other lines around it, of which none is logged',
  async (t) => {
    const file = made('ssh-ed25519.pub').toString().trim()
    const [type, blob] = file.split(' ')
    const of = (text: string) => rekord('ssh', artifact, made('ssh-ed25519.sig'), Buffer.from(text))
    const canonical = await bodyOf(of(file))
    const written = [
      `${type} ${blob}`,
      `# a comment\n\n  ${type}\t${blob}   two words\r\n`,
      `from="10.0.0.0/8, ::1",command="echo \\"a b\\"" ${type} ${blob} x`,
      `not a key\n${file}\nssh-rsa AAAA`,
    ]
    for (const text of written) t.equal(await bodyOf(of(text)), canonical, text)
    t.ok(
      (await verifyProposal(of(`${type} ${blob} Some.One@Example.com`), policy)).searchKeys.includes(
        'some.one@example.com',
      ),
    )
    t.equal(await refusal(of('junk')), 'ssh: no key found')
    t.match(await refusal(of('x'.repeat(65_537))), /^http: request body too large/)
    t.match(await refusal(of('ssh-dss AAAAB3NzaC1kc3MAAAAA')), 'ssh: unknown key algorithm: "ssh-dss"')
  },
)

t.test('keys in security tokens sign flags and a counter along', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
  const type = 'sk-ssh-ed25519@openssh.com'
  const key = Buffer.concat([type, raw, 'ssh:'].map(wire))
  const flags = Buffer.of(1, 0, 0, 0, 7)
  const signedBlob = Buffer.concat([sha256('ssh:'), flags, sha256(toBeSigned(artifact))])
  const signature = sign(null, signedBlob, privateKey)
  const line = Buffer.from(`${type} ${key.toString('base64')}`)
  const of = (rest: Uint8Array) =>
    rekord('ssh', artifact, sshsig(key, Buffer.concat([wire(type), wire(signature), rest])), line)
  t.match(await bodyOf(of(flags)), base64(`${line.toString()}\n`))
  t.equal(await refusal(of(Buffer.of(0, 0, 0, 0, 7))), 'ssh: signature did not verify')
  t.equal(await refusal(of(Buffer.alloc(0))), 'ssh: a token signs flags and a counter')
})

t.test('SSH signatures that are none, or of another key or purpose, are refused', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { n, e } = publicKey.export({ format: 'jwk' })
  const modulus = Buffer.concat([Buffer.of(0), Buffer.from(n!, 'base64url')])
  const key = Buffer.concat(['ssh-rsa', Buffer.from(e!, 'base64url'), modulus].map(wire))
  const line = Buffer.from(`ssh-rsa ${key.toString('base64')}`)
  const blob = (format: string, hash: string, rest = '') =>
    Buffer.concat([wire(format), wire(sign(hash, toBeSigned(artifact), privateKey)), Buffer.from(rest)])
  const of = (signature: Uint8Array) => rekord('ssh', artifact, signature, line)
  await t.resolves(verifyProposal(of(sshsig(key, blob('rsa-sha2-512', 'sha512'))), policy))
  await t.resolves(verifyProposal(of(sshsig(key, blob('rsa-sha2-256', 'sha256'))), policy))
  const stranger = Buffer.concat(['ssh-ed25519', Buffer.alloc(32, 1)].map(wire))
  const cases: readonly (readonly [Uint8Array, string | RegExp])[] = [
    [Buffer.from('junk'), 'unable to decode pem file'],
    [
      Buffer.from(encodePem('PUBLIC KEY', Buffer.of(1))),
      'wrong pem block type: PUBLIC KEY. Expected SSH-SIGNATURE',
    ],
    [Buffer.from(encodePem('SSH SIGNATURE', Buffer.of(1))), 'ssh: short read'],
    [sshsig(key, blob('ssh-rsa', 'sha1')), 'ssh: signature type ssh-rsa for key type ssh-rsa'],
    [sshsig(key, blob('rsa-sha2-512', 'sha256')), 'crypto/rsa: verification error'],
    [sshsig(key, blob('rsa-sha2-512', 'sha512', 'x')), 'ssh: trailing bytes'],
    [sshsig(key, blob('rsa-sha2-512', 'sha512'), { trailing: 'x' }), 'ssh: trailing bytes'],
    [sshsig(key, blob('rsa-sha2-512', 'sha512'), { version: 2 }), 'unsupported signature version: 2'],
    [sshsig(key, blob('rsa-sha2-512', 'sha512'), { namespace: 'git' }), 'invalid signature namespace: git'],
    [sshsig(key, blob('rsa-sha2-512', 'sha512'), { hash: 'md5' }), 'unsupported hash algorithm: md5'],
    [sshsig(stranger, blob('rsa-sha2-512', 'sha512')), 'ssh: the signature names another key'],
  ]
  for (const [signature, message] of cases) t.match(await refusal(of(signature)), message, String(message))
})

t.test('private keys and strange packets are no OpenPGP keys', async (t) => {
  const { privateKey, publicKey } = await generateKey({
    userIDs: { email: 'a@example.com' },
    format: 'armored',
  })
  const of = (key: string | Uint8Array) => rekord('pgp', artifact, made('pgp-ward.sig'), Buffer.from(key))
  t.equal(await refusal(of(privateKey)), 'no PGP public keys could be read')
  t.equal(await refusal(of(publicKey)), 'openpgp: signature made by unknown entity')
  const mixed = `${privateKey}${made('pgp-ward.asc').toString()}`
  const logged = JSON.parse(await bodyOf(of(mixed))) as ReturnType<typeof rekord>
  t.notMatch(Buffer.from(logged.spec.signature.publicKey.content, 'base64').toString(), 'PRIVATE')
  const rsa = (modulusBits: number, exponentBits: number) => {
    const body = Buffer.alloc(10 + Math.ceil(modulusBits / 8) + Math.ceil(exponentBits / 8), 0xff)
    Buffer.of(4, 0, 0, 0, 1, 1).copy(body)
    body.writeUInt16BE(modulusBits, 6)
    body.writeUInt16BE(exponentBits, 8 + Math.ceil(modulusBits / 8))
    return packet(6, body)
  }
  const cases: readonly (readonly [Uint8Array | string, RegExp])[] = [
    [Buffer.alloc(1_000_001), /more than 1000000 bytes$/],
    [Buffer.alloc(100_000, Buffer.of(0xcd, 0)), /^openpgp: invalid data: more than 5000 packets$/],
    [Buffer.alloc(606, packet(6, Buffer.alloc(0))), /: too many keys$/],
    [packet(17, Buffer.alloc(100_001)), /bytes of pictures$/],
    [rsa(8200, 17), /RSA key of this size$/],
    [rsa(2048, 2048), /RSA key of this size$/],
    [rsa(2048, 17).subarray(0, 20), /^openpgp: invalid data: unexpected end$/],
    [Buffer.of(0xc6, 224), /partial packet length$/],
    [Buffer.of(0x9b), /indeterminate packet length$/],
    [Buffer.of(0x9a, 0, 0, 0), /unexpected end$/],
    ['-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n', /^invalid PGP type detected$/],
    ['-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n****\n-----END PGP PUBLIC KEY BLOCK-----\n', /armor invalid$/],
    ['-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA', /^no PGP public keys could be read$/],
    [`${'-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n\n-----END PGP\n'.repeat(101)}`, /more than 100 blocks$/],
  ]
  for (const [key, message] of cases) t.match(await refusal(of(key)), message, String(message))
})

t.test('only a signature of the artifact counts, and self-signatures are bounded', async (t) => {
  const { privateKey } = await generateKey({ userIDs: { email: 'a@example.com' }, format: 'armored' })
  const signer = await readPrivateKey({ armoredKey: privateKey })
  const signature = new SignaturePacket()
  Object.assign(signature, {
    signatureType: enums.signature.standalone,
    publicKeyAlgorithm: signer.keyPacket.algorithm,
    hashAlgorithm: enums.hash.sha512,
  })
  // A standalone signature signs nothing but itself, so it holds for every artifact.
  await (signature.sign as (...rest: unknown[]) => Promise<void>).call(
    signature,
    signer.keyPacket,
    {},
    new Date(),
    true,
    config,
  )
  const list = new PacketList<SignaturePacket>()
  list.push(signature)
  const key = signer.toPublic()
  const of = (content: Uint8Array, ring: Uint8Array) => rekord('pgp', artifact, content, ring)
  t.equal(
    await refusal(of(list.write(), key.write())),
    'openpgp: invalid signature: not a signature of a document',
  )
  const user = key.users[0]!
  user.selfCertifications = Array(201).fill(user.selfCertifications[0])
  t.equal(
    await refusal(of(list.write(), key.write())),
    'openpgp: unsupported feature: more than 200 self-signatures',
  )
  t.match(await refusal(of(Buffer.alloc(100_001), key.write())), /more than 100000 bytes$/)
  t.match(
    await refusal(of(Buffer.alloc(66, packet(2, Buffer.alloc(0))), key.write())),
    /more than 10 packets$/,
  )
  t.equal(
    await refusal(of(packet(13, Buffer.from('x')), key.write())),
    'valid PGP signature was not detected',
  )
})

t.test('a signature of text in a million lines is refused before it takes seconds', async (t) => {
  const lines = Buffer.alloc(1_000_001, '\n')
  const start = performance.now()
  t.equal(
    await refusal(rekord('pgp', lines, made('pgp-ward-text.sig'), made('pgp-ward.asc'))),
    'openpgp: unsupported feature: a signature of text of more than 1000000 lines',
  )
  t.ok(performance.now() - start < 60_000)
})

const seeds = json<Case[]>('expected/rekord-made.json').filter(
  ({ signature, body }) => body !== undefined && refusedHere[signature] === undefined,
)

t.test('a rekord with one byte changed is refused, or its artifact is still signed', async () => {
  const files = fc.constantFrom('data' as const, 'signature' as const, 'key' as const)
  const change = fc.record({ at: fc.nat(), to: fc.nat(255), isCut: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...seeds), files, change, async (seed, file, { at, to, isCut }) => {
      const parts: Record<'data' | 'signature' | 'key', Uint8Array> = {
        data: artifact,
        signature: made(seed.signature),
        key: made(seed.key),
      }
      const changed = Buffer.from(parts[file])
      const place = at % changed.length
      if (!isCut) changed[place] = to
      const part = isCut ? changed.subarray(0, place) : changed
      parts[file] = part
      const { data, signature, key } = parts
      const outcome = await verifyProposal(rekord(seed.format, data, signature, key), policy).then(
        ({ body }) => Buffer.from(body).toString(),
        (error: unknown) => {
          if (!(error instanceof EntryError)) throw error
        },
      )
      if (outcome === undefined) return true
      // OpenPGP armour, user IDs and what no signature covers may change, and text may have other line ends.
      if (seed.format === 'pgp')
        return file !== 'data' || Buffer.compare(part, artifact) === 0 || seed.signature.includes('text')
      return outcome === seed.body
    }),
    { numRuns: 800, seed: 5 },
  )
})

t.test('an OpenPGP key in its canonical form is its own canonical form', async (t) => {
  for (const { format, signature, body } of seeds.filter(({ format }) => format === 'pgp')) {
    const { spec } = JSON.parse(body!) as ReturnType<typeof rekord>
    const key = Buffer.from(spec.signature.publicKey.content, 'base64')
    const again = rekord(format, artifact, Buffer.from(spec.signature.content, 'base64'), key)
    t.equal(await bodyOf(again), body, signature)
    t.equal((await verifyProposal(again, policy)).searchKeys[0], keyHash(key.toString()))
  }
})

t.test('arbitrary files in every format are refused with an EntryError and nothing else', async () => {
  const lines = fc.array(
    fc.constantFrom(
      '-----BEGIN PGP PUBLIC KEY BLOCK-----',
      '-----END PGP PUBLIC KEY BLOCK-----',
      '-----BEGIN PGP SIGNATURE-----',
      '-----END PGP SIGNATURE-----',
      '-----BEGIN SSH SIGNATURE-----',
      '-----END SSH SIGNATURE-----',
      'untrusted comment:',
      'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAA==',
      '',
      'a: b',
      '=AAAA',
      'xjMEAAAAABYJKwYBBAHaRw8BAQdA',
    ),
  )
  const file = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    lines.map((all) => Buffer.from(all.join('\n'))),
    fc
      .tuple(fc.constantFrom(2, 6, 13, 14, 17), fc.uint8Array({ maxLength: 80 }))
      .map(([type, body]) => packet(type, Buffer.from(body))),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('pgp', 'ssh', 'minisign', 'x509'),
      file,
      file,
      async (format, signature, key) => {
        const pairs = [
          [signature, key],
          [made(format === 'ssh' ? 'ssh-ed25519.sig' : 'pgp-ward.sig'), key],
        ] as const
        for (const [signature, key] of pairs)
          if ((await refusal(rekord(format, artifact, signature, key))) === 'accepted')
            throw new Error('accepted')
      },
    ),
    { numRuns: 500, seed: 6 },
  )
})

function packet(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(6)
  header[0] = 0xc0 | type
  header[1] = 255
  header.writeUInt32BE(body.length, 2)
  return Buffer.concat([header, body])
}

function sha256(content: Uint8Array | string): Buffer {
  return createHash('sha256').update(content).digest()
}

function wire(content: Uint8Array | string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, Buffer.from(content as string)])
}

function toBeSigned(message: Uint8Array): Buffer {
  const hash = createHash('sha512').update(message).digest()
  return Buffer.concat([Buffer.from('SSHSIG'), ...['file', '', 'sha512', hash].map(wire)])
}

function sshsig(
  key: Uint8Array,
  signature: Uint8Array,
  { version = 1, namespace = 'file', hash = 'sha512', trailing = '' } = {},
): Buffer {
  const header = Buffer.concat([Buffer.from('SSHSIG'), Buffer.of(0, 0, 0, version)])
  const fields = [key, namespace, '', hash, signature].map(wire)
  return Buffer.from(encodePem('SSH SIGNATURE', Buffer.concat([header, ...fields, Buffer.from(trailing)])))
}
