import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogger } from '@sigstack/server'
import { parseTrustedRoot } from '@sigstack/trust-root'
import { readBundle } from '@sigstack/verification'
import t from 'tap'
import { selfCheck } from '../src/self-check.ts'
import { startRegistry } from './registries.ts'
import { proxyEnvironment, runCommand, runProgram } from './support.ts'
import { startTestStack } from './test-stack.ts'

t.setTimeout(600_000)

const folder = t.testdir({ file: 'hello', other: 'hullo' })
const data = join(folder, 'data')
const file = join(folder, 'file')

const run = (words: readonly string[], environment: Record<string, string> = {}) =>
  runCommand(words, { SIGSTACK_DATA: data, ...environment }, Buffer.from('from elsewhere'))

t.test('rules that do not admit the self-check refuse it, and end nothing', async (t) => {
  const policy = "policies: { '*': [{ name: staff, allow: { subject: someone } }] }\n"
  const place = t.testdir({ 'policy.yaml': policy })
  const stack = await startTestStack(t, {
    SIGSTACK_DATA: join(place, 'data'),
    CA_POLICY_FILE: join(place, 'policy.yaml'),
  })
  t.match(await selfCheck(stack.endpoints), { by: 'ca', message: /\(403\) .*"staff"/ })
})

t.test('against a whole stack', { timeout: 600_000 }, async (t) => {
  const stack = await startTestStack(t, { SIGSTACK_DATA: data })
  const { issuer, services } = stack.endpoints
  const as = (identity: string) => ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer]

  await t.test('a file is signed as the one whom the token names, and verifies', async (t) => {
    const token = await run(['token', '--email', 'a@example.org'])
    t.equal(token.status, 0)
    const signed = await run(['sign-blob', '--json', file], { SIGSTORE_ID_TOKEN: token.out })
    t.equal(signed.status, 0, signed.err)
    const bundlePath = `${file}.sigstore.json`
    t.match(JSON.parse(signed.out), {
      bundle: bundlePath,
      identity: 'a@example.org',
      issuer,
      logIndex: /^\d+$/,
    })
    t.equal(statSync(bundlePath).mode & 0o777, 0o600)
    const bundle = readBundle(readFileSync(bundlePath, 'utf8'))
    t.equal(bundle.version, '0.3')
    t.ok('certificate' in bundle.material)

    const verify = (who: string, what = file) =>
      run(['verify-blob', '--bundle', bundlePath, ...as(who), what])
    t.same(await verify('a@example.org'), { status: 0, out: '', err: 'Verified OK\n' })
    t.equal((await verify('b@example.org')).status, 1)
    t.equal((await verify('a@example.org', join(folder, 'other'))).status, 1)
  })

  await t.test('without a token the trial issuer gives one, and says so', async (t) => {
    const signed = await run(['sign-blob', '--bundle', '-', '-'])
    t.equal(signed.status, 0, signed.err)
    t.match(signed.err, /No identity token given: signing as trial@example.org/)
    writeFileSync(join(folder, 'bundle.json'), signed.out)
    t.equal(
      (await run(['verify-blob', '--bundle', join(folder, 'bundle.json'), ...as('trial@example.org'), '-']))
        .status,
      0,
    )
  })

  await t.test('a key of the caller is certified where that is asked for', async (t) => {
    const key = fileURLToPath(new URL('../../signing/test/vectors/keys/cosign-3.1.3-p256', import.meta.url))
    const { out } = await run(['token', '--email', 'a@example.org'])
    const bundle = join(folder, 'certified.json')
    const words = ['sign-blob', '--key', `${key}.key`, '--issue-certificate', '--bundle', bundle, file]
    const signed = await run(words, { COSIGN_PASSWORD: 'secret', SIGSTORE_ID_TOKEN: out })
    t.equal(signed.status, 0, signed.err)
    t.match(signed.err, /^Signed as a@example.org /m)
    t.match(await run(['verify-blob', '--bundle', bundle, ...as('a@example.org'), file]), { status: 0 })
    t.match(await run([...words, '--certificate', 'c.pem']), { status: 1, err: /asks for another/ })
  })

  await t.test('a key signs and attests with the log beside it, which verifiers then ask for', async (t) => {
    const key = fileURLToPath(new URL('../../signing/test/vectors/keys/cosign-3.1.3-p256', import.meta.url))
    const secret = { COSIGN_PASSWORD: 'secret' }
    const [bundle, attestation] = [join(folder, 'key.json'), join(folder, 'key-att.json')]
    const signed = await run(['sign-blob', '--key', `${key}.key`, '--bundle', bundle, file], secret)
    t.equal(signed.status, 0, signed.err)
    t.match(signed.err, /^Signed, log index \d+$/m)
    const words = ['attest-blob', '--key', `${key}.key`, '--predicate', bundle, '--bundle', attestation]
    t.match(await run([...words, file], secret), { status: 0 })
    const verify = (command: string, what: string, ...more: readonly string[]) =>
      run([command, '--key', `${key}.pub`, '--bundle', what, ...more, file])
    t.same(await verify('verify-blob', bundle), { status: 0, out: '', err: 'Verified OK\n' })
    t.same(await verify('verify-blob-attestation', attestation), { status: 0, out: '', err: 'Verified OK\n' })
    t.match(JSON.parse(readFileSync(attestation, 'utf8')), {
      verificationMaterial: { tlogEntries: [{ kindVersion: { kind: 'dsse', version: '0.0.1' } }] },
    })
    // The signing config names a timestamp authority, so there is a stamp too.
    t.match(await verify('verify-blob', bundle, '--use-signed-timestamps'), { status: 0 })

    const legacy = join(folder, 'legacy.json')
    const unbundled = ['--new-bundle-format=false', '--bundle', legacy, file]
    t.match(await run(['sign-blob', '--key', `${key}.key`, ...unbundled], secret), {
      status: 0,
      out: /^[A-Za-z0-9+/=]+\n$/,
    })
    t.same(await verify('verify-blob', legacy), { status: 0, out: '', err: 'Verified OK\n' })

    // An authority of stamps that the caller names is enough for them, and nobody else is.
    const authority = (chain: string) =>
      run(
        [
          'verify-blob',
          '--key',
          `${key}.pub`,
          '--bundle',
          bundle,
          '--insecure-ignore-tlog',
          '--timestamp-certificate-chain',
          chain,
          file,
        ],
        { SIGSTACK_DATA: '/nowhere' },
      )
    t.match(await authority(stack.endpoints.files['tsaCertificates'] ?? ''), { status: 0 })
    t.match(await authority(stack.endpoints.files['caCertificates'] ?? ''), { status: 1, err: /timestamp/ })

    // Each part a file of its own: who verifies by the stamp alone needs no log.
    const [signature, stamp] = [join(folder, 'alone.sig'), join(folder, 'alone.tsr')]
    const parts = ['--output-signature', signature, '--rfc3161-timestamp', stamp, '--new-bundle-format=false']
    t.match(await run(['sign-blob', '--key', `${key}.key`, ...parts, file], secret), { status: 0 })
    const alone = ['verify-blob', '--key', `${key}.pub`, '--signature', signature, '--insecure-ignore-tlog']
    t.match(await run([...alone, '--rfc3161-timestamp', stamp, '--use-signed-timestamps', file]), {
      status: 0,
    })
    t.match(await run([...alone, '--use-signed-timestamps', file]), { status: 1, err: /no signed timestamp/ })

    // Of an envelope cosign 3 has the signature in it stamped, and cosign 2 the envelope.
    const [envelope, inner] = [join(folder, 'alone.dsse'), join(folder, 'inner.tsr')]
    const apart = ['--output-signature', envelope, '--rfc3161-timestamp-bundle', inner]
    const attested = [
      'attest-blob',
      '--key',
      `${key}.key`,
      '--predicate',
      bundle,
      ...apart,
      '--no-new-bundle-format',
    ]
    t.match(await run([...attested, file], secret), { status: 0 })
    t.match(await run(['timestamp', 'create', envelope]), { status: 0 })
    const stamped = (command: string, what: string, by: string) => {
      const parts = ['--signature', what, '--rfc3161-timestamp', by, '--use-signed-timestamps']
      return run([command, '--key', `${key}.pub`, '--insecure-ignore-tlog', ...parts, file])
    }
    for (const by of [inner, `${envelope}.tsr`])
      t.match(await stamped('verify-blob-attestation', envelope, by), { status: 0, err: /Verified OK/ }, by)
    for (const [command, what, by] of [
      ['verify-blob-attestation', envelope, stamp],
      ['verify-blob', signature, inner],
    ] as const)
      t.match(await stamped(command, what, by), { status: 1, err: /a timestamp is of another signature/ })

    const made = join(folder, 'made.json')
    const create = ['bundle', 'create', '--artifact', file, '--key', `${key}.pub`, '--bundle', legacy]
    t.match(await run([...create, '--out', made]), { status: 0 })
    t.match(readBundle(readFileSync(made, 'utf8')), {
      version: '0.3',
      entries: [{ proof: { treeSize: /\d+/ } }],
    })
    t.same(await verify('verify-blob', made), { status: 0, out: '', err: 'Verified OK\n' })

    const old = join(folder, 'old.json')
    const text = readFileSync(made, 'utf8').replace('bundle.v0.3+json', 'bundle+json;version=0.1')
    writeFileSync(old, text.replace(/"inclusionProof":\{[^]*?\}\},/, ''))
    t.notMatch(readFileSync(old, 'utf8'), /inclusionProof/)
    t.match(await run(['bundle', 'upgrade', old, '--out', made]), { status: 0, err: /from v0\.1 to v0\.3/ })
    t.same(await verify('verify-blob', made), { status: 0, out: '', err: 'Verified OK\n' })
    const elsewhere = await run(['bundle', 'upgrade', old, '--rekor-url', services['ca'] ?? ''])
    t.match(elsewhere, { status: 1, err: /^Error: The transparency log at .* refused or failed/m })
  })

  await t.test('keys of every kind sign files and statements for the log', async (t) => {
    const vectors = fileURLToPath(new URL('../../signing/test/vectors/keys/', import.meta.url))
    const bundle = join(folder, 'kind.json')
    for (const kind of ['p384', 'rsa', 'ed25519'])
      for (const [sign, verify, ...more] of [
        ['sign-blob', 'verify-blob'],
        ['attest-blob', 'verify-blob-attestation', '--predicate', file],
      ] as const) {
        const key = join(vectors, `cosign-3.1.3-${kind}`)
        const words = [sign, '--key', `${key}.key`, ...more, '--bundle', bundle, file]
        const signed = await run(words, { COSIGN_PASSWORD: 'secret' })
        t.equal(signed.status, 0, signed.err)
        t.equal(
          (await run([verify, '--key', `${key}.pub`, '--bundle', bundle, file])).status,
          0,
          `${sign} ${kind}`,
        )
      }
  })

  await t.test('a file is attested as the one whom the token names', async (t) => {
    const bundle = join(folder, 'att.json')
    const words = ['attest-blob', '--predicate', file, '--bundle', bundle, file]
    const attested = await run(words)
    t.equal(attested.status, 0, attested.err)
    t.match(attested.err, /^Signed as trial@example.org/m)
    const verify = (who: string, ...more: readonly string[]) =>
      run(['verify-blob-attestation', '--bundle', bundle, ...as(who), ...more, file])
    t.same(await verify('trial@example.org'), { status: 0, out: '', err: 'Verified OK\n' })
    t.equal((await verify('b@example.org')).status, 1)
    t.match(await verify('trial@example.org', '--certificate-github-workflow-ref', 'refs/heads/main'), {
      status: 1,
      err: /workflow ref is none, expected "refs\/heads\/main"/,
    })
  })

  await t.test('a proxy of the network is not asked for a stack on this machine', async (t) => {
    const bundle = join(folder, 'unproxied.json')
    // Nothing listens there.
    const environment = { SIGSTACK_DATA: data, ...proxyEnvironment('http://127.0.0.1:1') }
    const signed = await runProgram(['sign-blob', '--bundle', bundle, file], environment)
    t.equal(signed.status, 0, signed.err)
  })

  await t.test('a bundle that the published trust does not cover is not written', async (t) => {
    const trust = JSON.parse((await run(['trust', 'fetch', 'trust-config'])).out)
    trust.trustedRoot.ctlogs = []
    const path = join(folder, 'without-ct.json')
    writeFileSync(path, JSON.stringify(trust))
    const bundle = join(folder, 'never.json')
    const { status, err } = await run(['sign-blob', '--trust-config', path, '--bundle', bundle, file])
    t.equal(status, 1)
    t.match(err, /Error: the fresh signature does not verify, so it was not written: .*no CT log/)
    t.match(err, 'sigstack doctor looks at both')
    t.throws(() => statSync(bundle), { code: 'ENOENT' })
  })

  await t.test('a token for somebody else is refused with the reason of the authority', async (t) => {
    const { out } = await run(['token', '--email', 'a@example.org', '--audience', 'elsewhere'])
    const { status, err } = await run(['sign-blob', '--identity-token', out, file])
    t.equal(status, 1)
    t.match(err, /^Error: The certificate authority at .* refused or failed: .*/m)
    t.notMatch(err, out.slice(0, 30))
  })

  await t.test('the trust is shown and exported', async (t) => {
    t.match((await run(['trust', 'show'])).out, `Certificate authority ${services['ca']}\n`)
    const out = join(folder, 'exported')
    const exported = await run(['trust', 'export', '--json', '--out', out])
    t.equal(exported.status, 0, exported.err)
    const root = readFileSync(join(out, 'trusted_root.json'), 'utf8')
    t.equal(parseTrustedRoot(root).tlogs[0]?.baseUrl, services['rekor'])
    for (const name of ['trusted-root', 'trusted_root.json', `${services['trust']}/trusted_root.json`])
      t.same(await run(['trust', 'fetch', name]), { status: 0, out: root, err: '' }, name)
    t.match(readFileSync(JSON.parse(exported.out)['ca-certificates'], 'utf8'), /^-----BEGIN CERTIFICATE-----/)
    const verify = ['verify-blob', '--trusted-root', join(out, 'trusted_root.json')]
    t.equal(
      (
        await run([...verify, '--bundle', `${file}.sigstore.json`, ...as('a@example.org'), file], {
          SIGSTACK_DATA: '/nowhere',
        })
      ).status,
      0,
      'offline',
    )
  })

  await t.test(
    'who trusts it by init signs and verifies by the profile, beside another instance',
    async (t) => {
      const home = { HOME: t.testdir(), COSIGN_PASSWORD: 'secret' }
      const token = await run(['token', '--email', 'a@example.org'])
      const there = (...words: readonly string[]) =>
        runCommand(words, { ...home, SIGSTORE_ID_TOKEN: token.out })
      t.match(await there('sign-blob', '--bundle', '-', file), { status: 1, err: /no stack is running/ })
      const trusted = await there('init', '--yes', services['trust'] ?? '')
      t.equal(trusted.status, 0, trusted.err)
      const bundle = join(folder, 'by-profile.json')
      const signed = await there('sign-blob', '--bundle', bundle, file)
      t.equal(signed.status, 0, signed.err)
      // Nobody sits there, and the issuer says of itself that it is a trial.
      const trial = await runCommand(['sign-blob', '--bundle', '-', file], home)
      t.equal(trial.status, 0, trial.err)
      t.match(trial.err, /signing as trial@example.org, by a token of the trial issuer/)
      const verify = ['verify-blob', '--bundle', bundle, ...as('a@example.org'), file]
      t.same(await there(...verify, '--offline'), { status: 0, out: '', err: 'Verified OK\n' })
      const config = join(folder, 'other-instance.json')
      const published = JSON.parse((await run(['trust', 'fetch', 'trust-config'])).out)
      writeFileSync(
        config,
        JSON.stringify({ ...published, trustedRoot: { ...published.trustedRoot, tlogs: [] } }),
      )
      t.equal((await there('init', '--yes', '--profile', 'other', config)).status, 0)
      t.match(await there(...verify), { status: 1 }, 'the other one is in use now')
      t.match(await there(...verify, '--profile', 'default'), { status: 0 })
      t.match(await runCommand(verify, { ...home, SIGSTACK_PROFILE: 'default' }), { status: 0 })
      t.equal(
        (await there('init', '--yes', '--merge', '--profile', 'other', services['trust'] ?? '')).status,
        0,
      )
      t.match(await there(...verify), { status: 0 }, 'what either of them vouches for')
    },
  )

  await t.test(
    'the log is asked for an old signature without its entry, and believed in nothing',
    async (t) => {
      const registry = await startRegistry(t)
      const { pinned, digest } = await registry.push('app')
      const token = { SIGSTORE_ID_TOKEN: (await run(['token', '--email', 'a@example.org'])).out }
      /** What is attached, without the entries that stand beside it. */
      const withoutEntries = (kind: string): void => {
        const tag = `${digest.replace(':', '-')}.${kind}`
        const stored = registry.manifests.get(registry.tags.get(tag) ?? '')?.bytes.toString() ?? ''
        const bytes = Buffer.from(stored.replace(/"dev\.sigstore\.cosign\/bundle":"(?:[^"\\]|\\.)*",/g, ''))
        t.not(bytes.length, stored.length)
        const changed = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
        registry.manifests.set(changed, { bytes, type: 'application/vnd.oci.image.manifest.v1+json' })
        registry.tags.set(tag, changed)
      }
      const rekor = services['rekor'] ?? ''
      const verify = (...words: readonly string[]) =>
        run(['verify', ...as('a@example.org'), ...words, pinned])
      t.match(await run(['sign', '--format', 'legacy', pinned], token), { status: 0 })
      t.match(await verify(), { status: 0, err: /was verified offline/ })
      withoutEntries('sig')
      const found = await verify()
      t.equal(found.status, 0, found.err)
      t.match(found.err, /The claims were present in the transparency log\n.*when the certificate was valid/)
      t.notMatch(found.out, /"Bundle"/, 'none stands beside it')
      t.match(await verify('--rekor-url', rekor), { status: 0 })
      t.match(await verify('--offline'), { status: 12, err: /holds no log entry/ })
      t.match(await verify('--rekor-url', 'http://127.0.0.1:1'), {
        status: 12,
        err: /and The transparency log at/,
      })
      t.match(await run(['verify', ...as('b@example.org'), pinned]), { status: 12 })

      const predicate = ['--predicate', file, '--type', 'custom']
      t.match(await run(['attest', '--format', 'legacy', ...predicate, pinned], token), { status: 0 })
      withoutEntries('att')
      const attested = await run(['verify-attestation', ...as('a@example.org'), pinned])
      t.equal(attested.status, 0, attested.err)
      t.match(attested.err, /The claims were present in the transparency log/)

      // Of the kind that cosign 2 may have chosen.
      const vectors = fileURLToPath(new URL('../../signing/test/vectors/keys/', import.meta.url))
      const [key, pub] = [join(vectors, 'cosign-3.1.3-p256.key'), join(vectors, 'cosign-3.1.3-p256.pub')]
      const other = await registry.push('other')
      const words = [
        'attest',
        '--key',
        key,
        '--tlog-upload=false',
        '--format',
        'legacy',
        ...predicate,
        other.pinned,
      ]
      t.match(await run(words, { COSIGN_PASSWORD: 'secret' }), { status: 0 })
      const byKey = () => run(['verify-attestation', '--key', pub, other.pinned])
      t.match(await byKey(), { status: 12, err: /holds no log entry/ })
      const stored = registry.manifests.get(registry.tags.get(`${other.digest.replace(':', '-')}.att`) ?? '')
      const [layer = ''] = /sha256:[0-9a-f]{64}(?=","annotations")/.exec(stored?.bytes.toString() ?? '') ?? []
      const envelope = registry.blobs.get(layer)?.toString()
      const publicKey = readFileSync(pub).toString('base64')
      const answer = await fetch(`${rekor}/api/v1/log/entries`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          apiVersion: '0.0.1',
          kind: 'intoto',
          spec: { content: { envelope }, publicKey },
        }),
      })
      t.equal(answer.status, 201, await answer.text())
      const logged = await byKey()
      t.equal(logged.status, 0, logged.err)
    },
  )

  await t.test(
    'a packed image verifies by the trust that came along, where somebody vouches for it',
    async (t) => {
      const registry = await startRegistry(t)
      const { pinned, digest } = await registry.push('app')
      const { out } = await run(['token', '--email', 'a@example.org'])
      const signed = await run(['sign', '--format', 'both', pinned], { SIGSTORE_ID_TOKEN: out })
      t.equal(signed.status, 0, signed.err)
      const pack = join(folder, 'app.tar')
      const packed = await run(['pack', pinned, '-o', pack])
      const [, checksum = ''] = /Its trust: (sha256:[0-9a-f]{64})/.exec(packed.err) ?? []
      const verify = (who: string, ...more: readonly string[]) =>
        runCommand(['pack', 'verify', pack, ...as(who), ...more], { HOME: '/nowhere' })
      t.match(await verify('a@example.org'), { status: 1, err: new RegExp(checksum) })
      const verified = await verify('a@example.org', '--trust-checksum', checksum)
      t.equal(verified.status, 0, verified.err)
      t.match(JSON.parse(verified.out), [{ critical: { image: { 'docker-manifest-digest': digest } } }])
      t.match(await verify('b@example.org', '--trust-checksum', checksum), { status: 12 })
      t.match(
        await run(['pack', 'verify', pack, ...as('a@example.org')]),
        { status: 0 },
        'by what the stack keeps',
      )
    },
  )

  await stack.stop()
  t.match((await run(['token', '--email', 'a@example.org'])).err, /^Error: no stack is running/)
})

t.test(
  'a stack without CT log: loud at the start, signs, and verifies when told so',
  { timeout: 600_000 },
  async (t) => {
    const SIGSTACK_DATA = join(folder, 'without-ct-log')
    const lines: string[] = []
    const logger = createLogger({
      name: 'stack',
      level: 'warn',
      destination: { write: (line) => lines.push(line) },
    })
    const stack = await startTestStack(t, { SIGSTACK_DATA, SIGSTACK_CT_LOG: 'none' }, logger)
    for (const service of ['ca', 'trust'])
      t.ok(
        lines.some((line) => line.includes('THERE IS NO CT LOG') && line.includes(`"service":"${service}"`)),
        service,
      )
    const { issuer, services, files } = stack.endpoints
    t.notOk('ct' in services)
    t.same(parseTrustedRoot(readFileSync(files['trustedRoot']!, 'utf8')).ctlogs, [])
    await selfCheck(stack.endpoints)

    const here = join(folder, 'other')
    const environment = { SIGSTACK_DATA, SIGSTORE_ID_TOKEN: (await run(['token'], { SIGSTACK_DATA })).out }
    t.equal((await run(['sign-blob', here], environment)).status, 0)
    const whom = ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer', issuer]
    const verify = (...more: readonly string[]) =>
      run(['verify-blob', '--bundle', `${here}.sigstore.json`, ...whom, ...more, here], environment)
    const refused = await verify()
    t.equal(refused.status, 1)
    t.match(refused.err, /lists no CT log[^]*--insecure-ignore-sct/)
    t.match(await verify('--insecure-ignore-sct'), { status: 0, err: /Verified OK/ })

    // As for somebody whose trust has a CT log, since it had one before.
    const { ctlogs } = JSON.parse(
      readFileSync(
        new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
        'utf8',
      ),
    ) as { ctlogs: unknown[] }
    const root = JSON.parse(readFileSync(files['trustedRoot']!, 'utf8')) as object
    writeFileSync(join(folder, 'root.json'), JSON.stringify({ ...root, ctlogs }))
    const missed = await verify('--trusted-root', join(folder, 'root.json'))
    t.equal(missed.status, 1)
    t.match(missed.err, /holds no promise of a CT log[^]*--insecure-ignore-sct/)
  },
)
