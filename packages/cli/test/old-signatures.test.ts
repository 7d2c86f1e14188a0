/** Old signatures in the parts that cosign's scripts pass around: payloads, signatures and certificates as files. */
import { generateKeyPairSync, sign as signWith } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const privateKey = key('cosign-3.1.3-p256.key')
const publicKey = key('cosign-3.1.3-p256.pub')
const environment = { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' }

const run = (...words: readonly string[]) => runCommand(words, environment)
const sign = (...words: readonly string[]) =>
  run('sign', '--key', privateKey, '--tlog-upload=false', ...words)
const byKey = ['--key', publicKey, '--insecure-ignore-tlog']

t.test('generate prints what is signed, and another program may sign it', async (t) => {
  const folder = t.testdir()
  const registry = await startRegistry(t)
  const { pinned, digest } = await registry.push('app')
  const { status, out } = await run('generate', '-a', 'a=b', pinned)
  t.equal(status, 0)
  const several = await run('generate', '-a', 'a=1,b=2=3', '-a', '"c=4,""5"', pinned)
  t.same(JSON.parse(several.out).optional, { a: '1', b: '2=3', c: '4,"5' })
  t.match(await run('generate', '-a', 'a=1,2', pinned), { status: 1, err: /must be NAME=VALUE, with quotes/ })
  t.equal(
    out,
    `{"critical":{"identity":{"docker-reference":"${registry.host}/app"},"image":{"docker-manifest-digest":"${digest}"},"type":"cosign container image signature"},"optional":{"a":"b"}}`,
  )
  const [payload, signature, pem] = ['p.json', 's.b64', 'k.pub'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signed = signWith('sha256', Buffer.from(out), pair.privateKey)
  writeFileSync(payload, out)
  writeFileSync(signature, `${signed.toString('base64')}\n`)
  writeFileSync(pem, pair.publicKey.export({ type: 'spki', format: 'pem' }))
  const verify = (...words: readonly string[]) =>
    run('verify', '--key', pem, '--insecure-ignore-tlog', ...words, pinned)
  const verified = await verify('--signature', signature, '--payload', payload, '-a', 'a=b')
  t.equal(verified.status, 0, verified.err)
  t.match(JSON.parse(verified.out), [{ critical: { image: { 'docker-manifest-digest': digest } } }])
  t.match(await verify('--signature', signed.toString('base64'), '--payload', payload), { status: 0 })
  t.match(
    await verify('--signature', signature),
    { status: 12, err: /the signature of --signature: / },
    'without the payload it is that of the image alone',
  )
  t.match(await verify('--payload', payload), { status: 1, err: /which --signature must name/ })
  const other = await registry.push('other')
  t.match(
    await run(
      'verify',
      '--key',
      pem,
      '--insecure-ignore-tlog',
      '--signature',
      signature,
      '--payload',
      payload,
      other.pinned,
    ),
    { status: 12, err: /digest in claim: the signature is for/ },
  )
})

t.test('a payload of the caller is signed as it is, if it is of the image', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const { out } = await run('generate', '-a', 'by=hand', pinned)
  const payload = join(t.testdir({ p: out }), 'p')
  const words = ['--payload', payload, '--new-bundle-format=false']
  const signed = await sign(...words, pinned)
  t.equal(signed.status, 0, signed.err)
  t.match(signed.err, `Using payload from: ${payload}\n`)
  t.match(await run('verify', ...byKey, '-a', 'by=hand', pinned), { status: 0 })
  t.match(await sign('--payload', payload, pinned), { status: 1, err: /Add --new-bundle-format=false/ })
  const other = await registry.push('other')
  const before = registry.attachedTags().length
  t.match(await sign(...words, other.pinned), { status: 1, err: /digest in claim/ })
  t.equal(registry.attachedTags().length, before, 'nothing is stored that nobody would accept')
})

t.test('the parts of a signature are written, of each form, and verify again', async (t) => {
  for (const format of ['legacy', 'bundle']) {
    const folder = t.testdir()
    const registry = await startRegistry(t)
    const { pinned, digest } = await registry.push('app')
    const at = (name: string) => join(folder, name)
    const outputs = [
      '--output-signature',
      at('s'),
      '--output-payload',
      at('p'),
      '--output-certificate',
      at('c'),
    ]
    const signed = await sign('--format', format, '--upload=false', ...outputs, pinned)
    t.equal(signed.status, 0, signed.err)
    t.same(registry.attachedTags(), [], 'nothing is uploaded')
    t.equal(readFileSync(at('c'), 'utf8'), readFileSync(publicKey, 'utf8'))
    t.match(readFileSync(at('p'), 'utf8'), digest.slice(7))
    if (format === 'legacy')
      t.match(await run('verify', ...byKey, '--signature', at('s'), '--payload', at('p'), pinned), {
        status: 0,
      })
    const recursive = await sign(
      '--format',
      format,
      '-r',
      '--upload=false',
      '--output-signature',
      at('r'),
      pinned,
    )
    t.equal(recursive.status, 0, recursive.err)
    t.ok(existsSync(`${at('r')}-${digest.replace(':', '-')}`), 'each image has a name of its own')
  }
  const registry = await startRegistry(t)
  const [a, b] = [await registry.push('one'), await registry.push('two')]
  const place = join(t.testdir(), 's')
  t.match(await sign('--output-signature', place, a.pinned, b.pinned), {
    status: 1,
    err: /holds the parts of one image/,
  })
  t.notOk(existsSync(place))
})

t.test(
  'several names of an old signature are lines of the files, and --bundle has the old form',
  async (t) => {
    const folder = t.testdir()
    const registry = await startRegistry(t)
    const { pinned } = await registry.push('app')
    const names = ['--sign-container-identity', 'r.example/a', '--sign-container-identity', 'r.example/b']
    const [signature, payload, bundle] = ['s', 'p', 'b'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const outputs = ['--output-signature', signature, '--output-payload', payload, '--bundle', bundle]
    const signed = await sign('--format', 'legacy', ...names, ...outputs, pinned)
    t.equal(signed.status, 0, signed.err)
    const lines = (path: string) => readFileSync(path, 'utf8').split('\n')
    t.equal(lines(signature).length, 2)
    t.match(lines(payload), [/"r\.example\/a"/, /"r\.example\/b"/])
    t.same(
      lines(bundle).map((line) => (JSON.parse(line) as { base64Signature: string }).base64Signature),
      lines(signature),
    )
  },
)

t.test(
  'old tags have the types of Docker where that is asked for, and nothing larger than the limit is read',
  async (t) => {
    const registry = await startRegistry(t)
    const { pinned, digest } = await registry.push('app')
    const words = ['sign', '--key', privateKey, '--tlog-upload=false', '--format', 'legacy', pinned]
    const signed = await runCommand(words, { ...environment, COSIGN_DOCKER_MEDIA_TYPES: '1' })
    t.equal(signed.status, 0, signed.err)
    const stored = registry.manifests.get(registry.tags.get(`${digest.replace(':', '-')}.sig`) ?? '')
    t.equal(stored?.type, 'application/vnd.docker.distribution.manifest.v2+json')
    t.match(JSON.parse(stored?.bytes.toString() ?? ''), {
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { mediaType: 'application/vnd.docker.container.image.v1+json' },
    })
    const verify = (size: string) =>
      runCommand(['verify', ...byKey, pinned], { ...environment, COSIGN_MAX_ATTACHMENT_SIZE: size })
    t.match(await verify('1 MiB'), { status: 0 })
    t.match(await verify('20B'), { status: 12, err: /Error: / })
    t.match(await verify('much'), { status: 1, err: /"much", which is no size/ })
  },
)
