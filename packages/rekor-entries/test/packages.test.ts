import { generateKeyPairSync } from 'node:crypto'
import { defaultClientAlgorithms, encodePem, parsePemBlock, sha256Hex } from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import { EntryError, readStoredEntry, verifyProposal } from '@sigstack/rekor-entries'
import { parseSignedData } from '@sigstack/timestamp/cms'
import fc from 'fast-check'
import { unzipSync, zipSync } from 'fflate'
import t from 'tap'
import { parsePkginfo } from '../src/alpine/pkginfo.ts'
import { parseManifest } from '../src/jar/manifest.ts'
import { apk } from './support/packages.ts'
import { base64, bytes, type Expected, json, text } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
type Spec = Record<string, unknown>
const verify = (kind: string, spec: unknown, limits = {}) =>
  verifyProposal({ apiVersion: '0.0.1', kind, spec }, { ...policy, ...limits })
const specOf = (body: Uint8Array) => (JSON.parse(Buffer.from(body).toString()) as { spec: Spec }).spec
const hash = (value: string) => ({ algorithm: 'sha256', value })
const mutations = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }), cut: fc.boolean() })
type Refusal = readonly [spec: unknown, code: string, message: string | RegExp]

/** One byte changed, or everything from it on left away. */
function mutate(original: Uint8Array, { at, to, cut }: { at: number; to: number; cut: boolean }): Buffer {
  const copy = Buffer.from(original)
  const place = at % copy.length
  if (cut) return copy.subarray(0, place)
  copy[place] = to
  return copy
}

// alpine

const apkFile = bytes('inputs/alpine/test.apk')
const apkKey = base64(bytes('inputs/alpine/key.pub'))
const alpine = (content: Uint8Array, publicKey = apkKey, more = {}) => ({
  package: { content: base64(content), ...more },
  publicKey: { content: publicKey },
})
const { privateKey: ownKey, publicKey: ownPublicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ownPem = base64(ownPublicKey.export({ format: 'pem', type: 'spki' }))

t.test('a real apk is logged with its digest, its metadata and its key', async (t) => {
  const entry = await verify('alpine', alpine(apkFile))
  const digest = 'a8ccb330c68d349b76378fad43cb6a1f6433b3418a7577fb02d9577ac0c49047'
  t.same(specOf(entry.body), {
    package: {
      hash: hash(digest),
      pkginfo: {
        pkgname: 'apache2-ctl',
        pkgver: '2.4.43-r0',
        pkgdesc: 'Apache control script',
        url: 'https://httpd.apache.org/',
        builddate: '1585768977',
        packager: 'Buildozer <alpine-devel@lists.alpinelinux.org>',
        size: '16384',
        arch: 'x86_64',
        origin: 'apache2',
        commit: 'd6095f7dc165058ba032d27622224dc4ed2a78cc',
        maintainer: 'Kaarle Ritvanen <kaarle.ritvanen@datakunkku.fi>',
        license: 'Apache-2.0',
        depend: 'lynx',
        provides: 'cmd:apachectl',
        datahash: '57eeeb3d7f989848d7021487fe831384a14c5cddd3a39a5d1722c685a2615e36',
      },
    },
    publicKey: { content: base64(`${text('inputs/alpine/key.pub').trim()}\n`) },
  })
  t.same(entry.searchKeys, [sha256Hex(`${text('inputs/alpine/key.pub').trim()}\n`), `sha256:${digest}`])
  t.same(readStoredEntry(entry.body).searchKeys, entry.searchKeys)
  const given = await verify('alpine', alpine(apkFile, apkKey, { hash: hash(digest) }))
  t.same(given.body, entry.body)
})

t.test(
  'the proposal in the tests of rekor-cli holds broken base64, and its package is that of the apk',
  async (t) => {
    const { spec } = json<{ spec: { package: { content: string }; publicKey: Spec } }>(
      'proposals/alpine.json',
    )
    await t.rejects(verify('alpine', spec), {
      code: 'bad_base64',
      message: 'failed parsing base64 data for package content',
    })
    const content = spec.package.content.replace(' ', 'm')
    t.equal(content, base64(apkFile))
    await verify('alpine', { ...spec, package: { content } })
  },
)

t.test('an apk is refused with the reason where anything about it does not hold', async (t) => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const otherPem = base64(other.export({ format: 'pem', type: 'spki' }))
  const edPem = base64(generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }))
  const own = async (parts: Parameters<typeof apk>[1]) => alpine(await apk(ownKey, parts), ownPem)
  const big = 'x'.repeat(1024 * 1024)
  const zeros = '0'.repeat(64)
  const cases: readonly Refusal[] = [
    [{ package: {} }, 'bad_field', 'publicKey in body is required'],
    [{ publicKey: { content: apkKey } }, 'bad_field', 'package in body is required'],
    [{ package: {}, publicKey: { content: apkKey } }, 'bad_field', "'content' must be specified for package"],
    [
      { package: { hash: hash(zeros) }, publicKey: { content: apkKey } },
      'not_insertable',
      'entry not insertable into log: missing package content',
    ],
    [alpine(apkFile, apkKey, { hash: hash('ab') }), 'bad_hash', 'invalid value for hash'],
    [alpine(apkFile, apkKey, { hash: hash(zeros) }), 'bad_hash', /^SHA mismatch: a8ccb330\w+ != 0{64}$/],
    [
      alpine(apkFile, apkKey, { hash: { algorithm: 'sha512', value: zeros } }),
      'bad_field',
      'package.hash.algorithm in body should be one of [sha256]',
    ],
    [alpine(apkFile, otherPem), 'bad_signature', /^verifying signature: /],
    [alpine(apkFile, edPem), 'bad_signature', /^verifying signature: /],
    [alpine(Buffer.from('text')), 'bad_format', 'reading signature.tar.gz: gzip: invalid header'],
    [await own({ signatureFiles: () => [] }), 'bad_format', 'no signature detected in alpine package'],
    [await own({ controlFiles: () => [] }), 'bad_format', '.PKGINFO file was not located'],
    [await own({ datahash: zeros }), 'bad_format', /^checksum for data\.tar\.gz \(\w{64}\) does not match/],
    [await own({ datahash: 'xy' }), 'bad_format', 'not hexadecimal'],
    [await own({ pkginfo: 'pkgname\n' }), 'bad_format', /^parsing \.PKGINFO: key-value delimiter not found/],
    [
      await own({ pkginfo: `pkgdesc = ${big}\n` }),
      'too_large',
      /^uncompressed \.PKGINFO file size \d+ exceeds max allowed size 1048576$/,
    ],
    [
      await own({ signatureFiles: () => [{ name: '.SIGN.RSA.x', content: big }] }),
      'too_large',
      'decompressed size (1048577) for signature.tar.gz exceeds max allowed size 1048576',
    ],
    [
      await own({ controlFiles: () => [{ name: 'bomb', content: Buffer.alloc(5 * 1024 * 1024) }] }),
      'too_large',
      /^decompressed size \(4194305\) for control\.tar\.gz/,
    ],
  ]
  for (const [spec, code, message] of cases)
    await t.rejects(verify('alpine', spec), { name: 'EntryError', code, message }, String(message))
})

t.test(
  'an apk may be signed in PEM, with an elliptic curve, and with files beside the metadata',
  async (t) => {
    const inPem = await apk(ownKey, {
      signatureFiles: (signature) => [{ name: '.SIGN.RSA.x', content: encodePem('SIGNATURE', signature) }],
      controlFiles: (pkginfo) => [
        { name: '.pre-install', content: '#!/bin/sh' },
        { name: '.PKGINFO', content: pkginfo },
      ],
    })
    t.same((await verify('alpine', alpine(inPem, ownPem))).kind, 'alpine')
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const ecPem = base64(ec.publicKey.export({ format: 'pem', type: 'spki' }))
    t.same((await verify('alpine', alpine(await apk(ec.privateKey), ecPem))).kind, 'alpine')
    const large = await apk(ownKey, { pkginfo: `pkgdesc = ${'x'.repeat(5000)}\n` })
    await t.rejects(verify('alpine', alpine(large, ownPem), { metadataLimitBytes: 4000 }), {
      code: 'too_large',
    })
  },
)

t.test('metadata of an apk is read by the rules of the INI reader that Rekor has', (t) => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ['a = 1\nb=2\n c : 3 \n\n', { a: '1', b: '2', c: '3' }],
    ['# comment\n; comment\na = 1\na = 2\n', { a: '2' }],
    ['a = one # two\nb = c;d\nc = #\n', { a: 'one', b: 'c', c: '' }],
    ['a = "quoted"\nb = \'quoted\'\nc = "a"b"\nd = "\n', { a: 'quoted', b: 'quoted', c: '"a"b"', d: '"' }],
    ['a = x\\\n  y\\\n  z\nb = 1', { a: 'xyz', b: '1' }],
    ['a = """x\ny""" # z\nb = `c;d`\n', { a: 'x\ny', b: 'c;d' }],
    ['"a=b" = 1\n`c` = 2\n"""d""" = 3\n', { 'a=b': '1', c: '2', d: '3' }],
    ['- = 1\n- = 2\n', { '#1': '1', '#2': '2' }],
    ['a = 1\n[other]\na = 2\n[DEFAULT]\nb = 3\n', { a: '1', b: '3' }],
    ['url = https://a.example/?x=1\n', { url: 'https://a.example/?x=1' }],
    ['\uFEFFa = 1\r\nb = 2\r\n', { a: '1', b: '2' }],
  ]
  for (const [ini, values] of cases)
    t.same(Object.fromEntries(parsePkginfo(ini)), values, JSON.stringify(ini))
  for (const ini of ['x', '= 1', '[x', '"a = 1', 'a = `b\nc'])
    t.throws(() => parsePkginfo(ini), { name: 'EntryError', code: 'bad_format' }, ini)
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'ab=:"\'`\\#;[]- \n'.split('')), maxLength: 60 }),
      (ini) => {
        try {
          for (const [name] of parsePkginfo(ini)) t.not(name, '')
        } catch (error) {
          t.type(error, EntryError)
        }
      },
    ),
    { numRuns: 500, seed: 5 },
  )
  t.end()
})

t.test('an apk with a byte changed is refused, or only its header differs', async (t) => {
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      const mutated = mutate(apkFile, mutation)
      await verify('alpine', alpine(mutated)).then(
        // The gzip header before the signature is not signed: time, name and system of the packer.
        ({ body }) => t.same((specOf(body).package as Spec).hash, hash(sha256Hex(mutated))),
        (error: unknown) => t.type(error, EntryError),
      )
    }),
    { numRuns: 300, seed: 11 },
  )
})

// jar

const jarFile = bytes('inputs/jar/test.jar')
const jar = (content: Uint8Array, more = {}) => ({ archive: { content: base64(content), ...more } })
const files = unzipSync(jarFile)
const rezip = (changes: Record<string, Uint8Array | string | undefined>) => {
  const merged = Object.entries({ ...files, ...changes }).flatMap(([name, content]) =>
    content === undefined ? [] : [[name, Buffer.from(content)] as const],
  )
  return jar(zipSync(Object.fromEntries(merged), { level: 6 }))
}
const manifest = Buffer.from(files['META-INF/MANIFEST.MF']!).toString()
const signatureFile = Buffer.from(files['META-INF/SIGSTORE.SF']!).toString()

t.test('a real JAR is logged with its digest, its detached signature and its certificate', async (t) => {
  const entry = await verify('jar', jar(jarFile))
  // The digest that sigstore/rekor's own tests expect of this file.
  const digest = '4a9d0ab4e10597497ed6c4617c983c35fa9e964e75cdd6f9fae3a0da1929acc6'
  const { archive, signature } = specOf(entry.body) as {
    archive: Spec
    signature: { content: string; publicKey: { content: string } }
  }
  t.same(archive, { hash: hash(digest) })
  const pem = Buffer.from(signature.content, 'base64').toString()
  t.equal(pem, encodePem('PKCS7', parsePemBlock(pem).block.der))
  t.same(entry.searchKeys, [sha256Hex(pem), `sha256:${digest}`])
  t.same(readStoredEntry(entry.body).searchKeys, entry.searchKeys)
  // The signature came with its content inside, and is logged without it.
  const attached = Buffer.from(files['META-INF/SIGSTORE.EC']!)
  const detached = parsePemBlock(pem).block.der
  t.ok(attached.includes(signatureFile) && !Buffer.from(detached).includes(signatureFile))
  const certificate = parsePemBlock(Buffer.from(signature.publicKey.content, 'base64').toString()).block
  t.equal(certificate.type, 'CERTIFICATE')
  t.ok(Buffer.from(detached).includes(Buffer.from(certificate.der)))
  t.same((await verify('jar', jar(jarFile, { hash: hash(digest) }))).body, entry.body)
})

t.test('a JAR that the public log holds is found by its signature and its digest', (t) => {
  const [entry] = Object.values(json<Record<string, { body: string }>>('api/prod-jar-entry.json'))
  const body = Buffer.from(entry!.body, 'base64')
  const expected = json<Record<string, Expected>>('expected/real-entries.json')['api/prod-jar-entry.json']
  t.equal(Buffer.from(leafHash(body)).toString('hex'), expected?.leafHash)
  const { signature } = specOf(body) as { signature: { content: string; publicKey: { content: string } } }
  const pem = Buffer.from(signature.content, 'base64').toString()
  t.same(readStoredEntry(body).searchKeys, [
    sha256Hex(pem),
    'sha256:1124ca085d897e8c05b9d2245946e9237c7fd87ad0e9da29e6262c5c3731f958',
  ])
  // What that server made of the signature is what is made of it here.
  const { detached, certificates } = parseSignedData(parsePemBlock(pem).block.der)
  t.equal(encodePem('PKCS7', detached), pem)
  t.equal(base64(encodePem('CERTIFICATE', certificates[0]!)), signature.publicKey.content)
  t.end()
})

t.test('a JAR that holds the detached signature of an entry logs exactly that signature', async (t) => {
  const { body } = await verify('jar', jar(jarFile))
  const { signature } = specOf(body) as { signature: { content: string } }
  const { der } = parsePemBlock(Buffer.from(signature.content, 'base64').toString()).block
  const again = await verify('jar', rezip({ 'META-INF/SIGSTORE.EC': der }))
  t.same(specOf(again.body).signature, signature)
})

t.test('a JAR is refused with the reason where anything about it does not hold', async (t) => {
  const block = files['META-INF/SIGSTORE.EC']!
  const name = 'sigstore/plugin/Sign.class'
  const cases: readonly Refusal[] = [
    [{}, 'bad_field', 'archive in body is required'],
    [{ archive: {} }, 'bad_field', "'content' must be specified for package"],
    [jar(jarFile, { hash: hash('0'.repeat(64)) }), 'bad_hash', /^SHA mismatch: 4a9d0ab4/],
    [jar(Buffer.from('text')), 'bad_format', /^zip: /],
    [rezip({ 'META-INF/MANIFEST.MF': undefined }), 'bad_format', 'JAR contains no META-INF/MANIFEST.MF'],
    [rezip({ 'META-INF/SIGSTORE.SF': undefined }), 'bad_format', 'JAR contains no signatures'],
    [
      rezip({ 'META-INF/SIGSTORE.EC': undefined }),
      'bad_format',
      'JAR contains sigfile META-INF/SIGSTORE.SF with no matching signature',
    ],
    [
      rezip({ 'META-INF/A.SF': signatureFile, 'META-INF/A.EC': block }),
      'bad_format',
      'multiple signatures detected in JAR; unable to process',
    ],
    // Upstream would log the first signature block, whether or not it was the one that verified.
    [
      rezip({ 'META-INF/A.RSA': block }),
      'bad_format',
      'multiple signatures detected in JAR; unable to process',
    ],
    [
      rezip({ 'META-INF/SIGSTORE.SF': signatureFile.replace('15', '16') }),
      'bad_format',
      'pkcs7: internal and external content were both provided but are not equal',
    ],
    [
      rezip({ 'META-INF/MANIFEST.MF': manifest.replace('Build-Jdk: 15', 'Build-Jdk: 16') }),
      'bad_format',
      /^manifest signature: sha-256-digest-manifest mismatch: manifest zC5x/,
    ],
    [
      rezip({ [name]: 'other' }),
      'bad_format',
      /^file "sigstore\/plugin\/Sign\.class" in MANIFEST\.MF: sha-256-digest mis/,
    ],
    [rezip({ [name]: undefined }), 'bad_format', `file ${name} is in manifest but not JAR`],
    [
      rezip({ 'META-INF/SIGSTORE.EC': Buffer.concat([block, Buffer.from([1])]) }),
      'bad_format',
      'pkcs7: trailing garbage after PKCS#7 structure',
    ],
    [rezip({ 'META-INF/SIGSTORE.EC': 'text' }), 'bad_format', /DER/],
    [
      rezip({ 'META-INF/LICENSE.TXT': Buffer.alloc(1024 * 1024 + 1) }),
      'too_large',
      'uncompressed jar metadata of size 1048577 exceeds max allowed size 1048576',
    ],
  ]
  for (const [spec, code, message] of cases)
    await t.rejects(verify('jar', spec), { name: 'EntryError', code, message }, String(message))
})

t.test('directories, and zeros behind a signature, are no fault of a JAR', async (t) => {
  const block = Buffer.concat([files['META-INF/SIGSTORE.EC']!, Buffer.alloc(3)])
  await verify('jar', rezip({ 'other/': '' }))
  await verify('jar', rezip({ 'META-INF/SIGSTORE.EC': block }))
  await t.rejects(verify('jar', jar(jarFile), { metadataLimitBytes: 5000 }), { code: 'too_large' })
})

t.test('a zip that holds far more than its size, or says less than it holds, is refused', async (t) => {
  const name = 'META-INF/maven/plugin.xml'
  await t.rejects(verify('jar', rezip({ [name]: Buffer.alloc(70 * 1024 * 1024) }), { workLimit: 1000 }), {
    code: 'too_large',
    message: 'zip: more than 67108864 unpacked bytes',
  })
  const bomb = Buffer.from(zipSync({ ...files, 'sigstore/plugin/Sign.class': new Uint8Array(3_000_000) }))
  // In the directory at the end of the file: local headers are not believed.
  bomb.writeUInt32LE(16, bomb.lastIndexOf('sigstore/plugin/Sign.class') - 46 + 24)
  await t.rejects(verify('jar', jar(bomb)), {
    code: 'bad_format',
    message: /^zip: too many bytes in the stream/,
  })
})

t.test('manifests are split into sections, and what is no manifest is refused', (t) => {
  const { main, files } = parseManifest(Buffer.from('A: 1\r\nB: long\r\n er\r\n\r\nName: x\r\nC : 2\r\n\r\n'))
  t.same(
    [...main.attributes],
    [
      ['a', '1'],
      ['b', 'longer'],
    ],
  )
  t.same(
    [...(files.get('x')?.attributes ?? [])],
    [
      ['name', 'x'],
      ['c', '2'],
    ],
  )
  t.equal(Buffer.from(files.get('x')!.bytes).toString(), 'Name: x\r\nC : 2\r\n\r\n')
  for (const broken of ['', 'A: 1', 'A: 1\n', 'A: 1\n\n\n\n', 'A\n\n', 'A: 1\n\nB: 2\n\n'])
    t.throws(() => parseManifest(Buffer.from(broken)), { name: 'EntryError' }, JSON.stringify(broken))
  const started = performance.now()
  t.throws(() => parseManifest(Buffer.from('\n\n'.repeat(500_000))))
  t.equal(parseManifest(Buffer.from(`A: 1\n\n${'Name: x\n\n'.repeat(100_000)}`)).files.size, 1)
  t.ok(performance.now() - started < 60_000, 'in linear time')
  t.end()
})

t.test('a JAR with a byte changed is refused, or its signature is the same', async (t) => {
  const { body } = await verify('jar', jar(jarFile))
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      const mutated = mutate(jarFile, mutation)
      // Directories, dates and files that are not signed may be changed.
      await verify('jar', jar(mutated)).then(
        (entry) => t.same((specOf(entry.body).archive as Spec).hash, hash(sha256Hex(mutated))),
        (error: unknown) => t.type(error, EntryError),
      )
    }),
    { numRuns: 200, seed: 13 },
  )
  t.ok(body.length > 0)
})

// rpm

const rpmFile = bytes('inputs/rpm/test.rpm')
const rpmKey = base64(bytes('inputs/rpm/key.asc'))
const rpm = (content: Uint8Array, publicKey = rpmKey, more = {}) => ({
  package: { content: base64(content), ...more },
  publicKey: { content: publicKey },
})

t.test('a real RPM is logged with its digest, its name and its key', async (t) => {
  const entry = await verify('rpm', rpm(rpmFile))
  // The digest that sigstore/rekor's own tests expect of this file.
  const digest = 'f5214798b9d78fac428fad6d70cffce0eee6512c27a9faee9112a68e9b5519c6'
  const spec = specOf(entry.body) as { package: Spec; publicKey: { content: string } }
  t.same(spec.package, {
    hash: hash(digest),
    headers: { Name: 'test-package', Epoch: '0', Version: '1.0', Release: '1', Architecture: 'noarch' },
  })
  const armored = Buffer.from(spec.publicKey.content, 'base64').toString()
  t.match(
    armored,
    /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n[^]*\n=\S{4}\n-----END PGP PUBLIC KEY BLOCK-----$/,
  )
  t.same(entry.searchKeys, [sha256Hex(armored), 'rpm-test@rekor.dev', `sha256:${digest}`])
  t.ok(readStoredEntry(entry.body).searchKeys.every((key) => entry.searchKeys.includes(key)))
  t.same((await verify('rpm', rpm(rpmFile, spec.publicKey.content))).body, entry.body)
})

t.test('a package of a distribution, with epoch, MD5 and signatures of version 3, is logged', async (t) => {
  const { spec } = json<{ spec: { package: { content: string }; publicKey: { content: string } } }>(
    'proposals/rpm.json',
  )
  const entry = await verify('rpm', spec)
  const digest = 'c8b0bc59708d74f53aab0089ac587d5c348d6ead143dab9f6d9c4b48c973bfd8'
  t.same(specOf(entry.body).package, {
    hash: hash(digest),
    headers: {
      Name: 'NetworkManager-bluetooth',
      Epoch: '1',
      Version: '1.26.0',
      Release: '8.el8',
      Architecture: 'x86_64',
      RPMSIGTAG_MD5: 'e26884f09d043e4a85c21dc570ed0bd7',
    },
  })
  t.same(entry.searchKeys.slice(1), ['security@centos.org', `sha256:${digest}`])
  t.same(readStoredEntry(entry.body).searchKeys, entry.searchKeys)
  await t.rejects(verify('rpm', rpm(Buffer.from(spec.package.content, 'base64'))), {
    code: 'bad_signature',
    message: 'openpgp: signature made by unknown entity',
  })
})

t.test('a signature of version 3 with any field changed is refused', async (t) => {
  const { spec } = json<{ spec: { package: { content: string }; publicKey: { content: string } } }>(
    'proposals/rpm.json',
  )
  const file = Buffer.from(spec.package.content, 'base64')
  // Version 3, five hashed bytes, a binary document: the signature over the header comes first, the other follows it.
  const starts = [file.indexOf('8902150305', 'hex'), file.lastIndexOf('8902150305', 'hex')]
  t.ok(starts[0] !== -1 && starts[0] !== starts[1])
  // Packet type and length, version, hashed length, type, time, key ID, key algorithm, hash algorithm, and the number. The two bytes
  // before the number's length are a hint at the digest, and nothing depends on them.
  for (const start of starts)
    for (const at of [0, 2, 3, 4, 5, 6, 9, 10, 17, 18, 19, 24, 300, 535]) {
      const changed = Buffer.from(file)
      changed[start + at] = (changed[start + at] ?? 0) ^ 1
      await t.rejects(
        verify('rpm', rpm(changed, spec.publicKey.content)),
        { name: 'EntryError', code: 'bad_signature' },
        `byte ${at} from ${start}`,
      )
    }
})

t.test('an RPM is refused with the reason where anything about it does not hold', async (t) => {
  const changed = (at: number, value = 0xff) => {
    const copy = Buffer.from(rpmFile)
    copy[at] = value
    return copy
  }
  const otherKey = base64(bytes('inputs/helm/key.asc'))
  const payloadAt = rpmFile.length - 1
  const nameAt = rpmFile.lastIndexOf('test-package')
  const cases: readonly Refusal[] = [
    [{ package: {} }, 'bad_field', 'publicKey in body is required'],
    [{ publicKey: { content: rpmKey } }, 'bad_field', 'package in body is required'],
    [{ package: {}, publicKey: { content: rpmKey } }, 'bad_field', "'content' must be specified for package"],
    [rpm(rpmFile, rpmKey, { hash: hash('0'.repeat(64)) }), 'bad_hash', /^SHA mismatch: f5214798/],
    [rpm(rpmFile, base64('no key')), 'bad_public_key', /openpgp/],
    [rpm(rpmFile, otherKey), 'bad_signature', /openpgp/],
    [rpm(Buffer.from('text')), 'bad_format', 'error reading RPM lead: unexpected EOF'],
    [rpm(Buffer.alloc(200)), 'bad_format', 'file is not an RPM'],
    [rpm(changed(96)), 'bad_format', 'bad magic for header'],
    [rpm(changed(104)), 'bad_format', 'error reading RPM header table: unexpected EOF'],
    [rpm(changed(nameAt)), 'bad_format', 'SHA-256 mismatch in signature header'],
    [
      rpm(changed(payloadAt, (rpmFile.at(-1) ?? 0) ^ 1)),
      'bad_format',
      /payload sha256 digest mismatch|md5 digest/,
    ],
  ]
  for (const [spec, code, message] of cases)
    await t.rejects(verify('rpm', spec), { name: 'EntryError', code, message }, String(message))
})

t.test('an RPM with a byte changed is refused, or only its lead and padding differ', async (t) => {
  const { body } = await verify('rpm', rpm(rpmFile))
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      const mutated = mutate(rpmFile, mutation)
      await verify('rpm', rpm(mutated)).then(
        (entry) =>
          t.same((specOf(entry.body).package as Spec).headers, (specOf(body).package as Spec).headers),
        (error: unknown) => t.type(error, EntryError),
      )
    }),
    { numRuns: 150, seed: 17 },
  )
})

// helm

const provenance = bytes('inputs/helm/test-0.1.0.tgz.prov')
const helmKey = base64(bytes('inputs/helm/key.asc'))
const helm = (content: string | Uint8Array, publicKey = helmKey) => ({
  chart: { provenance: { content: base64(content) } },
  publicKey: { content: publicKey },
})

t.test(
  'a real provenance file is logged with the digest of its chart, its signature and its key',
  async (t) => {
    const entry = await verify('helm', helm(provenance))
    const digest = '6dec7ea21e655d5796c1e214cfb75b73428b2abfa2e66c8f7bc64ff4a7b3b29f'
    const spec = specOf(entry.body) as {
      chart: { hash: unknown; provenance: { signature: { content: string } } }
      publicKey: { content: string }
    }
    t.same(spec.chart.hash, hash(digest))
    const block = /-----BEGIN PGP SIGNATURE-----[^]*/.exec(provenance.toString())?.[0]
    t.equal(Buffer.from(spec.chart.provenance.signature.content, 'base64').toString(), block)
    const armored = Buffer.from(spec.publicKey.content, 'base64').toString()
    t.same(entry.searchKeys, [sha256Hex(armored), 'not@real.com', `sha256:${digest}`])
    t.ok(readStoredEntry(entry.body).searchKeys.every((key) => entry.searchKeys.includes(key)))
    const proposal = json<{ spec: unknown }>('proposals/helm.json')
    t.same((await verify('helm', proposal.spec)).body, entry.body, 'the proposal in the tests of rekor-cli')
    const crlf = provenance.toString().replaceAll('\n', '\r\n')
    t.same((await verify('helm', helm(crlf))).body, entry.body, 'line breaks of another system')
  },
)

t.test('a provenance file is refused with the reason where anything about it does not hold', async (t) => {
  const file = provenance.toString()
  const cases: readonly Refusal[] = [
    [{ chart: { provenance: {} } }, 'bad_field', 'publicKey in body is required'],
    [{ publicKey: { content: helmKey } }, 'bad_field', 'chart in body is required'],
    [
      { chart: { provenance: {} }, publicKey: { content: helmKey } },
      'bad_field',
      "'content' must be specified for provenance",
    ],
    [helm('text'), 'bad_format', /^unable to decode provenance file/],
    [helm(file.replace('name: test', 'name: rest')), 'bad_signature', /openpgp/],
    [helm(provenance, rpmKey), 'bad_signature', /openpgp/],
    [helm(file.replace('\n...\n', '\n')), 'bad_format', /message block must have at least two parts/],
    [helm(file.replace('files:', 'images:')), 'bad_format', 'unable to locate chart hash'],
    [helm(file.replace(/ {2}test.*/, '  {}')), 'bad_format', 'no checksums found'],
    [helm(file.replace('sha256:', 'sha512:')), 'bad_format', 'invalid hash found in Provenance file'],
    [
      helm(file.replace('files:', 'files: &a\n  b: *a')),
      'bad_format',
      /^error occurred parsing SumCollection/,
    ],
    [
      helm(file.replace('files:', `files:\n${'  a: b\n'.repeat(3000)}`)),
      'bad_format',
      /characters of checksums$/,
    ],
    [helm('x'.repeat(300_000)), 'bad_field', /at most/],
  ]
  for (const [spec, code, message] of cases)
    await t.rejects(verify('helm', spec), { name: 'EntryError', code, message }, String(message))
})

t.test('a provenance file with a byte changed is refused, or says the same', async (t) => {
  const { body } = await verify('helm', helm(provenance))
  await fc.assert(
    fc.asyncProperty(mutations, async (mutation) => {
      await verify('helm', helm(mutate(provenance, mutation))).then(
        (entry) => t.same((specOf(entry.body).chart as Spec).hash, (specOf(body).chart as Spec).hash),
        (error: unknown) => t.type(error, EntryError),
      )
    }),
    { numRuns: 150, seed: 23 },
  )
})
