/** Conditions for the job that signed, on bundles of GitHub Actions. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runCommand } from './support.ts'

const vector = (name: string): string =>
  fileURLToPath(new URL(`../../verification/test/vectors/${name}`, import.meta.url))
const repository = 'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon'
const workflow = `${repository}/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main`
const trust = ['--trusted-root', vector('roots/public-good.trusted_root.json')]
const issuer = ['--certificate-oidc-issuer', 'https://token.actions.githubusercontent.com']

const folder = 'conformance/happy-path-v0.3-new-mediaType'
const signature = ['--bundle', vector(`${folder}/bundle.sigstore.json`), vector('conformance/a.txt')]
const statement = [
  '--bundle',
  vector('conformance/happy-path-intoto-in-dsse-v3/bundle.sigstore.json'),
  '--type',
  'https://slsa.dev/provenance/v1',
  vector('conformance/a.txt'),
]
const verifyBlob = (...words: readonly string[]) =>
  runCommand(['verify-blob', ...trust, ...issuer, ...words, ...signature])
const verifyStatement = (...words: readonly string[]) =>
  runCommand(['verify-blob-attestation', ...trust, ...issuer, ...words, ...statement])

t.test('repository, build signer and ref say who must have signed, without an identity', async (t) => {
  for (const verify of [verifyBlob, verifyStatement]) {
    const byRepository = await verify('--source-repository', repository, '--ref-pattern', 'refs/heads/*')
    t.same([byRepository.status, byRepository.err], [0, 'Verified OK\n'])
    t.equal((await verify('--build-signer', workflow)).status, 0)
    t.equal((await verify('--source-repository', repository, '--build-signer', workflow)).status, 0)
    const anyRef = await verify('--source-repository', repository)
    t.equal(anyRef.status, 0)
    t.match(anyRef.err, `also accept any branch and any tag; this signer alone is "${workflow}"`)
  }
})

t.test('each condition refuses what it does not fit, and adds to an identity', async (t) => {
  const refused: readonly (readonly [RegExp, ...string[]])[] = [
    [/source repository is "https:.*", expected/, '--source-repository', `${repository}-evil`],
    [/source repository is/, '--source-repository', repository.slice(0, -1)],
    [/build signer is .*, expected/, '--build-signer', workflow.replace('main', 'next')],
    [/ref .* pattern "refs\/tags\/\*"/, '--source-repository', repository, '--ref-pattern', 'refs/tags/*'],
    [/pattern "refs\/\*"/, '--source-repository', repository, '--ref-pattern', 'refs/*'],
    [/source repository is/, '--certificate-identity', workflow, '--source-repository', 'https://x.example'],
    [/identity is/, '--certificate-identity', 'a', '--source-repository', repository],
  ]
  for (const verify of [verifyBlob, verifyStatement])
    for (const [reason, ...words] of refused) {
      const { status, err } = await verify(...words)
      t.equal(status, 1, words.join(' '))
      t.match(err, reason)
    }
})

t.test('a ref alone says nobody, nor does an empty condition', async (t) => {
  const wanted = /--certificate-identity or --certificate-identity-regexp is required/
  t.match((await verifyBlob('--ref-pattern', 'refs/tags/*')).err, wanted)
  t.match((await verifyBlob('--source-repository', '')).err, wanted)
  const empty = await verifyBlob('--source-repository', repository, '--ref-pattern', '')
  t.match(empty.err, /--ref-pattern is empty/)
  const key = await runCommand([
    'verify-blob',
    '--key',
    'x.pub',
    '--source-repository',
    repository,
    ...signature,
  ])
  t.match(key.err, /a key and an identity cannot both be demanded/)
})

t.test('commands on images take the same conditions', async (t) => {
  for (const command of ['verify', 'verify-attestation']) {
    const words = [
      '--source-repository',
      repository,
      '--ref-pattern',
      'refs/tags/*',
      '--build-signer',
      workflow,
    ]
    const { err } = await runCommand([command, ...trust, ...issuer, ...words, 'not an image'])
    t.match(err, /is no reference to an image/, command)
  }
})
