/** Files signed and attested with a key, with no stack and no network; and what cosign made of the same. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { proxyEnvironment, quickKey, runCommand } from './support.ts'

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const cosign = (name: string): string =>
  fileURLToPath(new URL(`vectors/cosign-3.1.3/${name}`, import.meta.url))
const privateKey = await quickKey(t, 'cosign-3.1.3-p256.key')
const publicKey = key('cosign-3.1.3-p256.pub')
const file = cosign('a.txt')
const alone = '--tlog-upload=false'

/** No stack runs, and nobody answers. */
const environment = {
  COSIGN_PASSWORD: 'secret',
  SIGSTACK_DATA: '/nowhere',
  ...proxyEnvironment('http://127.0.0.1:1'),
}
const run = (...words: readonly string[]) => runCommand(words, environment)
const skipped = /^WARNING: Skipping tlog verification .* for the blob( attestation)?\.\n/
const verify = (...words: readonly string[]) => run('verify-blob', '--insecure-ignore-tlog', ...words)
const verifyAttestation = (...words: readonly string[]) =>
  run('verify-blob-attestation', '--insecure-ignore-tlog', '--key', publicKey, ...words)

t.test('keys of every kind sign alone, and what they sign verifies', async (t) => {
  const folder = t.testdir()
  for (const kind of ['p256', 'p384', 'rsa', 'ed25519']) {
    const bundle = join(folder, `${kind}.json`)
    const signed = await run(
      'sign-blob',
      '--key',
      key(`cosign-3.1.3-${kind}.key`),
      alone,
      '--bundle',
      bundle,
      file,
    )
    t.same(signed, { status: 0, out: '', err: `Wrote bundle to file ${bundle}\n` }, kind)
    const verified = await verify('--key', key(`cosign-3.1.3-${kind}.pub`), '--bundle', bundle, file)
    t.equal(verified.status, 0, verified.err)
    t.match(verified.err, skipped)
    t.match(verified.err, /\nVerified OK\n$/)
    t.equal(verified.out, '')
    t.equal((await verify('--key', key(`cosign-3.1.3-${kind}.pub`), '--bundle', bundle, bundle)).status, 1)
  }
})

t.test('what cosign signed with a key verifies here', async (t) => {
  for (const kind of ['p256', 'p384', 'rsa']) {
    const words = ['--key', key(`cosign-3.1.3-${kind}.pub`), '--bundle', cosign(`${kind}.sigstore.json`)]
    t.equal((await verify(...words, file)).status, 0, kind)
    const other = ['--key', key('cosign-3.1.3-ed25519.pub'), '--bundle', cosign(`${kind}.sigstore.json`)]
    t.match(await verify(...other, file), { status: 1, err: /not by the key that the bundle names/ })
  }
  const noLog = await run('verify-blob', '--key', publicKey, '--bundle', cosign('p256.sigstore.json'), file)
  t.match(noLog, { status: 1, err: /no stack is running/ }, 'with a log, trust is needed')
})

t.test('a signature on its own is made and taken, as a file and as text', async (t) => {
  const printed = await run('sign-blob', '--key', privateKey, alone, '--new-bundle-format=false', file)
  t.match(printed, { status: 0, out: /^[A-Za-z0-9+/=]+\n$/, err: '' })
  const path = join(t.testdir(), 'signature')
  const old = ['sign-blob', '--key', privateKey, alone, '--new-bundle-format=false', '--output', path]
  t.match(await run(...old, file), { status: 0, out: '' }, 'the older name of --output-signature')
  t.equal((await verify('--key', publicKey, '--signature', path, file)).status, 0)
  writeFileSync(path, printed.out)
  for (const signature of [path, printed.out.trim(), cosign('p256.sig')]) {
    t.equal((await verify('--key', publicKey, '--signature', signature, file)).status, 0, signature)
    t.equal((await verify('--key', publicKey, '--signature', signature, path)).status, 1)
  }
  t.match(await verify('--key', publicKey, '--signature', file, file), { status: 1, err: /is not base64/ })
})

t.test('who asks for parts and names no bundle gets those parts alone, as from cosign 2', async (t) => {
  const folder = t.testdir({ blob: 'what is signed' })
  const at = (name: string) => join(folder, name)
  const sign = (...words: readonly string[]) => run('sign-blob', '--key', privateKey, alone, ...words)
  t.match(await sign('--output-signature', at('sig'), at('blob')), { status: 0, out: '' })
  t.same(readdirSync(folder).toSorted(), ['blob', 'sig'])
  t.equal((await verify('--key', publicKey, '--signature', at('sig'), at('blob'))).status, 0)

  const own = ['--certificate', cosign('own-certificate.pem'), '--certificate-chain', cosign('own-ca.pem')]
  const printed = await sign(...own, '--output-certificate', at('pem'), at('blob'))
  t.match(printed, { status: 0, out: /^[A-Za-z0-9+/=]+\n$/ })
  t.same(readdirSync(folder).toSorted(), ['blob', 'pem', 'sig'])
  t.equal((await verify('--key', publicKey, '--signature', printed.out.trim(), at('blob'))).status, 0)
  t.match(await sign('--output-signature', at('sig'), '--bundle', at('json'), at('blob')), { status: 0 })
  t.same(readdirSync(folder).toSorted(), ['blob', 'json', 'pem', 'sig'])
})

t.test("cosign's old form of a bundle is written and read", async (t) => {
  const path = join(t.testdir(), 'legacy.json')
  const signed = await run(
    'sign-blob',
    '--key',
    privateKey,
    alone,
    '--no-new-bundle-format',
    '--bundle',
    path,
    file,
  )
  t.equal(signed.status, 0, signed.err)
  t.same(Object.keys(JSON.parse(readFileSync(path, 'utf8'))), ['base64Signature'])
  for (const bundle of [path, cosign('p256.legacy.json')])
    t.equal((await verify('--key', publicKey, '--bundle', bundle, file)).status, 0, bundle)

  // A key in the place of the certificate must never verify anything.
  const { base64Signature } = JSON.parse(readFileSync(path, 'utf8')) as { base64Signature: string }
  const cert = readFileSync(publicKey).toString('base64')
  writeFileSync(path, JSON.stringify({ base64Signature, cert }))
  for (const words of [
    ['--key', publicKey],
    ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b'],
  ])
    t.match(await verify(...words, '--trusted-root', root, '--bundle', path, file), {
      status: 1,
      err: /cert is no certificate/,
    })
})

const root = fileURLToPath(
  new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
)

t.test('a certificate of an own authority goes into the bundle, and is judged by it', async (t) => {
  const bundle = join(t.testdir(), 'own.json')
  const own = ['--certificate', cosign('own-certificate.pem'), '--certificate-chain', cosign('own-ca.pem')]
  const signed = await run('sign-blob', '--key', privateKey, ...own, alone, '--bundle', bundle, file)
  t.equal(signed.status, 0, signed.err)
  const as = (name: string, ...authority: readonly string[]) =>
    verify(
      '--insecure-ignore-sct',
      '--certificate-identity',
      name,
      '--certificate-oidc-issuer-regexp',
      '^$',
      ...authority,
      '--bundle',
      bundle,
      file,
    )
  t.match(await as('me@example.org', '--certificate-chain', cosign('own-ca.pem')), { status: 0 })
  t.match(await as('me@example.org', '--ca-roots', cosign('own-ca.pem')), { status: 0 })
  t.match(await as('you@example.org', '--ca-roots', cosign('own-ca.pem')), {
    status: 1,
    err: /expected "you@/,
  })
  t.match(await as('me@example.org', '--trusted-root', root), { status: 1 })

  const byCosign = (...more: readonly string[]) =>
    verify(
      '--insecure-ignore-sct',
      '--certificate-identity=me@example.org',
      '--certificate-oidc-issuer-regexp=^$',
      `--ca-roots=${cosign('own-ca.pem')}`,
      ...more,
      '--bundle',
      cosign('own-certificate.sigstore.json'),
      file,
    )
  t.match(await byCosign(), { status: 1, err: /not allowed in version 0\.3/ })
  t.match(await byCosign('--allow-certificate-chain'), { status: 0 })

  const other = ['sign-blob', '--key', key('cosign-3.1.3-rsa.key'), alone, '--bundle', bundle]
  t.match(await run(...other, ...own, file), {
    status: 1,
    err: /public key in certificate does not match the provided public key/,
  })
})

t.test('a file is attested, and only as what was said of it', async (t) => {
  const folder = t.testdir({ 'p.json': '{"a":1}\n' })
  const bundle = join(folder, 'att.json')
  const attest = (...words: readonly string[]) =>
    run('attest-blob', '--key', privateKey, alone, '--bundle', bundle, ...words)
  const predicate = join(folder, 'p.json')
  const attested = await attest('--predicate', predicate, '--type', 'slsaprovenance1', file)
  t.equal(attested.status, 0, attested.err)
  t.match(attested.err, `Using payload from: ${file}\nUsing payload from: ${predicate}\nWrote bundle to file`)
  t.equal((await verifyAttestation('--bundle', bundle, '--type', 'slsaprovenance1', file)).status, 0)
  t.match(await verifyAttestation('--bundle', bundle, file), {
    status: 1,
    err: /invalid predicate type, expected "https:\/\/cosign.*" got "https:\/\/slsa/,
  })
  t.match(await verifyAttestation('--bundle', bundle, '--type', 'slsaprovenance1', predicate), {
    status: 1,
    err: /no subject of the statement has the digest/,
  })

  const hash = '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'
  t.equal((await attest('--predicate', predicate, '--hash', hash, 'elsewhere.txt')).status, 0)
  const digest = ['--digest', hash, '--digestAlg', 'sha256']
  for (const place of [bundle, cosign('custom.attestation.json')]) {
    t.equal((await verifyAttestation('--bundle', place, file)).status, 0)
    t.equal((await verifyAttestation('--bundle', place, ...digest)).status, 0)
    t.equal((await verifyAttestation('--bundle', place, '--check-claims=false')).status, 0)
    t.match(await verifyAttestation('--bundle', place), {
      status: 1,
      err: /must provide path to blob or digest/,
    })
  }
})

t.test('the parts of an attestation are written, beside a bundle of either form, and verify', async (t) => {
  const folder = t.testdir({ 'p.json': '{"a":1}\n' })
  const at = (name: string) => join(folder, name)
  const own = ['--certificate', cosign('own-certificate.pem'), '--certificate-chain', cosign('own-ca.pem')]
  const attest = (...words: readonly string[]) =>
    run('attest-blob', '--key', privateKey, alone, '--predicate', at('p.json'), ...words, file)
  const outputs = ['--output-signature', at('s'), '--output-attestation', at('a'), '--output-certificate']
  const whole = await attest(...own, '--bundle', at('b'), ...outputs, at('c'))
  t.equal(whole.status, 0, whole.err)
  const { dsseEnvelope } = JSON.parse(readFileSync(at('b'), 'utf8')) as { dsseEnvelope: { payload: string } }
  t.same(JSON.parse(readFileSync(at('s'), 'utf8')), dsseEnvelope)
  t.equal(readFileSync(at('a'), 'utf8'), Buffer.from(dsseEnvelope.payload, 'base64').toString())
  t.match(readFileSync(at('c'), 'utf8'), /^-----BEGIN CERTIFICATE-----/)

  const old = await attest(
    '--no-new-bundle-format',
    '--bundle',
    at('old'),
    '--rfc3161-timestamp-bundle',
    at('t'),
  )
  t.match(old, {
    status: 1,
    out: /^\{"payload":"[^\n]*\}\n$/,
    err: /Error: nobody stamped .* so .*t is not written/,
  })
  const { base64Signature } = JSON.parse(readFileSync(at('old'), 'utf8')) as { base64Signature: string }
  t.equal(`${Buffer.from(base64Signature, 'base64').toString()}\n`, old.out)
  t.match(await attest('--no-new-bundle-format', ...outputs, at('none')), {
    status: 1,
    out: '',
    err: /Error: the key has no certificate, so .*none is not written/,
  })

  writeFileSync(at('base64'), base64Signature)
  for (const words of [
    ['--bundle', at('old')],
    ['--signature', at('s')],
    ['--signature', at('base64')],
  ]) {
    t.match(await verifyAttestation(...words, file), { status: 0, err: /Verified OK/ }, words.join(' '))
    t.match(await verifyAttestation(...words, at('p.json')), {
      status: 1,
      err: /no subject of the statement/,
    })
    t.match(await verifyAttestation(...words, '--type', 'vuln', file), {
      status: 1,
      err: /invalid predicate/,
    })
  }
  t.match(await verifyAttestation('--signature', at('p.json'), file), {
    status: 1,
    err: /the envelope cannot be read/,
  })
  const who = ['--certificate-identity=me@example.org', '--certificate-oidc-issuer-regexp=^$']
  const byOwner = (...words: readonly string[]) =>
    run(
      'verify-blob-attestation',
      '--insecure-ignore-tlog',
      `--ca-roots=${cosign('own-ca.pem')}`,
      ...who,
      ...words,
    )
  const certified = ['--signature', at('s'), '--certificate', at('c'), file]
  t.match(await byOwner('--insecure-ignore-sct', ...certified), { status: 0 })
  t.match(await byOwner(...certified), { status: 1, err: /no CT log/ })
})

t.test('the promise of a CT log is taken as a file, of a signature with its certificate', async (t) => {
  const folder = t.testdir({ bad: '{"sct_version":1}', sct: '' })
  const sct = {
    sct_version: 0,
    id: Buffer.alloc(32).toString('base64'),
    timestamp: 1,
    signature: 'BAMAAzABAA==',
  }
  writeFileSync(join(folder, 'sct'), JSON.stringify(sct))
  writeFileSync(join(folder, 's'), readFileSync(cosign('p256.sig')))
  const who = ['--certificate-identity=me@example.org', '--certificate-oidc-issuer-regexp=^$']
  const words = ['--trusted-root', root, `--ca-roots=${cosign('own-ca.pem')}`, ...who]
  const certified = ['--signature', join(folder, 's'), '--certificate', cosign('own-certificate.pem')]
  const judge = (name: string) => verify(...words, ...certified, '--sct', join(folder, name), file)
  t.match(await judge('bad'), { status: 1, err: /bad holds no SCT: .* no SCT of version 0/ })
  t.match(await judge('sct'), { status: 1, err: /SCT\) is by a log that the trusted root does not list/ })
  t.match(await verify(...words, ...certified, file), { status: 1, err: /holds no promise of a CT log/ })
  const bundled = ['--bundle', cosign('p256.sigstore.json'), '--sct', join(folder, 'sct')]
  t.match(await verify(...words, ...bundled, file), { status: 1, err: /--sct is of a signature alone/ })
  t.match(await run('verify', ...words, '--sct', join(folder, 'sct'), 'registry.example/app'), {
    status: 1,
    err: /--sct is of the certificate that --certificate names/,
  })
})

t.test('a whole statement is signed byte for byte, and must be about the file', async (t) => {
  const statement = (sha256: string): string =>
    `{ "_type":"https://in-toto.io/Statement/v1", "subject":[{"digest":{"sha256":"${sha256}"}}], "predicateType":"https://x.example/y", "predicate":{} }`
  const right = statement('5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03')
  const folder = t.testdir({ right, wrong: statement('00'.repeat(32)) })
  const bundle = join(folder, 'att.json')
  const attest = (name: string) =>
    run(
      'attest-blob',
      '--key',
      privateKey,
      alone,
      '--bundle',
      bundle,
      '--statement',
      join(folder, name),
      file,
    )
  t.match(await attest('wrong'), { status: 1, err: /does not verify, so it was not written: no subject/ })
  t.equal((await attest('right')).status, 0)
  const { dsseEnvelope } = JSON.parse(readFileSync(bundle, 'utf8')) as { dsseEnvelope: { payload: string } }
  t.equal(Buffer.from(dsseEnvelope.payload, 'base64').toString(), right)
  t.equal((await verifyAttestation('--bundle', bundle, '--type', 'https://x.example/y', file)).status, 0)
})

t.test('what does not go together is refused before a key is opened', async (t) => {
  const sign = ['sign-blob', '--key', privateKey, '--bundle', '/nowhere/b.json']
  const attest = ['attest-blob', '--key', privateKey, alone]
  const refusals: readonly [words: readonly string[], reason: RegExp][] = [
    [[...sign, '--rekor-url', 'http://x', file], /cannot specify service URLs and use signing config/],
    [[...sign, alone, '--signing-config', '/x', file], /--tlog-upload=false is not supported with --signing/],
    [['sign-blob', '--certificate', '/x', file], /--certificate is the certificate of a key/],
    [[...sign, '--certificate-chain', '/x', file], /--certificate-chain is above a certificate/],
    [[...sign, file], /no stack is running.*\n.*With a key, --tlog-upload=false signs without one\./],
    [[...sign, '--sk', file], /PIV tokens/],
    [[...attest, '--bundle', '/x', file], /one of --predicate and --statement is required/],
    [[...attest, '--predicate', '/x', file], /please say with --bundle/],
    [[...attest, '--predicate', '/x', '--bundle', '/x', '--hash', 'ab'], /SHA-256 of 64 hex digits/],
    [['verify-blob', '--key', publicKey, file], /please specify the bundle with --bundle/],
    [['verify-blob', '--key', 'env://NONE', '--bundle', '/x', file], /"NONE" is not set/],
  ]
  for (const [words, reason] of refusals) t.match(await run(...words), { status: 1, err: reason })
})
