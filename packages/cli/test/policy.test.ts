/** A policy of images from `policy init` over `policy test` to `policy export`: keys, no stack, one registry. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readImagePolicy } from '@sigstack/image-policy'
import t from 'tap'
import { startRegistry } from './registries.ts'
import { quickKey, runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const privateKey = await quickKey(t, 'cosign-3.1.3-p256.key')
const publicKey = key('cosign-3.1.3-p256.pub')
const otherPublicKey = key('cosign-3.1.3-p384.pub')
const root = fileURLToPath(
  new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
)

const environment = { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' }
const run = (...words: readonly string[]) => runCommand(words, environment)
const init = (...words: readonly string[]) => run('policy', 'init', ...words)
const sign = (...words: readonly string[]) =>
  run('sign', '--key', privateKey, '--tlog-upload=false', ...words)

t.test('images pass or not by each rule that covers them, in each form that the policy names', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const folder = t.testdir({ 'predicate.json': '{}' })
  const file = join(folder, 'policy.yaml')
  const write = (signatures: string, ...more: readonly string[]) =>
    init(
      '--force',
      '--out',
      file,
      '--image',
      `${registry.host}/team/**`,
      '--no-log',
      '--signatures',
      signatures,
      ...more,
    )
  const test = async (...images: readonly string[]) => {
    const { status, out } = await run('policy', 'test', '--json', file, ...images)
    const tested = JSON.parse(out) as { verdict: string; rules: { holds: boolean; reasons: string[] }[] }[]
    return { status, verdicts: tested.map(({ verdict }) => verdict), tested }
  }
  const unsigned = await registry.push('team/unsigned')
  const signed = await registry.push('team/signed')
  const old = await registry.push('team/old')
  const elsewhere = await registry.push('elsewhere/app')
  t.equal((await sign(signed.pinned)).status, 0)
  t.equal((await sign('--format', 'legacy', old.pinned)).status, 0)

  t.equal((await write('bundle', '--key', publicKey)).status, 0)
  const byBundle = await test(signed.pinned, old.pinned, unsigned.pinned, elsewhere.pinned)
  t.same(byBundle.verdicts, ['allowed', 'refused', 'refused', 'allowed'])
  t.equal(byBundle.status, 1)
  t.match(byBundle.tested[0], { digest: signed.digest, rules: [{ holds: true, signedBy: ['its key'] }] })
  t.match(byBundle.tested[2]?.rules, [{ holds: false, reasons: ['no signature is there'] }])
  t.same(byBundle.tested[3]?.rules, [])
  t.equal((await test(signed.pinned, elsewhere.pinned)).status, 0)

  await write('legacy', '--key', publicKey)
  t.same((await test(signed.pinned, old.pinned)).verdicts, ['refused', 'allowed'])
  await write('both', '--key', publicKey)
  t.same((await test(signed.pinned, old.pinned)).verdicts, ['refused', 'refused'])
  t.equal((await sign('--format', 'legacy', signed.pinned)).status, 0)
  t.same((await test(signed.pinned)).verdicts, ['allowed'])

  await write('bundle', '--key', otherPublicKey)
  const other = await test(signed.pinned)
  t.same(other.verdicts, ['refused'])
  t.match(other.tested[0]?.rules[0]?.reasons, [/^bundle sha256:.* not by the key/])
  await write('bundle', '--key', otherPublicKey, '--key', publicKey)
  t.same((await test(signed.pinned)).verdicts, ['allowed'], 'one of the keys suffices')
  await write('bundle', '--key', otherPublicKey, '--mode', 'warn')
  t.same(await test(signed.pinned).then(({ status, verdicts }) => [status, ...verdicts]), [0, 'warned'])
  await write('bundle', '--key', publicKey, '--otherwise', 'deny')
  t.same((await test(elsewhere.pinned)).verdicts, ['refused'])
  const gone = await test(`${registry.host}/team/signed:none`)
  t.same([gone.status, ...gone.verdicts], [1, 'unknown'])

  await write('bundle', '--key', publicKey, '--attestation', 'slsaprovenance1')
  const words = await run('policy', 'test', file, signed.pinned, unsigned.pinned)
  t.equal(words.status, 1)
  const [ofSigned, ofUnsigned] = words.out.split(/^(?=127)/m)
  t.equal(
    ofSigned?.replace(/sha256:[0-9a-f]{64}: invalid/, 'DIGEST: invalid'),
    `${signed.pinned}: refused\n  rule signed does not hold:\n` +
      '    bundle DIGEST: invalid predicate type, expected "https://slsa.dev/provenance/v1" got "https://sigstore.dev/cosign/sign/v1"\n',
  )
  t.equal(
    ofUnsigned,
    `${unsigned.pinned}: refused\n  rule signed does not hold:\n    no signature is there\n` +
      '    no attestation of the type https://slsa.dev/provenance/v1 is there\n',
  )
  const predicate = join(folder, 'predicate.json')
  const attest = ['attest', '--key', privateKey, '--tlog-upload=false', '--predicate', predicate]
  t.equal((await run(...attest, '--type', 'slsaprovenance1', signed.pinned)).status, 0)
  const attested = await test(signed.pinned)
  t.same(attested.verdicts, ['allowed'])
})

t.test('an attestation by the right key is no signature', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const { pinned } = await registry.push('app')
  const folder = t.testdir({ 'predicate.json': '{}' })
  const file = join(folder, 'policy.yaml')
  await init('--out', file, '--image', `${registry.host}/**`, '--no-log', '--key', publicKey)
  const attest = ['attest', '--key', privateKey, '--tlog-upload=false']
  const attested = await run(
    ...attest,
    '--predicate',
    join(folder, 'predicate.json'),
    '--type',
    'custom',
    pinned,
  )
  t.equal(attested.status, 0, attested.err)
  const { status, out } = await run('policy', 'test', file, pinned)
  t.equal(status, 1)
  t.match(out, /predicate type/)
})

t.test('policy init takes flags or answers, and writes over nothing', async (t) => {
  const file = join(t.testdir(), 'policy.yaml')
  const answers = Buffer.from('registry.example/**\r\nci@example.org\nhttps://issuer.example')
  const asked = await runCommand(['policy', 'init', '--out', file], environment, answers)
  t.equal(asked.status, 0, asked.err)
  t.match(asked.err, /Which images\?.*Who must have signed\?.*Which OIDC issuer.*Wrote /)
  t.equal(statSync(file).mode & 0o777, 0o644 & ~process.umask())
  t.match(readImagePolicy(readFileSync(file, 'utf8')), {
    rules: [
      {
        images: ['registry.example/**'],
        signedBy: [{ issuer: 'https://issuer.example', identity: 'ci@example.org' }],
      },
    ],
  })
  const image = ['--image', 'registry.example/app']
  const again = await init('--out', file, ...image, '--key', publicKey)
  t.match(again.err, /is there already; --force/)
  const silent = await init('--out', '-', ...image)
  t.match(silent.err, /there is no answer; --identity, --source-repository or --key says it/)
  const nobody = await init('--out', '-', ...image, '--identity', 'a@example.org')
  t.match(nobody.err, /name the issuer with --issuer/)
  const bad = await init('--out', '-', '--image', 'app', '--key', publicKey)
  t.match(bad.err, /rules\[0\]\.images\[0\] "app" has no registry/)
  const job = ['--issuer', 'https://i', '--source-repository', 'https://s', '--ref-pattern', 'refs/tags/*']
  const byJob = await init('--out', '-', ...image, ...job, '--with-trust', '--trusted-root', root)
  t.match(readImagePolicy(byJob.out), {
    rules: [{ signedBy: [{ sourceRepository: 'https://s', refPattern: 'refs/tags/*' }] }],
    trustedRoot: readFileSync(root, 'utf8'),
  })
})

t.test('policy init warns of a signer that is broader than it looks', async (t) => {
  const whom = ['--issuer', 'https://issuer.example']
  const warned = async (...words: readonly string[]) => {
    const { status, err } = await init('--out', '-', '--image', 'registry.example/app', ...whom, ...words)
    t.equal(status, 0)
    return err
  }
  const start = 'https://github\\.com/acme/'
  const job = `${start}app/\\.github/workflows/release\\.yml@refs/tags/v[0-9]+`
  t.match(await warned('--identity-pattern', `${start}.*`), /^WARNING: .* any repository of its owner$/m)
  t.match(await warned('--source-repository', 'https://s'), /^WARNING: .* any branch and any tag$/m)
  t.equal(await warned('--identity-pattern', job), '')
  t.equal(await warned('--identity', 'ci@example.org', '--source-repository', 'https://s'), '')
  t.equal(await warned('--key', publicKey), '')
})

t.test('policy export prints what an engine takes, or why it cannot', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'policy.yaml')
  const image = ['--image', 'registry.example/team/**']
  await init('--out', file, ...image, '--key', publicKey, '--no-log', '--signatures', 'legacy')
  const exportFor = (engine: string, ...more: readonly string[]) =>
    run('policy', 'export', '--for', engine, ...more, file)

  const printed = await exportFor('containers')
  t.equal(printed.status, 0, printed.err)
  t.equal(JSON.parse(printed.out).default[0].type, 'insecureAcceptAnything')
  t.match(printed.err, /use-sigstore-attachments: true/)
  const written = await exportFor('containers', '--out', join(folder, 'out'))
  t.equal(written.status, 0)
  t.equal(readFileSync(join(folder, 'out/policy.json'), 'utf8'), printed.out)
  t.match(readFileSync(join(folder, 'out/registries.d/images.yaml'), 'utf8'), 'registry.example/team')
  const verifier = await exportFor('containerd', '--out', join(folder, 'out'))
  t.equal(verifier.status, 0)
  t.ok(statSync(join(folder, 'out/sigstack-policy')).mode & 0o100, 'it can be run')

  const kyverno = await exportFor('kyverno')
  t.match(kyverno.out, 'kind: ImageValidatingPolicy')
  const before = join(folder, 'kyverno.yaml')
  writeFileSync(before, kyverno.out.replace(/Written by sigstack .*/, 'Written by sigstack 0.0.1.'))
  t.equal((await exportFor('kyverno', '--check', before)).status, 0, 'another tool wrote the same')
  writeFileSync(before, kyverno.out.replace('registry.example', 'registry.invalid'))
  const changed = await exportFor('kyverno', '--check', before)
  t.same([changed.status, changed.out], [1, ''])
  t.match(changed.err, /export it again/)

  const refused = await run('policy', 'export', '--json', '--for', 'openshift', file)
  t.equal(refused.status, 0)
  await init('--force', '--out', file, ...image, '--key', publicKey, '--key', otherPublicKey, '--no-log')
  const told = await run('policy', 'export', '--json', '--for', 'openshift', file)
  t.equal(told.status, 1)
  t.match(JSON.parse(told.out), { error: { code: 'bad_policy', reasons: [/legacy/, /reads one key/] } })
  t.match((await exportFor('nobody')).err, /Allowed choices are kyverno, kyverno-clusterpolicy/)

  const identity = ['--identity', 'a@example.org', '--issuer', 'https://i', '--with-trust']
  await init('--force', '--out', file, ...image, ...identity, '--trusted-root', root)
  t.match((await exportFor('kyverno')).err, /--tuf-mirror and --tuf-root/)
  const tuf = ['--tuf-mirror', 'https://trust.example/tuf', '--tuf-root', root]
  const byTuf = await exportFor('kyverno', ...tuf)
  t.equal(byTuf.status, 0, byTuf.err)
  t.match(byTuf.out, 'mirror: https://trust.example/tuf')
})
