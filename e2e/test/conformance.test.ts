import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { ownCases, suiteCases } from '../conformance/cases.ts'
import { toolWords } from '../conformance/protocol.ts'

t.setTimeout(600_000)

const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-conformance-test-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const vectors = path.join(import.meta.dirname, '../../packages/verification/test/vectors')
const digest = `sha256:${'a'.repeat(64)}`

t.test('what the protocol asks for is asked of the tool', async (t) => {
  const words = (text: string) => toolWords(text.split(' '), 'PUBLIC').join(' ')
  const who = '--certificate-identity=ID --certificate-oidc-issuer=URL'
  t.equal(
    words(`verify-bundle --bundle B ${who.replaceAll('=', ' ')} ${digest}`),
    `verify-blob --bundle=B ${who} --trusted-root=PUBLIC -- ${digest}`,
  )
  t.equal(
    words(`verify-bundle --staging --bundle B --key K --trusted-root R FILE`),
    'verify-blob --bundle=B --key=K --trusted-root=R -- FILE',
  )
  t.equal(
    words('sign-bundle --identity-token T --bundle B --trusted-root R --signing-config S FILE'),
    'sign-blob --identity-token=T --bundle=B --trusted-root=R --signing-config=S -- FILE',
  )
  t.equal(
    words('sign-bundle --in-toto --identity-token T --bundle B FILE'),
    'attest-blob --statement=FILE --identity-token=T --bundle=B',
  )
  for (const bad of ['verify-bundle FILE', 'verify-bundle --bundle B', 'verify-bundle --bundle B --odd FILE'])
    t.throws(() => words(bad), { name: 'ProtocolError' }, bad)
  t.throws(() => words('verify-bundle --staging --bundle B FILE'), { message: /staging instance/ })
})

t.test('a file that is named like a digest is a file', async (t) => {
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  await writeFile(digest, '')
  const words = toolWords(['verify-bundle', '--bundle', 'B', digest], 'PUBLIC')
  t.equal(words.at(-1), path.resolve(digest))
})

t.test('every case is there by file and by digest, and every refusal has its reason', async (t) => {
  const cases = ownCases()
  t.equal(cases.length, 118)
  t.equal(new Set(cases.map(({ name }) => name)).size, cases.length)
  for (const { name, mustPass, reason } of cases) t.equal(reason === undefined, mustPass, name)
  t.equal(suiteCases(path.join(vectors, 'trust')).length, 18)
})

t.test('the entry point verifies, refuses and complains, from any folder', async (t) => {
  const run = (...words: readonly string[]) =>
    spawnSync(path.join(import.meta.dirname, '../conformance/entrypoint'), words, {
      cwd: path.join(vectors, 'conformance'),
      encoding: 'utf8',
      timeout: 300_000,
    })
  const named = ownCases().find(({ name }) => name === 'conformance/rekor2-happy-path by digest')
  const [, , , ...rest] = named?.words ?? []
  const bundle = 'rekor2-happy-path/bundle.sigstore.json'
  const good = run('verify-bundle', '--bundle', bundle, ...rest)
  t.equal(good.status, 0, good.stderr)
  t.match(good.stderr, /Verified OK\n$/)
  const bad = run('verify-bundle', '--bundle', bundle, ...rest.slice(0, -1), digest)
  t.equal(bad.status, 1)
  t.match(bad.stderr, /^Error: the artifact is not the one that was signed/m)
  const odd = run('verify-bundle', '--bundle', bundle)
  t.equal(odd.status, 2)
  t.equal(odd.stderr, 'Error: verify-bundle takes --bundle and one file\n')
})
