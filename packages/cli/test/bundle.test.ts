/** Bundles are made, shown and renewed with nobody asked. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runCommand } from './support.ts'

const vector = (name: string): string =>
  fileURLToPath(new URL(`../../verification/test/vectors/${name}`, import.meta.url))
const cosign = (name: string): string =>
  fileURLToPath(new URL(`vectors/cosign-3.1.3/${name}`, import.meta.url))
const publicKey = fileURLToPath(
  new URL('../../signing/test/vectors/keys/cosign-3.1.3-p256.pub', import.meta.url),
)
const run = (...words: readonly string[]) => runCommand(words, { SIGSTACK_DATA: '/nowhere' })

t.test('what a bundle holds is shown in lines of their own, and nothing is promised', async (t) => {
  const { status, out, err } = await run(
    'bundle',
    'inspect',
    vector('extra/npm-provenance-2.0.0/bundle.sigstore.json'),
  )
  t.equal(status, 0)
  t.match(
    err,
    /^WARNING: This command only inspects the contents of the bundle\.\nIt does not perform crypto/,
  )
  for (const line of [
    '- Bundle Media Type: application/vnd.dev.sigstore.bundle+json;version=0.1',
    '    - Issuer:',
    '        - https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main',
    '      - Log Index: 31821305',
    '      - Integrated Time: 2023-08-18T16:05:35Z',
    '          - Origin: rekor.sigstore.dev - 2605736670972794746',
    '            - rekor.sigstore.dev: Signature: Present (70 bytes)',
    '    - Predicate Type: https://slsa.dev/provenance/v1',
    '      - Name: pkg:npm/sigstore@2.0.0',
  ])
    t.ok(out.split('\n').includes(line), line)
  const key = await run('bundle', 'inspect', cosign('p256.sigstore.json'))
  t.match(key.out, '    - Hint: d849cbbe3f9f28017bf3c9e210d0c7dbf1820ec19f9fe167cd02d1defc0500a9\n')
  t.match(key.out, '    - Algorithm: SHA2_256\n')
  const chain = await run('bundle', 'inspect', cosign('own-certificate.sigstore.json'))
  t.match(chain.out, '        - me@example.org\n')
  const asJson = async (file: string) => JSON.parse((await run('bundle', 'inspect', '--json', file)).out)
  t.match(await asJson(vector('extra/npm-provenance-2.0.0/bundle.sigstore.json')), {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    certificate: { subjects: [/release\.yml@refs\/heads\/main$/], pem: /^-----BEGIN CERTIFICATE-----\n/ },
    entries: [
      { logIndex: '31821305', integratedTime: '1692374735', proof: { origin: /^rekor\.sigstore\.dev/ } },
    ],
    content: { type: 'dsse', predicateType: 'https://slsa.dev/provenance/v1' },
  })
  t.match(await asJson(cosign('p256.sigstore.json')), {
    keyHint: String,
    content: { type: 'message', algorithm: 'sha256', digest: /^[0-9a-f]{64}$/ },
  })
  t.match(await run('bundle', 'inspect', cosign('a.txt')), { status: 1, out: '', err: /is not JSON/ })
})

t.test('a bundle of version 0.2 becomes one of 0.3, and holds the same', async (t) => {
  const old = vector('conformance/happy-path-v0.2/bundle.sigstore.json')
  const { status, out, err } = await run('bundle', 'upgrade', old)
  t.equal(status, 0, err)
  t.equal(err, 'Upgrading from v0.2 to v0.3...\n')
  const before = JSON.parse(readFileSync(old, 'utf8')) as Record<string, Record<string, unknown>>
  const after = JSON.parse(out) as Record<string, Record<string, unknown>>
  t.equal(after['mediaType'], 'application/vnd.dev.sigstore.bundle.v0.3+json')
  t.same(after['messageSignature'], before['messageSignature'])
  t.same(after['verificationMaterial']?.['tlogEntries'], before['verificationMaterial']?.['tlogEntries'])
  const { x509CertificateChain } = before['verificationMaterial'] as {
    x509CertificateChain: { certificates: unknown[] }
  }
  t.same(after['verificationMaterial']?.['certificate'], x509CertificateChain.certificates[0])

  const path = join(t.testdir(), 'new.json')
  const again = await run('bundle', 'upgrade', cosign('p256.sigstore.json'), '--out', path)
  t.match(
    again.err,
    /^Bundle is already at v0\.3, no upgrade needed\.\nSuccessfully upgraded bundle written to /,
  )
  t.equal(readFileSync(path, 'utf8'), `${readFileSync(cosign('p256.sigstore.json'), 'utf8')}\n`)
})

t.test('a bundle is made of parts, and verifies', async (t) => {
  const folder = t.testdir()
  const envelope = join(folder, 'envelope.json')
  const { dsseEnvelope } = JSON.parse(readFileSync(cosign('custom.attestation.json'), 'utf8')) as {
    dsseEnvelope: object
  }
  writeFileSync(envelope, JSON.stringify(dsseEnvelope))
  const file = cosign('a.txt')
  const create = (...words: readonly string[]) =>
    run('bundle', 'create', '--key', publicKey, '--ignore-tlog', '--out', join(folder, 'made.json'), ...words)
  const verify = (command: string) =>
    run(command, '--insecure-ignore-tlog', '--key', publicKey, '--bundle', join(folder, 'made.json'), file)
  t.equal((await create('--artifact', file, '--signature', cosign('p256.sig'))).status, 0)
  t.equal((await verify('verify-blob')).status, 0)
  t.equal((await create('--artifact', file, '--bundle', cosign('p256.legacy.json'))).status, 0)
  t.equal((await verify('verify-blob')).status, 0)
  t.equal((await create('--attestation', envelope)).status, 0)
  t.equal((await verify('verify-blob-attestation')).status, 0)
})

t.test('a bundle of too few parts is refused with what is missing', async (t) => {
  const signature = ['--signature', cosign('p256.sig')]
  const file = ['--artifact', cosign('a.txt')]
  const create = (...words: readonly string[]) => run('bundle', 'create', ...words)
  const refusals: readonly [words: readonly string[], reason: RegExp][] = [
    [['--ignore-tlog', ...file], /must at least supply signature via --bundle or --signature/],
    [['--ignore-tlog', ...signature], /must supply --artifact/],
    [['--ignore-tlog', ...file, ...signature], /please name who signed, with --certificate or --key/],
    [[...file, ...signature, '--key', publicKey], /no log entry for the bundle\n.*--ignore-tlog/],
    [['--ignore-tlog', '--attestation', cosign('a.txt')], /the envelope cannot be read/],
  ]
  for (const [words, reason] of refusals) t.match(await create(...words), { status: 1, out: '', err: reason })
})
