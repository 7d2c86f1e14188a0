import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { encodeMetadata, nextRoot } from '@sigstack/tuf'
import { UnsecuredJWT } from 'jose'
import t, { type Test } from 'tap'
import { proxyEnvironment, runCommand, runProgram } from './support.ts'

const vector = (name: string) =>
  fileURLToPath(new URL(`../../verification/test/vectors/${name}`, import.meta.url))
const bundle = vector('conformance/happy-path-v0.3-new-mediaType/bundle.sigstore.json')
const artifact = vector('conformance/a.txt')
const root = vector('roots/public-good.trusted_root.json')
const identity =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main'
const issuer = 'https://token.actions.githubusercontent.com'
const expected = ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer]

const verify = (...more: readonly string[]) => [
  'verify-blob',
  '--trusted-root',
  root,
  '--bundle',
  bundle,
  ...more,
]

t.test('verify-blob says Verified OK on standard error and ends with 0', async (t) => {
  t.same(await runCommand(verify(...expected, artifact)), { status: 0, out: '', err: 'Verified OK\n' })
  const digest = 'sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf'
  t.same((await runCommand(verify(...expected, digest))).status, 0, 'a digest in place of the file')
  t.same((await runCommand(verify(...expected, '-'), {}, readFileSync(artifact))).status, 0, 'standard input')
  const short = ['--cert-identity', identity, '--cert-oidc-issuer', issuer]
  t.same((await runCommand(verify(...short, artifact))).status, 0, 'the short spellings')
  const json = await runCommand(verify(...expected, '--json', artifact))
  t.same(JSON.parse(json.out), { verified: true, identity, issuer })
})

t.test('verify-blob ends with 1 and one reason for everything else', async (t) => {
  const refusals: readonly [words: readonly string[], reason: RegExp][] = [
    [verify(...expected, bundle), /^Error: the artifact is not the one that was signed.*\nCheck that/],
    [
      verify(...expected.slice(0, 3), 'https://accounts.example.org', artifact),
      /OIDC issuer is "https:\/\/token/,
    ],
    [verify(artifact), /^Error: --certificate-identity or --certificate-identity-regexp is required/],
    [
      verify(...expected.slice(0, 2), artifact),
      /^Error: --certificate-oidc-issuer or --certificate-oidc-issuer-regexp/,
    ],
    [verify(...expected, '/nowhere/a.txt'), /^Error: cannot read \/nowhere\/a.txt \(ENOENT\)/],
    [verify(...expected, 'sha256:00'), /^Error: sha256:00 is not a digest/],
    [verify('--key', root, ...expected, artifact), /give --key or --certificate-identity/],
    [verify('--key', root, artifact), /cannot be used/],
    [verify('--certificate-identity-regexp', '(?=x)', ...expected.slice(2), artifact), /RE2/],
    [
      ['verify-blob', '--trusted-root', root, ...expected, artifact],
      /^Error: please specify the bundle with --bundle/,
    ],
    [
      ['verify-blob', '--trusted-root', artifact, '--bundle', bundle, ...expected, artifact],
      /trusted root cannot|cannot be used/,
    ],
    [
      ['verify-blob', '--trusted-root', root, '--bundle', artifact, ...expected, artifact],
      /bundle cannot be read: it is not JSON/,
    ],
    [['verify-blob'], /missing required argument 'file'/],
    [['verify-blob', '--no-such-option', 'x'], /unknown option '--no-such-option'/],
    [['no-such-command'], /unknown command 'no-such-command'/],
    [['help', 'no-such-command'], /unknown command 'no-such-command'/],
    [['no-such-command', '--help'], /unknown command 'no-such-command'/],
    [['ca', 'no-such-command', '-h'], /unknown command 'no-such-command'/],
  ]
  for (const [words, reason] of refusals) {
    const { status, out, err } = await runCommand(words)
    t.equal(status, 1, words.join(' '))
    t.equal(out, '')
    t.match(err, reason)
  }
  const json = await runCommand(verify(...expected, '--json', bundle))
  t.equal(json.status, 1)
  t.match(JSON.parse(json.out), { error: { code: 'not_verified', message: /digest differs/ } })
})

t.test('no text of a bundle moves the terminal, and none is told at length', async (t) => {
  const name = `\u001b[2K\rVerified OK\n\u202e${'-eyJ'.repeat(100_000)}`
  const words = ['verify-blob', '--trusted-root', root, '--bundle', '-', ...expected, '--json', artifact]
  const hostile = Buffer.from(JSON.stringify({ [name]: 1, ...JSON.parse(readFileSync(bundle, 'utf8')) }))
  const { status, out, err } = await runCommand(words, {}, hostile)
  t.equal(status, 1)
  t.notMatch(`${out}${err}`.replaceAll('\n', ''), /[\p{Cc}\u202e]/u)
  t.notMatch(err, /^Verified OK/m)
  t.ok(err.length + out.length < 10_000)
})

t.test('a pattern that matches anywhere is warned of', async (t) => {
  const words = ['--certificate-identity-regexp', 'dangerous', '--certificate-oidc-issuer', issuer, artifact]
  const { status, err } = await runCommand(verify(...words))
  t.equal(status, 0)
  t.match(err, /^WARNING: the pattern "dangerous" matches anywhere/)
})

t.test('what is demanded of a certificate is not passed over beside a key', async (t) => {
  for (const command of ['verify-blob', 'verify-blob-attestation', 'verify']) {
    const held = command === 'verify' ? ['example.org/a'] : ['--bundle', bundle, artifact]
    for (const [option, value] of [
      ['--certificate-identity', identity],
      ['--certificate-identity-regexp', '.*'],
      ['--certificate-oidc-issuer', issuer],
      ['--cert-oidc-issuer', issuer],
      ['--certificate-oidc-issuer-regexp', '.*'],
      ['--certificate-github-workflow-ref', 'refs/heads/main'],
    ] as const) {
      const { status, err } = await runCommand([command, '--key', '/nowhere', option, value, ...held])
      t.equal(status, 1)
      t.match(err, /^Error: a key and an identity cannot both be demanded/, `${command} ${option}`)
    }
  }
})

t.test('without a running stack it is said how to start one', async (t) => {
  const environment = { SIGSTACK_DATA: t.testdir() }
  const { status, err } = await runCommand(['token', '--email', 'a@example.org'], environment)
  t.equal(status, 1)
  t.match(err, /^Error: no stack is running on the data folder .*\nStart one with `sigstack up`/)
  t.match(
    (await runCommand(['verify-blob', '--bundle', bundle, ...expected, artifact], environment)).err,
    /no stack is running/,
  )
  t.match((await runCommand(['trust', 'show'], environment)).err, /no stack is running/)
})

/** Answers every request with what `answer` says. */
async function startServer(t: Test, answer: (url: string) => { status: number; body: string }) {
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? '')
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Signed by nobody: only its claims are looked at here. */
function token(claims: Record<string, unknown>, lifetime: string | number = '5m') {
  return `${new UnsecuredJWT(claims).setExpirationTime(lifetime).setIssuer('https://issuer.example.org').encode()}c2ln`
}

function trustConfig(url: string, issuers = [url]) {
  const serviceAt = (url: string) => ({
    url,
    majorApiVersion: 1,
    validFor: { start: '2020-01-01T00:00:00Z' },
  })
  const service = [serviceAt(url)]
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
    trustedRoot: JSON.parse(readFileSync(root, 'utf8')),
    signingConfig: {
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: service,
      oidcUrls: issuers.map(serviceAt),
      rekorTlogUrls: service,
      rekorTlogConfig: { selector: 'ANY' },
    },
  })
}

t.test('a refusal of the authority is passed on without the token', async (t) => {
  const message = 'There was an error processing the identity token'
  const url = await startServer(t, () => ({ status: 400, body: JSON.stringify({ code: 3, message }) }))
  const folder = t.testdir({ 'trust.json': trustConfig(url), file: 'hello' })
  const identityToken = token({ sub: 'someone' })
  const file = join(folder, 'file')
  const words = [
    'sign-blob',
    '--trust-config',
    join(folder, 'trust.json'),
    '--identity-token',
    identityToken,
    file,
  ]
  const { status, out, err } = await runCommand(words)
  t.equal(status, 1)
  t.equal(out, '')
  t.match(err, new RegExp(`Error: The certificate authority at ${url} refused or failed: .*${message}`))
  t.match(err, /\nCheck the identity token/)
  t.notMatch(err, identityToken.slice(0, 20))
  t.throws(() => readFileSync(`${file}.sigstore.json`), { code: 'ENOENT' }, 'nothing is written')
})

t.test('services elsewhere are asked through the proxy of the network', async (t) => {
  const asked: string[] = []
  const proxy = await startServer(t, (url) => {
    asked.push(url)
    return { status: 403, body: JSON.stringify({ message: 'not for you' }) }
  })
  const folder = t.testdir({ 'trust.json': trustConfig('http://ca.example:5555'), file: 'hello' })
  const options = ['--trust-config', join(folder, 'trust.json'), '--identity-token', token({ sub: 'x' })]
  const { err } = await runProgram(['sign-blob', ...options, join(folder, 'file')], proxyEnvironment(proxy))
  t.match(err, 'The certificate authority at http://ca.example:5555 refused or failed: (403) not for you')
  t.same(asked, ['http://ca.example:5555/api/v2/signingCert'])
})

t.test('what a service says is told on one line and without escapes', async (t) => {
  const url = await startServer(t, () => ({
    status: 400,
    body: JSON.stringify({ message: 'no\u001b[2K\rVerified OK\n' }),
  }))
  const folder = t.testdir({ 'trust.json': trustConfig(url), file: 'hello' })
  const options = ['--trust-config', join(folder, 'trust.json'), '--identity-token', token({ sub: 'x' })]
  const { err } = await runCommand(['sign-blob', ...options, join(folder, 'file')])
  t.match(err, 'refused or failed: (400) no\\u001b[2K\\u000dVerified OK\\u000a\n')
})

t.test('a token that nobody would take is refused before anything is sent', async (t) => {
  const url = await startServer(t, () => {
    t.fail('no request may be made')
    return { status: 500, body: '' }
  })
  const config = trustConfig(url, [])
  const folder = t.testdir({ 'trust.json': config, file: 'hello', empty: '' })
  const sign = (identityToken: string) =>
    runCommand([
      'sign-blob',
      '--trust-config',
      join(folder, 'trust.json'),
      '--identity-token',
      identityToken,
      join(folder, 'file'),
    ])
  t.match((await sign(token({ sub: 'x' }, 1_700_000_000))).err, /expired at 2023-11-14T22:13:20.000Z/)
  t.match((await sign(token({}))).err, /names nobody/)
  t.match((await sign(join(folder, 'file'))).err, /is not a JSON Web Token/)
  t.match((await sign('/nowhere')).err, /neither a token nor a file that can be read:.* \(ENOENT\)/)
  const none = await runCommand(
    ['sign-blob', '--trust-config', join(folder, 'trust.json'), join(folder, 'file')],
    {
      SIGSTACK_DATA: folder,
    },
  )
  t.match(none.err, /^Error: there is no identity token to sign with\nPass --identity-token/)
})

t.test('without a token the issuer of the signing config is where one signs in', async (t) => {
  const asked: string[] = []
  const url = await startServer(t, (path) => {
    asked.push(path)
    return { status: 500, body: '' }
  })
  const folder = t.testdir({ 'trust.json': trustConfig(url), file: 'hello' })
  const words = ['sign-blob', '--trust-config', join(folder, 'trust.json'), join(folder, 'file')]
  const { status, err } = await runCommand(words, { SIGSTACK_DATA: folder })
  t.equal(status, 1)
  t.match(err, /^Error: the issuer .* status 500\n/)
  t.same(asked, ['/.well-known/openid-configuration'])
  const token = await runCommand([...words, '--fulcio-auth-flow', 'token'], { SIGSTACK_DATA: folder })
  t.match(token.err, /^Error: the flow token takes the token of --identity-token/)
})

t.test('sign-blob refuses options that contradict each other', async (t) => {
  t.match((await runCommand(['sign-blob', '-'])).err, /--bundle must say where the bundle goes/)
  t.match((await runCommand(['sign-blob', '--json', '--bundle', '-', artifact])).err, /choose one/)
})

t.test('token and trust work through endpoints.json', async (t) => {
  const text = readFileSync(root, 'utf8')
  const url = await startServer(t, (path) => {
    if (path === '/issuer/trial/token') return { status: 200, body: '{"token":"a.b.c"}' }
    if (path === '/trusted_root.json') return { status: 200, body: text }
    if (path === '/trust_config.json') return { status: 200, body: trustConfig(url) }
    return { status: 503, body: '' }
  })
  const folder = t.testdir({
    'endpoints.json': JSON.stringify({
      services: { trust: `${url}/`, 'dev-issuer': url },
      issuer: `${url}/issuer`,
      trust: { trustedRoot: `${url}/trusted_root.json`, signingConfig: '/x', clientTrustConfig: '/y' },
    }),
  })
  const data = ['--data', folder]
  t.same(await runCommand(['token', '--email', 'a@example.org', ...data]), {
    status: 0,
    out: 'a.b.c\n',
    err: '',
  })
  t.equal((await runCommand(['trust', 'show', '--json', ...data])).out, text)
  const shown = await runCommand(['trust', 'show', ...data])
  t.match(
    shown.out,
    'Transparency log https://rekor.sigstore.dev\n  valid   from 2021-01-12T11:53:27.000Z on\n',
  )
  t.match(shown.out, /certificate {2}O=sigstore.dev, CN=sigstore-intermediate, SHA-256 /)
  t.equal((await runCommand(['trust', 'fetch', 'trusted-root', ...data])).out, text)
  t.match(
    (await runCommand(['trust', 'fetch', 'signing-config', ...data])).err,
    /status 503.*\nThe stack is still starting/,
  )
  const out = join(t.testdir(), 'out')
  t.equal((await runCommand(['trust', 'export', '--out', out, ...data])).status, 1)
  t.throws(() => readFileSync(join(out, 'trusted_root.json')), { code: 'ENOENT' }, 'no half exports')
})

t.test('trust root tells the digest of the root and refuses what is none', async (t) => {
  const signer = createSigner(generateSigningKey())
  const keys = { rootSigners: [signer], formerRootSigners: [], threshold: 1, onlineSigner: signer }
  const lifetimes = { metadataSeconds: 86_400, timestampSeconds: 86_400 }
  const first = await nextRoot(undefined, keys, lifetimes, new Date('2026-01-01T00:00:00Z'))
  const text = Buffer.from(encodeMetadata(first!)).toString()
  let body = text
  const url = await startServer(t, (path) => ({ status: path === '/tuf/root.json' ? 200 : 404, body }))
  const digest = createHash('sha256').update(text).digest('hex')
  const command = ['trust', 'root', '--url', url]
  t.equal(
    (await runCommand(command)).out,
    `Root 1 of ${url}/tuf, valid until 2026-01-02T00:00:00Z\nSHA-256 ${digest}\n\n` +
      `cosign initialize --mirror ${url}/tuf --root ${url}/tuf/root.json --root-checksum sha256:${digest}\n`,
  )
  t.match(JSON.parse((await runCommand([...command, '--json'])).out), {
    version: 1,
    sha256: digest,
    mirror: `${url}/tuf`,
  })
  const data = t.testdir()
  const file = `${url}/trusted_root.json`
  const trust = { trustedRoot: file, signingConfig: file, clientTrustConfig: file }
  const others = { public: { trust: 'https://trust.example.org' } }
  writeFileSync(
    join(data, 'endpoints.json'),
    JSON.stringify({ services: { trust: url }, ...others, issuer: 'https://i.example.org', trust }),
  )
  const behindName = await runCommand(['trust', 'root', '--data', data])
  t.notMatch(behindName.out, '127.0.0.1', 'others are told the public name alone')
  t.match(behindName.out, 'cosign initialize --mirror https://trust.example.org/tuf --root https://trust.')
  t.match(JSON.parse((await runCommand(['trust', 'root', '--json', '--data', data])).out), {
    url: 'https://trust.example.org/tuf/root.json',
    mirror: 'https://trust.example.org/tuf',
  })
  t.equal((await runCommand([...command, '--out', '-'])).out, text)
  t.match((await runCommand([...command, '--out', '-', '--json'])).err, /choose one/)
  body = text.replace('2026-01-02', '2036-01-02')
  t.match(await runCommand(command), { status: 1, err: /cannot be used: its own keys have not signed it/ })
  body = '{}'
  t.match(await runCommand(command), { status: 1, err: /the root metadata cannot be read/ })
})

t.test('what cannot be fetched, and a folder that is a file, are told with what to do', async (t) => {
  const folder = t.testdir({ file: '' })
  const inFile = { SIGSTACK_DATA: join(folder, 'file') }
  const other = await runCommand(['trust', 'fetch', './root.json'], inFile)
  t.equal(other.status, 1)
  t.match(other.err, /The trust service publishes trusted-root \(trusted_root\.json\), .* needs no fetching/)
  const noUrl = await runCommand(['trust', 'fetch', '--url', 'root.json'], inFile)
  t.match(noUrl, { status: 1, err: /--url "root\.json" is no URL of a service\nIt begins with http/ })
  const isFile = await runCommand(['trust', 'fetch'], inFile)
  t.match(isFile, { status: 1, err: /file is a file, or lies in one, .*\nName the folder with --data/ })
})
