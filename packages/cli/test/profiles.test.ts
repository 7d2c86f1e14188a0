/** Instances that are trusted: what is fetched, what is asked, what is kept. No stack runs. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createSigner, generateSigningKey, utf8 } from '@sigstack/crypto'
import { encodeMetadata, nextRelease, nextRoot } from '@sigstack/tuf'
import t, { type Test } from 'tap'
import { caCertificate, serveHttps } from '../../../services/oidc-proxy/test/servers.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const vector = (name: string): string =>
  readFileSync(new URL(`../../verification/test/vectors/roots/${name}`, import.meta.url), 'utf8')
const publicRoot = vector('public-good.trusted_root.json')
const otherRoot = vector('github-internal-plus-public.trusted_root.json')
const signingConfig = vector('public-good.signing_config.v0.2.json')
const configOf = (trustedRoot: string): string =>
  `{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","trustedRoot":${trustedRoot},"signingConfig":${signingConfig}}`

/** Whatever `files` holds at the moment, by its path. */
async function startServer(t: Test, files: Record<string, string | Uint8Array>) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const found = files[request.url ?? '']
    if (found === undefined) response.writeHead(404).end()
    else if (typeof found === 'string' && found.startsWith('to '))
      response.writeHead(302, { location: found.slice(3) }).end()
    else response.end(found)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function workplace(t: Test) {
  const folder = t.testdir()
  const environment = { HOME: folder, COSIGN_PASSWORD: 'secret' }
  return {
    folder,
    run: (...words: readonly string[]) => runCommand(words, environment),
    answering: (answer: string, ...words: readonly string[]) =>
      runCommand(words, environment, Buffer.from(answer)),
  }
}

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A TUF repository at `/tuf`, which vouches for `trustedRoot`. */
async function repositoryOf(trustedRoot: string, version = 1) {
  const [rootSigner, onlineSigner] = [createSigner(generateSigningKey()), createSigner(generateSigningKey())]
  const lifetimes = { metadataSeconds: 9_000_000, timestampSeconds: 900_000 }
  const now = new Date()
  const root = await nextRoot(
    undefined,
    { rootSigners: [rootSigner], threshold: 1, onlineSigner, formerRootSigners: [] },
    lifetimes,
    now,
  )
  const bytes = encodeMetadata(root!)
  const release = async (content: string) => {
    const made = await nextRelease({
      root: root!,
      current: undefined,
      targets: [
        { name: 'trusted_root.json', content: utf8(content) },
        { name: 'signing_config.v0.2.json', content: utf8(signingConfig) },
      ],
      onlineSigner,
      lifetimes,
      now,
      used: { targets: version++, snapshot: version },
    })
    return Object.fromEntries([
      ['/tuf/root.json', bytes],
      ['/tuf/1.root.json', bytes],
      ...made!.files.map(
        ({ path, bytes }) => [`/tuf/${path.replace(/^\d+\.timestamp/, 'timestamp')}`, bytes] as const,
      ),
    ]) as Record<string, Uint8Array>
  }
  return { root: bytes, checksum: `sha256:${sha256(bytes)}`, files: await release(trustedRoot), release }
}

t.test('an instance is shown before it is trusted, and then used by every command', async (t) => {
  const { url, asked } = await startServer(t, { '/trust_config.json': configOf(publicRoot) })
  const { run, answering, folder } = workplace(t)
  t.match(await run('profile', 'show'), { status: 1, err: /no profile is in use/ })
  for (const answer of ['', 'n\n', 'yes\n']) t.equal((await answering(answer, 'init', url)).status, 1)
  t.same((await run('profile', 'list')).out, '', 'nothing was kept')

  const agreed = await answering('y\n', 'init', url)
  t.equal(agreed.status, 0, agreed.err)
  t.match(agreed.err, /^Certificate authority .*\n.*valid.*\n.*SHA-256 [0-9A-F:]{95}/m)
  t.match(agreed.err, /^ {2}certificates from {2}https:\/\/fulcio.sigstore.dev$/m)
  t.match(agreed.err, /^SHA-256 of the trusted root: [0-9a-f]{64}$/m)
  t.match(agreed.err, /Are you sure you would like to continue\? \[y\/N\] Kept as the profile default/)
  t.same(new Set(asked), new Set(['/trust_config.json']), 'nobody else was asked')
  t.same((await run('profile', 'list')).out, `* default  ${url}\n`)
  const file = join(folder, '.config/sigstack/profiles/default.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.same(JSON.parse((await run('trust', 'show', '--json')).out), JSON.parse(publicRoot))
  t.match((await run('profile', 'show')).out, /^default: http:.*\n\nCertificate authority/)
  writeFileSync(file, '{}')
  t.match(await run('trust', 'show'), { status: 1, err: /is no profile\nMake it anew/ })
  t.equal((await run('profile', 'remove', 'default')).status, 0)
  t.match(await run('trust', 'show'), { status: 1, err: /no stack is running/ })
})

t.test(
  'a profile counts where only the script that starts the tool names a stack; a variable before it is told',
  async (t) => {
    const { url } = await startServer(t, { '/trust_config.json': configOf(publicRoot) })
    const { folder } = workplace(t)
    const run = (environment: Readonly<Record<string, string>>, ...words: readonly string[]) =>
      runCommand(words, { HOME: folder, ...environment })
    const ofScript = { SIGSTACK_DEFAULT_DATA: join(folder, 'stack') }
    t.match(await run(ofScript, 'trust', 'show'), { status: 1, err: /no stack is running on .*stack\n/ })
    const quiet = await run(ofScript, 'init', '--yes', url)
    t.notMatch(quiet.err, /is still taken here/)
    t.equal((await run(ofScript, 'trust', 'show')).status, 0)

    const byData = { SIGSTACK_DATA: join(folder, 'stack') }
    t.match(await run(byData, 'init', '--yes', url), {
      status: 0,
      err: /WARNING: SIGSTACK_DATA is set, so the stack on ".*stack" is still taken here; .* --profile default\.\n$/,
    })
    t.match(await run(byData, 'trust', 'show'), { status: 1, err: /no stack is running/ })
    t.match(await run({ SIGSTACK_PROFILE: 'other' }, 'profile', 'use', 'default'), {
      status: 0,
      err: /SIGSTACK_PROFILE is set, so the profile "other" is still taken here/,
    })
    t.notMatch((await run({ SIGSTACK_PROFILE: 'default' }, 'profile', 'use', 'default')).err, /WARNING/)
  },
)

t.test('several instances stand side by side, and one profile may trust two of them', async (t) => {
  const [one, two] = [
    await startServer(t, { '/trust_config.json': configOf(publicRoot) }),
    await startServer(t, { '/trust_config.json': configOf(otherRoot) }),
  ]
  const { run } = workplace(t)
  t.equal((await run('init', '--yes', one.url)).status, 0)
  t.equal((await run('init', '--yes', '--profile', 'two', two.url)).status, 0)
  t.same((await run('profile', 'list')).out, `  default  ${one.url}\n* two  ${two.url}\n`)
  t.equal((await run('profile', 'use', 'default')).status, 0)
  const shown = async (...words: readonly string[]) =>
    JSON.parse((await run('trust', 'show', '--json', ...words)).out)
  t.same(await shown(), JSON.parse(publicRoot))
  t.same(await shown('--profile', 'two'), JSON.parse(otherRoot))
  t.match(await run('trust', 'show', '--profile', 'three'), { status: 1, err: /There are: default, two/ })
  t.match(await run('trust', 'show', '--profile', 'two', '--data', 'x'), {
    status: 1,
    err: /give one of them/,
  })
  t.match(await run('profile', 'use', '../two'), { status: 1, err: /is no name for a profile/ })

  t.match(await run('init', '--yes', two.url), { status: 1, err: /--merge to trust both, --replace/ })
  t.equal((await run('init', '--yes', '--merge', two.url)).status, 0)
  const both = JSON.stringify(await shown())
  for (const each of [publicRoot, otherRoot])
    for (const [, bytes = ''] of each.matchAll(/"rawBytes": *"([^"]+)"/g)) t.ok(both.includes(bytes))
  t.same(JSON.parse((await run('profile', 'list', '--json')).out)[0], {
    name: 'default',
    from: [two.url, one.url],
    inUse: true,
  })
  t.equal((await run('init', '--yes', '--replace', one.url)).status, 0)
  t.same(await shown(), JSON.parse(publicRoot))
  t.equal((await run('profile', 'remove', 'default')).status, 0)
  t.match(await run('profile', 'show'), { status: 1, err: /no profile is in use/ })
  t.equal((await run('profile', 'remove', 'default')).status, 1)
})

t.test('a TUF repository is believed from a root that was named, and followed from there', async (t) => {
  const repository = await repositoryOf(publicRoot)
  const files: Record<string, string | Uint8Array> = { ...repository.files }
  const { url } = await startServer(t, files)
  const { run, folder } = workplace(t)
  const wrong = `sha256:${'0'.repeat(64)}`
  t.match(await run('init', url, '--root-checksum', wrong), {
    status: 1,
    err: /incorrect checksum for file .*root\.json: expected 0+ but got/,
  })
  t.match(await run('init', url, '--root-checksum', 'abc'), { status: 1, err: /is no digest/ })
  const trusted = await run('init', url, '--root-checksum', repository.checksum)
  t.equal(trusted.status, 0, trusted.err)
  t.notMatch(trusted.err, /Are you sure/, 'the digest is the agreement')
  t.same(JSON.parse((await run('trust', 'show', '--json')).out), JSON.parse(publicRoot))

  const root = join(folder, 'root.json')
  writeFileSync(root, repository.root)
  const mirror = ['--mirror', `${url}/tuf`]
  t.match(await run('initialize'), { status: 1, err: /no TUF repository is named/ })
  t.match(await run('initialize', '--staging'), { status: 1 })
  t.match(await run('initialize', ...mirror), { status: 1, err: /--root names no root/ })
  t.match(await run('initialize', ...mirror, '--root', `${url}/tuf/root.json`), {
    status: 1,
    err: /needs --root-checksum/,
  })
  for (const more of [
    ['--root', root],
    ['--root', root, '--root-checksum', sha256(repository.root)],
    ['-root', `${url}/tuf/root.json`, `--root-checksum=${repository.checksum}`],
    ['--root-checksum', `sha512:${createHash('sha512').update(repository.root).digest('hex')}`],
  ]) {
    const initialized = await run('initialize', ...mirror, ...more, '--profile', 'as-cosign')
    t.match(initialized, { status: 0, out: '' }, `${more.join(' ')}: ${initialized.err}`)
  }
  const copy = join(folder, 'copy')
  mkdirSync(join(copy, 'targets'), { recursive: true })
  for (const [path, content] of Object.entries(repository.files))
    writeFileSync(join(copy, path.slice(5)), content)
  const fromCopy = ['initialize', '--mirror', `file://${copy}`, '--profile', 'copy']
  t.match(await run(...fromCopy, '--root', join(copy, 'root.json'), '--offline'), { status: 0 })
  t.match(await run('initialize', '--mirror', 'file://elsewhere/x', '--root', join(copy, 'root.json')), {
    status: 1,
    err: /names no folder/,
  })
  t.equal((await run('profile', 'use', 'default')).status, 0)
  for (const [path, content] of Object.entries(await repository.release(otherRoot))) files[path] = content
  t.match(await run('profile', 'refresh'), { status: 0, err: /renewed/ })
  t.same(JSON.parse((await run('trust', 'show', '--json')).out), JSON.parse(otherRoot))
  t.match(await run('profile', 'refresh'), { status: 0, err: /nothing has changed/ })
  for (const [path, content] of Object.entries(repository.files)) files[path] = content
  t.match(await run('profile', 'refresh'), {
    status: 1,
    err: /is not believed: the \w+ metadata is version \d, and version/,
  })
})

t.test('what has changed without a repository that vouches for it is asked about again', async (t) => {
  const files = { '/trust_config.json': configOf(publicRoot) }
  const { url } = await startServer(t, files)
  const { run } = workplace(t)
  t.equal((await run('init', '--yes', url)).status, 0)
  t.match(await run('profile', 'refresh'), { status: 0, err: /nothing has changed/ })
  files['/trust_config.json'] = configOf(otherRoot)
  t.match(await run('profile', 'refresh'), { status: 1, err: /has changed; compare/ })
  t.same(JSON.parse((await run('trust', 'show', '--json')).out), JSON.parse(publicRoot), 'as it was')
  t.equal((await run('profile', 'refresh', '--yes')).status, 0)
  t.same(JSON.parse((await run('trust', 'show', '--json')).out), JSON.parse(otherRoot))
})

t.test('what anybody on the way could change, and what leads elsewhere, is not fetched', async (t) => {
  const { url, asked } = await startServer(t, {
    '/trust_config.json': 'to https://elsewhere.example/',
    '/bad.json': '{"a":1}',
  })
  const { run, folder } = workplace(t)
  t.match(await run('init', 'http://trust.example.com'), { status: 1, err: /is not https/ })
  t.match(await run('init', '--yes', url), {
    status: 1,
    err: /status 302, to "https:\/\/elsewhere.example\/", which is not followed/,
  })
  t.match(await run('init', '--yes', `${url}/bad.json`), { status: 1, err: /cannot be used/ })
  t.match(await run('init', '--yes', `${url}/nothing`), { status: 1, err: /is not there \(404\)/ })
  t.match(await run('init', '--yes', join(folder, 'nothing.json')), { status: 1, err: /cannot read/ })
  const port = await serveHttps(t, (_, response) => response.end(configOf(publicRoot)))
  const byTls = ['init', '--yes', '--profile', 'tls', `https://127.0.0.1:${port}`]
  t.match(await run(...byTls), { status: 1, err: /its certificate is not trusted here/ })
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, caCertificate)
  const trusted = await run(...byTls, '--cacert', ca)
  t.equal(trusted.status, 0, trusted.err)
  const config = join(folder, 'trust_config.json')
  writeFileSync(config, configOf(publicRoot))
  t.equal((await run('init', '--yes', config)).status, 0, 'a file is as good as a URL')

  asked.length = 0
  for (const words of [
    ['--offline', 'init', '--yes', '--profile', 'x', url],
    ['init', '--yes', '--profile', 'x', '-offline', url],
    [
      'verify',
      '--no-network=true',
      '--key',
      `${url}/key.pub`,
      '--insecure-ignore-tlog',
      `${new URL(url).host}/app`,
    ],
    ['trust', 'show', '--offline', '--trusted-root', `${url}/root.json`],
    ['tree', '--offline', `${new URL(url).host}/app`],
  ])
    t.match(await run(...words), { status: 1, err: /connections are switched off/ }, words.join(' '))
  // As cosign has it for verifying: no log is asked, what the words name is.
  const key = ['--key', `${url}/key.pub`, '--insecure-ignore-tlog']
  for (const words of [
    ['verify', ...key, 'x'],
    ['verify-blob', ...key, '--bundle', 'b', 'f'],
  ])
    t.match(await run(...words, '--offline'), { status: 1, err: /404/ }, words.join(' '))
  t.match(await runCommand(['verify', ...key, 'x'], { COSIGN_OFFLINE: 'true' }), { err: /404/ })
  t.match(await runCommand(['verify', ...key, 'x'], { SIGSTACK_OFFLINE: '1' }), { err: /switched off/ })
  t.match(await run('--no-network', 'verify', ...key, '--offline', 'x'), { err: /switched off/ })
  asked.length = 0
  const byVariable = await runCommand(['trust', 'show', '--trusted-root', url], { SIGSTACK_OFFLINE: '1' })
  t.match(byVariable, { status: 1, err: /connections are switched off/ })
  t.same(asked, [], 'nothing was asked')
  t.equal((await run('trust', 'show', '--offline')).status, 0)
  t.match(await run('trust', 'show', '--offline=false', '--trusted-root', url), { status: 1, err: /404/ })
})
