import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runCommand } from './support.ts'

const refused: readonly (readonly [words: string, says: RegExp])[] = [
  ['attest --rekor-entry-type intoto registry.example/app', /dsse alone\nLeave the option out/],
  ['sign-blob --signing-algorithm ecdsa-sha2-384-nistp384 f', /are ecdsa-sha2-256-nistp256\n.*--key/],
  ['sign-blob --b64=false f', /`base64 --decode`/],
  ['bundle create --sk', /pkcs11:/],
  ['upload blob -f f registry.example/app', /oras/],
  ['generate-fig-spec', /completion SHELL/],
  ['env', /COSIGN_ and its name/],
  ['piv-tool reset', /pkcs11:/],
  ['pkcs11-tool list-tokens', /pkcs11:/],
  ['debug', /doctor/],
]

t.test('what only cosign has is refused with what to do in its place', async (t) => {
  const environment = { HOME: t.testdir(), COSIGN_PASSWORD: '' }
  for (const [words, says] of refused) {
    const { status, out, err } = await runCommand(words.split(' '), environment)
    t.match({ status, out, err }, { status: 1, out: '', err: says }, words)
    t.match(err, /^Error: [^\n]+\n[^\n]+\n$/, 'a sentence, and a line of advice')
  }
  const told = JSON.parse((await runCommand(['env', '--json'], environment)).out)
  t.match(told, { error: { code: 'bad_usage', advice: /COSIGN_/ } })
})

t.test('help shows each flag that changes something, and none that scripts alone have', async (t) => {
  const shown = async (...command: readonly string[]) =>
    new Set((await runCommand([...command, '--help'], { HOME: t.testdir() })).out.match(/--[a-z0-9-]+/g))
  const [verify, signFile] = [await shown('verify'), await shown('sign-blob')]
  for (const flag of [
    'sct',
    'rekor-url',
    'timestamp-certificate-chain',
    'signature-digest-algorithm',
    'signature',
  ])
    t.ok(verify.has(`--${flag}`), flag)
  for (const flag of ['oidc-client-id', 'timestamp-client-cacert', 'rfc3161-timestamp'])
    t.ok(signFile.has(`--${flag}`), flag)
  t.ok((await shown('verify-blob-attestation')).has('--rfc3161-timestamp'))
  for (const flag of [
    'sk',
    'slot',
    'b64',
    'insecure-skip-verify',
    'experimental-oci11',
    'private-infrastructure',
  ])
    t.notOk(verify.has(`--${flag}`) || signFile.has(`--${flag}`), flag)
})

t.test('flags of cosign that change nothing here are taken, in each of their spellings', async (t) => {
  const environment = { HOME: t.testdir(), COSIGN_PASSWORD: 'x', SIGSTACK_OFFLINE: '1' }
  for (const words of [
    'attest --no-upload=true --rekor-entry-type dsse --record-creation-timestamp=true',
    'attest --no-upload=false --insecure-skip-verify',
    'sign-blob --b64 --signing-algorithm ecdsa-sha2-256-nistp256 --key none f',
    'verify-blob --experimental-oci11 --key none --bundle b f',
    'verify --experimental-oci11=true --cert-identity a --cert-oidc-issuer=b none',
    'sign-blob --cert c.pem --cert-chain=c.pem f',
  ]) {
    const { status, err } = await runCommand(words.split(' '), environment)
    t.equal(status, 1)
    t.notMatch(err, /unknown option|goes without/, words)
  }
})

t.test('a plain signature is over the hash that the caller names, else that of its key', async (t) => {
  const key = fileURLToPath(new URL('../../signing/test/vectors/keys/cosign-3.1.3-p384', import.meta.url))
  const folder = t.testdir({ f: 'hello' })
  const [file, signature] = [join(folder, 'f'), join(folder, 's')]
  const run = (...words: readonly string[]) => runCommand(words, { HOME: folder, COSIGN_PASSWORD: 'secret' })
  const alone = ['--tlog-upload=false', '--new-bundle-format=false', '--output-signature', signature]
  t.match(await run('sign-blob', '--key', `${key}.key`, ...alone, file), { status: 0 })
  const verify = (...words: readonly string[]) =>
    run(
      'verify-blob',
      '--key',
      `${key}.pub`,
      '--insecure-ignore-tlog',
      '--signature',
      signature,
      ...words,
      file,
    )
  t.match(await verify(), { status: 0 })
  t.match(await verify('--signature-digest-algorithm', 'sha384'), { status: 0 })
  t.match(await verify('--signature-digest-algorithm=sha256'), { status: 1, err: /the signature is not by/ })
})

t.test('a certificate towards a timestamp authority has its key', async (t) => {
  const words = 'sign-blob --key none --timestamp-client-cert c.pem f'
  t.match(await runCommand(words.split(' '), { HOME: t.testdir() }), { status: 1, err: /belong together/ })
})

t.test('the short spellings say the same', async (t) => {
  const bundle = join(t.testdir({ f: '' }), 'none.json')
  const run = (...words: readonly string[]) => runCommand(words, { HOME: t.testdirName })
  const rest = ['--bundle', bundle, join(t.testdirName, 'f')]
  const long = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b']
  const short = ['--cert-identity', 'a', '--cert-oidc-issuer=b']
  t.same(await run('verify-blob', ...short, ...rest), await run('verify-blob', ...long, ...rest))
})
