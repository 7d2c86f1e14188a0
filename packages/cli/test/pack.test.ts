/** Images carried in one file: packed, verified with nobody asked, pushed elsewhere; and files that lie. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRegistryClient, digestOf, encodeManifest, mediaTypes, parseReference } from '@sigstack/oci'
import t, { type Test } from 'tap'
import { type ImageRegistry, startRegistry } from './registries.ts'
import { quickKey, runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const privateKey = await quickKey(t, 'cosign-3.1.3-p256.key')
const [publicKey, otherKey] = [key('cosign-3.1.3-p256.pub'), key('cosign-3.1.3-p384.pub')]
const published = fileURLToPath(
  new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
)
const home = t.testdir()
const run = (...words: readonly string[]) =>
  runCommand(words, {
    COSIGN_PASSWORD: 'secret',
    HOME: home,
    DOCKER_CONFIG: '/nowhere',
    SIGSTACK_DATA: '/nowhere',
  })
const sign = (...words: readonly string[]) =>
  run('sign', '--key', privateKey, '--tlog-upload=false', ...words)
const byKey = (file: string) => ['--key', file, '--insecure-ignore-tlog']
const verifyPack = (file: string, ...words: readonly string[]) =>
  run('pack', 'verify', file, ...byKey(publicKey), ...words)

/** An image that is signed and attested in both forms, and the file that it was packed into. */
async function packed(t: Test, registry?: ImageRegistry) {
  const from = registry ?? (await startRegistry(t, { referrersApi: true }))
  const image = await from.push('app')
  t.equal((await sign('--format', 'both', '-a', 'team=blue', image.pinned)).status, 0)
  const attest = [
    'attest',
    '--key',
    privateKey,
    '--tlog-upload=false',
    '--predicate',
    published,
    '--type',
    'openvex',
  ]
  t.equal((await run(...attest, image.pinned)).status, 0)
  const file = join(t.testdir(), 'app.tar')
  const made = await run('pack', image.tag, '-o', file, '--trusted-root', published)
  t.equal(made.status, 0, made.err)
  return { from, image, file, made }
}

t.test(
  'an image is packed, verified with the registry gone, and pushed with all that is attached',
  async (t) => {
    const { from, image, file, made } = await packed(t)
    const sha256 = createHash('sha256').update(readFileSync(published)).digest('hex')
    t.match(made.err, new RegExp(`Packed one image into ${file}, \\d+ bytes\nIts trust: sha256:${sha256}\n$`))
    t.equal(statSync(file).mode & 0o777, 0o600)
    const listed = execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n')
    t.same(
      listed.filter((name) => !name.startsWith('blobs/sha256/')),
      ['oci-layout', 'trusted_root.json', 'index.json'],
    )

    from.asked.length = 0
    const verified = await verifyPack(file, '--type', 'openvex', '-a', 'team=blue')
    t.equal(verified.status, 0, verified.err)
    t.same(from.asked, [], 'nobody was asked')
    t.match(JSON.parse(verified.out), [
      { critical: { image: { 'docker-manifest-digest': image.digest } }, optional: { team: 'blue' } },
    ])
    t.match(
      verified.err,
      /Verification for .*\/app:v1 --[^]*All parts of the image are in the file, \d+ bytes\n$/,
    )
    t.match(await run('pack', 'verify', file, ...byKey(otherKey)), {
      status: 12,
      err: /no matching signatures/,
    })
    t.match(await verifyPack(file, '-a', 'team=red'), { status: 12 })
    t.match(await verifyPack(file, '--type', 'spdxjson'), { status: 12, err: /no matching attestations/ })
    const json = await verifyPack(file, '--json')
    t.match(JSON.parse(json.out), [
      { digest: image.digest, verified: true, signatures: [{ format: 'bundle' }] },
    ])

    for (const referrersApi of [true, false]) {
      const to = await startRegistry(t, { referrersApi })
      const pushed = await run('pack', 'push', file, `${to.host}/inside/app`)
      t.equal(pushed.status, 0, pushed.err)
      t.equal(to.tags.get('v1'), image.digest)
      const inside = `${to.host}/inside/app:v1`
      t.match(await run('verify', ...byKey(publicKey), inside), { status: 0 })
      t.match(await run('verify-attestation', ...byKey(publicKey), '--type', 'openvex', inside), {
        status: 0,
      })
      t.ok(to.tags.has(`${image.digest.replace(':', '-')}.sig`), 'the old tag too')
    }
  },
)

t.test('layers that an image gets from elsewhere are not said to be in the file', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const { pinned } = await registry.push('app')
  const repository = createRegistryClient().repository(parseReference(pinned))
  const { document } = await repository.readManifest(parseReference(pinned).digest ?? '')
  if (document.kind !== 'manifest') throw new Error('an image')
  const foreign = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: digestOf(Buffer.from('far away')),
    size: 8,
    urls: ['https://layers.example.org/1'],
  }
  const bytes = encodeManifest({ config: document.config, layers: [...document.layers, foreign] })
  const { digest } = await repository.pushManifest(bytes, mediaTypes.ociManifest, 'v2')
  const image = `${registry.host}/app:v2`
  t.equal((await sign(image)).status, 0)
  const file = join(t.testdir(), 'app.tar')
  const made = await run('pack', image, '-o', file, '--trusted-root', published)
  t.equal(made.status, 0, made.err)
  t.match(made.err, `blob ${foreign.digest}: not copied, as the image gets it from elsewhere`)
  const verified = await verifyPack(file)
  t.equal(verified.status, 0, verified.err)
  t.notMatch(verified.err, /All parts/)
  t.match(
    verified.err,
    `WARNING: 1 of its layers are not: the image gets them from elsewhere: ${foreign.digest}`,
  )
  t.match(JSON.parse((await verifyPack(file, '--json')).out), [{ digest, elsewhere: [foreign.digest] }])
})

t.test('stock tools read the file: it is an OCI layout, as cosign saves it', async (t) => {
  const { file, image } = await packed(t)
  const folder = mkdtempSync(`${file}-`)
  execFileSync('tar', ['-xf', file, '-C', folder])
  const to = await startRegistry(t)
  t.equal((await run('load', '--dir', folder, `${to.host}/app:v2`)).status, 0)
  t.equal(to.tags.get('v2'), image.digest)
  t.match(await run('verify', ...byKey(publicKey), `${to.host}/app:v2`), { status: 0 })
  // Packed again by another tar, with folders and its own headers.
  for (const form of ['gnu', 'pax']) {
    const again = join(folder, `${form}.tar`)
    execFileSync('tar', [
      '-C',
      folder,
      `--format=${form}`,
      '-cf',
      again,
      './blobs',
      './index.json',
      './oci-layout',
    ])
    t.match(await verifyPack(again), { status: 0 }, form)
  }
})

t.test('several images go into one file, and each below the place that is named', async (t) => {
  const registry = await startRegistry(t)
  const [one, two] = [await registry.push('one'), await registry.push('two')]
  for (const each of [one, two]) t.equal((await sign('--format', 'both', each.pinned)).status, 0)
  const file = join(t.testdir(), 'both.tar')
  // The tags of the one repository that this registry has are those of the last.
  t.match(await run('pack', one.pinned, two.pinned, '-o', file), {
    status: 0,
    err: /no instance is trusted here/,
  })
  const verified = await verifyPack(file, '--json')
  t.match(JSON.parse(verified.out), [{ digest: one.digest }, { digest: two.digest }])
  const to = await startRegistry(t)
  const pushed = await run('pack', 'push', file, `${to.host}/inside`, '--json')
  t.match(JSON.parse(pushed.out).images, [
    { image: `${to.host}/inside/one@${one.digest}` },
    { image: `${to.host}/inside/two@${two.digest}` },
  ])
  t.match(await run('verify', ...byKey(publicKey), `${to.host}/inside/two@${two.digest}`), { status: 0 })
})

t.test('the trust in a file counts only where somebody vouches for it', async (t) => {
  const { file } = await packed(t)
  const whom = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b']
  const sha256 = createHash('sha256').update(readFileSync(published)).digest('hex')
  const alone = await run('pack', 'verify', file, ...whom)
  t.match(alone, { status: 1, err: /^Error: no instance is trusted on this machine$/m })
  t.match(alone.err, `--trust-checksum sha256:${sha256}`)
  const wrong = await run('pack', 'verify', file, ...whom, '--trust-checksum', `sha256:${'0'.repeat(64)}`)
  t.match(wrong, { status: 1, err: new RegExp(`the trust in .* is another: it has sha256:${sha256}`) })
  t.match(await run('pack', 'verify', file, ...whom, '--trust-checksum', 'x'), {
    status: 1,
    err: /must be sha256/,
  })
  const vouched = await run('pack', 'verify', file, ...whom, '--trust-checksum', `sha256:${sha256}`)
  // What a key signed is not by this identity; that it came to this shows that the trust was taken.
  t.match(vouched, { status: 12, err: /no matching signatures/ })
})

t.test('what is not signed, cut off, or changed on the way is refused', async (t) => {
  const registry = await startRegistry(t)
  const unsigned = await registry.push('unsigned')
  const file = join(t.testdir(), 'unsigned.tar')
  t.equal((await run('pack', unsigned.pinned, '-o', file)).status, 0)
  t.match(await verifyPack(file), { status: 10, err: /no signatures found/ })

  const whole = await packed(t)
  const bytes = readFileSync(whole.file)
  const place = `${whole.file}.changed`
  const refused = async (changed: Uint8Array, reason: RegExp, what: string) => {
    writeFileSync(place, changed)
    const verified = await verifyPack(place)
    t.match(verified, { status: /^(1|10|12)$/, out: '', err: reason }, what)
    const to = await startRegistry(t)
    t.not((await run('pack', 'push', place, `${to.host}/app`)).status, 0, `${what}, pushed`)
    t.equal(to.tags.get('v1'), undefined, `${what}: nothing is shown`)
  }
  await refused(bytes.subarray(0, bytes.length - 1024), /it has no end; was it cut off/, 'the end')
  await refused(bytes.subarray(0, 2000), /longer than the archive|no end/, 'the middle')
  const layer = bytes.indexOf('layer of app')
  const changed = Buffer.from(bytes)
  changed.write('LAYER', layer)
  await refused(changed, /is not what its digest says/, 'a layer')
  const files = readTar(bytes)
  const without = files.filter(({ content }) => !content.includes('layer of app'))
  t.equal(without.length, files.length - 1)
  await refused(writeTar(without), /lacks the blob sha256:/, 'a blob that is missing')
  await refused(
    writeTar(files.filter(({ name }) => !name.endsWith(whole.image.digest.slice(7)))),
    /lacks the manifest/,
    'a manifest',
  )
  await refused(
    writeTar(files.filter(({ name }) => name !== 'index.json')),
    /holds no OCI layout/,
    'the index',
  )
})

t.test('a file that would write elsewhere, or promise more than it has, is not looked at', async (t) => {
  const { file } = await packed(t)
  const files = readTar(readFileSync(file))
  const place = `${file}.hostile`
  const refused = async (archive: Uint8Array, reason: RegExp, what: string) => {
    writeFileSync(place, archive)
    t.match(await verifyPack(place), { status: 1, out: '', err: reason }, what)
  }
  for (const name of ['../evil', '/etc/passwd', 'blobs/sha256/../../evil', 'blobs/sha256/ABC', 'x\u001b[2J'])
    await refused(
      writeTar([...files, { name, content: Buffer.from('x') }]),
      /no part of an image layout/,
      name,
    )
  for (const type of ['1', '2', '3', '6', 'S', 'K'])
    await refused(
      writeTar([...files, { name: 'index.json', content: Buffer.alloc(0), type }]),
      /is no plain file, but of the type/,
      `type ${type}`,
    )
  await refused(writeTar([...files, files[0]!]), /is in it twice/, 'twice')
  await refused(
    writeTar([{ ...files[0]!, size: '77777777777' }]),
    /longer than the archive/,
    '8 GiB of nothing',
  )
  await refused(
    writeTar([{ ...files[0]!, size: `\x80${'\xff'.repeat(11)}` }]),
    /is too large/,
    'more than there is',
  )
  await refused(writeTar([{ ...files[0]!, size: 'x' }]), /no tar, or it is damaged/, 'no size')
  const pax = (text: string) => ({ name: 'pax', content: Buffer.from(text), type: 'x' })
  await refused(
    writeTar([pax('19 path=../../evil\n'), ...files]),
    /no part of an image layout/,
    'a name in pax',
  )
  await refused(writeTar([pax('99 path=x\n'), ...files]), /cannot be read/, 'a length in pax')
  await refused(
    writeTar([pax(`1 ${'x'.repeat(70_000)}`), ...files]),
    /more than 65536 bytes/,
    'a long header',
  )
  const common = (text: string) => ({ ...pax(text), type: 'g' })
  for (const text of ['19 path=index.json\n', '10 size=0\n'])
    await refused(writeTar([common(text), ...files]), /gives all of its files one name or size/, text)
  writeFileSync(place, writeTar([common('13 comment=a\n'), ...files]))
  t.equal((await verifyPack(place)).status, 0, 'a comment is none of them')
  const large = { name: 'index.json', content: Buffer.alloc(5 << 20, 0x20) }
  await refused(
    writeTar([...files.filter(({ name }) => name !== 'index.json'), large]),
    /more than 4194304 bytes/,
    'a large index',
  )
  await refused(
    Buffer.from('\x1f\x8b\x08 and so on'.padEnd(2048), 'latin1'),
    /it is compressed/,
    'compressed',
  )
  await refused(Buffer.from('no tar'.padEnd(2048)), /no tar, or it is damaged/, 'no tar')
  t.match(await verifyPack('/nowhere.tar'), { status: 1, err: /cannot be read: ENOENT/ })
  t.match(await verifyPack(dirname(file)), { status: 1, err: /is no plain file/ })
})

t.test('an archive is there whole or not at all', async (t) => {
  let fails = false
  const registry = await startRegistry(t, {
    intercept: (request, response) => {
      if (!fails || request.method !== 'GET' || !request.url?.includes('/blobs/')) return false
      response.writeHead(404).end('{}')
      return true
    },
  })
  const { pinned } = await registry.push('app')
  const folder = t.testdir()
  fails = true
  t.equal((await run('pack', pinned, '-o', join(folder, 'app.tar'))).status, 1)
  t.same(execFileSync('ls', [folder], { encoding: 'utf8' }), '')
  t.match(await run('pack', `${pinned.split('@')[0]}:none`, '-o', join(folder, 'app.tar')), { status: 11 })
  t.match(await run('pack', pinned, '-o', join(folder, 'no/app.tar')), { status: 1, err: /cannot write/ })
})

type TarFile = {
  readonly name: string
  readonly content: Buffer
  readonly type?: string
  readonly size?: string
}

function readTar(bytes: Buffer): readonly TarFile[] {
  const files: TarFile[] = []
  for (let at = 0; bytes[at] !== 0; ) {
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8)
    const name = bytes.toString('utf8', at, bytes.indexOf(0, at))
    files.push({ name, content: bytes.subarray(at + 512, at + 512 + size) })
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

function writeTar(files: readonly TarFile[]): Buffer {
  const parts = files.map(({ name, content, type = '0', size }) => {
    const block = Buffer.alloc(512)
    block.write(name, 0, 100)
    block.write(size ?? content.length.toString(8).padStart(11, '0'), 124, 'latin1')
    block.write('        ', 148)
    block.write(type, 156)
    block.write('ustar\x0000', 257, 'latin1')
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return Buffer.concat([block, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
  })
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}
