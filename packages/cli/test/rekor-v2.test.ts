/** Signing through Rekor v2 and a timestamp authority, where the signing config prefers them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseEndpoints } from '../src/endpoints.ts'
import { selfCheck } from '../src/self-check.ts'
import { runCommand } from './support.ts'
import { startTestStack } from './test-stack.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/cosign-3.1.3-${name}`, import.meta.url))
const email = 'tester@example.org'

type Written = {
  readonly verificationMaterial: {
    readonly tlogEntries: readonly { readonly kindVersion: object; readonly integratedTime: string }[]
    readonly timestampVerificationData: { readonly rfc3161Timestamps: readonly unknown[] }
  }
}

t.test('a stack with Rekor v2 alone signs files and statements, by identity and by keys', async (t) => {
  const folder = t.testdir({ file: 'hello\n', predicate: '{}' })
  const stack = await startTestStack(t, { SIGSTACK_DATA: join(folder, 'data'), SIGSTACK_REKOR: 'v2' })
  const { endpoints } = stack
  t.notOk(endpoints.services['rekor'])
  t.equal(await selfCheck(parseEndpoints(JSON.stringify(endpoints))), undefined)

  const environment = { SIGSTACK_DATA: join(folder, 'data'), COSIGN_PASSWORD: 'secret' }
  const run = (...words: readonly string[]) => runCommand(words, environment)
  const succeed = async (...words: readonly string[]) => {
    const { status, err, out } = await run(...words)
    t.equal(status, 0, `${words[0]}: ${err}`)
    return out
  }
  const token = (await succeed('token', '--email', email)).trim()
  const file = join(folder, 'file')
  const bundle = join(folder, 'bundle.json')
  const signers = [
    [
      ['--identity-token', token],
      ['--certificate-identity', email, '--certificate-oidc-issuer', endpoints.issuer],
    ],
    ...['p256', 'p384', 'rsa', 'ed25519'].map((kind) => [
      ['--key', key(`${kind}.key`)],
      ['--key', key(`${kind}.pub`)],
    ]),
  ] as const
  for (const [by = [], whose = []] of signers) {
    const result = JSON.parse(await succeed('sign-blob', '--json', ...by, '--bundle', bundle, file)) as object
    t.notOk('integratedTime' in result, 'there is none')
    const { verificationMaterial } = JSON.parse(readFileSync(bundle, 'utf8')) as Written
    t.match(verificationMaterial.tlogEntries, [
      { kindVersion: { kind: 'hashedrekord', version: '0.0.2' }, integratedTime: '0' },
    ])
    t.equal(verificationMaterial.timestampVerificationData.rfc3161Timestamps.length, 1)
    await succeed('verify-blob', ...whose, '--bundle', bundle, file)

    const statement = ['--predicate', join(folder, 'predicate'), '--type', 'https://example.org/predicate']
    await succeed('attest-blob', ...by, ...statement, '--bundle', bundle, file)
    const type = ['--type', 'https://example.org/predicate']
    await succeed('verify-blob-attestation', ...whose, ...type, '--bundle', bundle, file)
  }

  const old = await run('sign-blob', '--identity-token', token, '--new-bundle-format=false', file)
  t.match(old, { status: 1, err: /names no transparency log of API version 1 that is valid now/ })
})

t.test(
  'a stack with both signs through the one that is preferred, and in old forms through v1',
  async (t) => {
    const folder = t.testdir({ file: 'hello\n' })
    const data = join(folder, 'data')
    const stack = await startTestStack(t, { SIGSTACK_DATA: data, TRUST_SIGNING_LOG: 'v2' })
    t.equal(await selfCheck(parseEndpoints(JSON.stringify(stack.endpoints))), undefined)
    const environment = { SIGSTACK_DATA: data, COSIGN_PASSWORD: 'secret' }
    const bundle = join(folder, 'bundle.json')
    const sign = async (...words: readonly string[]) => {
      const all = ['sign-blob', '--key', key('p256.key'), ...words, '--bundle', bundle, join(folder, 'file')]
      const { status, err } = await runCommand(all, environment)
      t.equal(status, 0, err)
      return readFileSync(bundle, 'utf8')
    }
    t.match(await sign(), /"version":"0\.0\.2"/)
    t.match(await sign('--new-bundle-format=false'), /"SignedEntryTimestamp":"[A-Za-z0-9+/]/)
  },
)
