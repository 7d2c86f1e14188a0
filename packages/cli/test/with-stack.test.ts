import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@sigstack/server'
import { parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { readBundle, selfCheck } from '../src/index.ts'
import { runCommand, startTestStack } from './support.ts'

const folder = t.testdir({ file: 'hello', other: 'hullo' })
const data = join(folder, 'data')
const file = join(folder, 'file')

const run = (words: readonly string[], environment: Record<string, string> = {}) =>
  runCommand(words, { SIGSTACK_DATA: data, ...environment }, Buffer.from('from elsewhere'))

t.test('against a whole stack', { timeout: 120_000 }, async (t) => {
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
    t.equal(bundle.mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json')
    t.equal(bundle.verificationMaterial.content.$case, 'certificate')

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

  await t.test('a bundle that the published trust does not cover is not written', async (t) => {
    const trust = JSON.parse((await run(['trust', 'fetch', 'trust-config'])).out)
    trust.trustedRoot.ctlogs = []
    const path = join(folder, 'without-ct.json')
    writeFileSync(path, JSON.stringify(trust))
    const bundle = join(folder, 'never.json')
    const { status, err } = await run(['sign-blob', '--trust-config', path, '--bundle', bundle, file])
    t.equal(status, 1)
    t.match(err, /Error: the fresh signature does not verify, so it was not written: .*SCT/)
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

  await stack.stop()
  t.match((await run(['token', '--email', 'a@example.org'])).err, /^Error: no stack is running/)
})

t.test(
  'a stack without CT log: loud at the start, signs, and verifies when told so',
  { timeout: 120_000 },
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
      readFileSync(new URL('vectors/roots/public-good.trusted_root.json', import.meta.url), 'utf8'),
    ) as { ctlogs: unknown[] }
    const root = JSON.parse(readFileSync(files['trustedRoot']!, 'utf8')) as object
    writeFileSync(join(folder, 'root.json'), JSON.stringify({ ...root, ctlogs }))
    const missed = await verify('--trusted-root', join(folder, 'root.json'))
    t.equal(missed.status, 1)
    t.match(missed.err, /holds no promise of a CT log[^]*--insecure-ignore-sct/)
  },
)
