/** What was made elsewhere is attached to images, and what is attached again. One registry a test, no stack. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/cosign-3.1.3-${name}`, import.meta.url))
const run = (...words: readonly string[]) =>
  runCommand(words, { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' })
const sign = (...words: readonly string[]) =>
  run('sign', '--key', key('p256.key'), '--tlog-upload=false', ...words)
const attest = (...words: readonly string[]) =>
  run('attest', '--key', key('p256.key'), '--tlog-upload=false', ...words)
const verify = (...words: readonly string[]) =>
  run('verify', '--key', key('p256.pub'), '--insecure-ignore-tlog', ...words)
const verifyAttestation = (...words: readonly string[]) =>
  run('verify-attestation', '--key', key('p256.pub'), '--insecure-ignore-tlog', ...words)

/** Signed and attested in both forms; then the image alone, and its parts in files. */
async function takeApart(t: Test) {
  const registry = await startRegistry(t, { referrersApi: true })
  const { pinned, tag, digest } = await registry.push('app')
  const folder = t.testdir({ predicate: 'tested' })
  const file = (name: string): string => path.join(folder, name)
  for (const { status, err } of [
    await sign('--format', 'both', pinned),
    await attest('--format', 'both', '--predicate', file('predicate'), pinned),
  ])
    t.equal(status, 0, err)
  const [bundle = '', old = ''] = (await run('download', 'signature', pinned)).out.split('\n')
  const [statement = '', envelope = ''] = (await run('download', 'attestation', pinned)).out.split('\n')
  const { Base64Signature, Payload } = JSON.parse(old) as Record<string, string>
  writeFileSync(file('bundle'), bundle)
  writeFileSync(file('statement'), statement)
  writeFileSync(file('envelope'), envelope)
  writeFileSync(file('signature'), `${Base64Signature}\n`)
  writeFileSync(file('payload'), Buffer.from(Payload ?? '', 'base64'))
  t.equal((await run('clean', '-f', pinned)).status, 0)
  t.equal((await verify(pinned)).status, 10)
  return { registry, pinned, tag, digest, file }
}

const layersOf = async (reference: string): Promise<readonly number[]> => {
  const { out } = await run('tree', '--json', reference)
  const { attached } = JSON.parse(out) as { attached: readonly { layers: readonly string[] }[] }
  return attached.map(({ layers }) => layers.length)
}

t.test('a bundle or the parts of an old signature are attached, and verify', async (t) => {
  const { pinned, file } = await takeApart(t)
  const bundle = await run('attach', 'signature', '--bundle', file('bundle'), pinned)
  t.equal(bundle.status, 0, bundle.err)
  t.match((await verify(pinned)).out, /sigstore\.dev\/cosign\/sign\/v1/)
  t.equal((await run('clean', '-f', pinned)).status, 0)
  const parts = ['--payload', file('payload'), '--signature', file('signature')]
  const old = await run('attach', 'signature', ...parts, pinned)
  t.equal(old.status, 0, old.err)
  t.match((await verify(pinned)).out, /cosign container image signature/)
  t.equal((await run('clean', '-f', pinned)).status, 0)
  const implied = await run('attach', 'signature', '--signature', file('signature'), pinned)
  t.match(implied.err, /WARNING: using obsolete implied signature payload data/)
  t.equal((await verify(pinned)).status, 0, 'what cosign signs is known without the payload')
})

t.test('bundles and envelopes are attached as attestations, several at once', async (t) => {
  const { pinned, tag, file } = await takeApart(t)
  writeFileSync(file('lines'), `${readFileSync(file('envelope'), 'utf8')}\n\n`)
  const attached = await run(
    'attach',
    'attestation',
    '--attestation',
    file('statement'),
    '--attestation',
    file('lines'),
    tag,
  )
  t.equal(attached.status, 0, attached.err)
  t.match(attached.err, /uses a tag, not a digest/)
  t.same(await layersOf(pinned), [1, 1])
  t.equal((await verifyAttestation(pinned)).status, 0)
  t.equal((await run('clean', '-f', '--type', 'referrer', pinned)).status, 0)
  t.equal((await verifyAttestation(pinned)).status, 0, 'the envelope alone')
})

t.test('what nobody could read later is not attached', async (t) => {
  const { pinned, file } = await takeApart(t)
  const older = readFileSync(file('bundle'), 'utf8').replace('bundle.v0.3+json', 'bundle+json;version=0.1')
  writeFileSync(file('older'), older)
  writeFileSync(file('other'), readFileSync(file('envelope'), 'utf8').replace('in-toto+json', 'other+json'))
  writeFileSync(file('empty'), '\n')
  for (const [words, message] of [
    [['signature', '--bundle', file('older')], /a bundle of version 0\.1 is read by nobody/],
    [['signature', '--payload', file('payload')], /--signature is required/],
    [['signature', '--signature', file('empty')], /empty signature/],
    [['signature', '--signature', file('signature'), '--certificate-chain', 'x'], /give both/],
    [['attestation', '--attestation', file('other')], /invalid payloadType/],
    [['attestation', '--attestation', file('payload')], /envelope/],
    [['attestation'], /--attestation is required/],
    [['sbom'], /--sbom is required/],
    [
      ['sbom', '--sbom', file('payload'), '--type', 'spdx', '--input-format', 'xml'],
      /expected \(json\|text\)/,
    ],
  ] as const) {
    const { status, err } = await run('attach', ...words, pinned)
    t.equal(status, 1, words.join(' '))
    t.match(err, message)
  }
  t.same(await layersOf(pinned), [])
})

t.test('an SBOM is attached, replaced, downloaded byte for byte, signed and verified', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const folder = t.testdir({ 'a.json': '{"a":1}\n', b: 'SPDXVersion: SPDX-2.3\r\n' })
  const none = await run('download', 'sbom', pinned)
  t.equal(none.status, 1)
  t.match(none.err, /Error: no sbom attached to reference/)
  for (const [name, mediaType] of [
    ['a.json', 'text/spdx+json'],
    ['b', 'text/spdx'],
  ] as const) {
    const file = path.join(folder, name)
    const attached = await run('attach', 'sbom', '--sbom', file, pinned)
    t.equal(attached.status, 0, attached.err)
    const { out, err } = await run('download', 'sbom', pinned)
    t.equal(out, readFileSync(file, 'utf8'))
    t.match(err, `Found SBOM of media type: ${mediaType}\n`)
  }
  t.equal((await verify('--attachment', 'sbom', pinned)).status, 10)
  t.equal((await sign('--attachment', 'sbom', '--format', 'both', pinned)).status, 0)
  t.equal((await verify('--attachment', 'sbom', pinned)).status, 0)
  t.equal((await verify(pinned)).status, 10, 'the image itself is not signed by it')
})

t.test('the same key adds no second old signature that says the same', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const legacy = (...words: readonly string[]) => sign('--format', 'legacy', ...words, pinned)
  for (let round = 0; round < 3; round++) t.equal((await legacy()).status, 0)
  t.same(await layersOf(pinned), [1], 'signatures of ECDSA keys differ each time')
  t.equal((await legacy('-a', 'a=b')).status, 0)
  t.same(await layersOf(pinned), [2], 'another payload')
  const byOther = ['--key', key('p384.key'), '--tlog-upload=false', '--format', 'legacy']
  const other = await run('sign', ...byOther, pinned)
  t.equal(other.status, 0, other.err)
  t.same(await layersOf(pinned), [3], 'another key')
  t.equal((await legacy()).status, 0)
  t.same(await layersOf(pinned), [3])
})

t.test('attestations of the type give way to the one that replaces them, others do not', async (t) => {
  for (const referrersApi of [true, false]) {
    const registry = await startRegistry(t, { referrersApi })
    const { pinned } = await registry.push('app')
    const predicate = path.join(t.testdir({ p: '{}' }), 'p')
    const add = (...words: readonly string[]) =>
      attest('--format', 'both', '--predicate', predicate, ...words, pinned)
    t.equal((await add()).status, 0)
    t.equal((await add()).status, 0)
    t.equal((await add('--type', 'openvex')).status, 0)
    t.same(await layersOf(pinned), [3, 1, 1, 1])
    const { status, err } = await add('--replace')
    t.equal(status, 0, err)
    t.same(await layersOf(pinned), [2, 1, 1])
    t.equal((await verifyAttestation(pinned)).status, 0)
    t.equal((await verifyAttestation('--type', 'openvex', pinned)).status, 0)
  }
})

t.test('credentials are kept where docker has them, and are used from there', async (t) => {
  const asked: (string | undefined)[] = []
  const wanted = `Basic ${Buffer.from('alice:secret word').toString('base64')}`
  const registry = await startRegistry(t, {
    intercept: ({ headers }, response) => {
      asked.push(headers.authorization)
      if (headers.authorization === wanted) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end('{}')
      return true
    },
  })
  const folder = t.testdir({ 'config.json': '{"auths":{"other.example":{"auth":"YTpi"}},"psFormat":"x"}' })
  const login = (words: readonly string[], input = '') =>
    runCommand(['login', ...words], { DOCKER_CONFIG: folder }, Buffer.from(input))
  const kept = await login([registry.host, '-u', 'alice', '--password-stdin'], 'secret word\n')
  t.equal(kept.status, 0, kept.err)
  t.equal(kept.err, `logged in via ${path.join(folder, 'config.json')}\n`)
  const config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as {
    auths: Record<string, object>
    psFormat: string
  }
  t.same(Object.keys(config.auths), ['other.example', registry.host])
  t.equal(config.psFormat, 'x', 'all else stays')
  await runCommand(['tree', `${registry.host}/app:v1`], { DOCKER_CONFIG: folder })
  t.ok(asked.includes(wanted))
  t.match((await login(['registry.example', '-u', 'a', '-p', 'b'])).err, /Use --password-stdin/)
  for (const [words, message] of [
    [['registry.example'], /username and password required/],
    [['registry.example', '-u', 'a', '--password-stdin'], /username and password required/],
    [['registry.example', '-u', 'a', '-p', 'b', '--password-stdin'], /mutually exclusive/],
    [['registry', '-u', 'a', '-p', 'b'], /is no registry/],
    [['https://registry.example', '-u', 'a', '-p', 'b'], /no scheme/],
  ] as const) {
    const { status, err } = await login(words)
    t.equal(status, 1, words.join(' '))
    t.match(err, message)
  }
})
