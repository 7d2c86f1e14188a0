/** The commands that look after the authorities of a CA, against the CA of a whole stack. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSoftHsm, withoutSoftHsm } from '@sigstack/signers/testing'
import t from 'tap'
import { companyCa } from '../../../services/ca/test/support/company-ca.ts'
import { runCommand, startTestStack } from './support.ts'

const folder = t.testdir({ file: 'hello' })
const data = join(folder, 'data')
const file = join(folder, 'file')
const sign = companyCa(join(folder, 'company'))

const run = (words: readonly string[], environment: Record<string, string> = { SIGSTACK_DATA: data }) =>
  runCommand(words, environment)

const ca = (...words: readonly string[]) => run(['ca', ...words])

type Listed = {
  readonly name: string
  readonly state: string
  readonly certificates: readonly { subject: string }[]
}
const chains = async (): Promise<readonly Listed[]> => JSON.parse((await ca('chains', '--json')).out)
const stateOf = async (name: string) => (await chains()).find((each) => each.name === name)?.state

t.test('looking after the CA of a stack', { timeout: 120_000 }, async (t) => {
  const stack = await startTestStack(t, { SIGSTACK_DATA: data })
  const by = [
    '--certificate-identity',
    'trial@example.org',
    '--certificate-oidc-issuer',
    stack.endpoints.issuer,
  ]
  const signBundle = async (name: string): Promise<string> => {
    const bundle = join(folder, name)
    const { status, err } = await run(['sign-blob', '--bundle', bundle, file])
    if (status !== 0) throw new Error(err)
    return bundle
  }
  const verify = (bundle: string) => run(['verify-blob', '--bundle', bundle, ...by, file])
  const verified = { status: 0, out: '', err: 'Verified OK\n' }
  const before = await signBundle('before.json')
  let name = ''

  await t.test('chains: who issues, in words and as JSON', async (t) => {
    const { status, out } = await ca('chains')
    t.equal(status, 0)
    t.match(
      out,
      /^first: issues\n {2}O=.*, CN=sigstack intermediate\n {4}\d{4}-\d\d-\d\d to .*, SHA-256 ([0-9A-F]{2}:?){32}\n/,
    )
    t.match(await chains(), [{ name: 'first', state: 'issues', certificates: [{}, {}] }])
  })

  await t.test('csr: a key that cannot be had is one sentence, and leaves nothing behind', async (t) => {
    for (const [uri, complaint] of [
      ['file:/nowhere.pem', /^Error: cannot read \/nowhere\.pem: there is no such file/],
      ['ssh:key', /^Error: keys of kind ssh: are not supported; use file:, pkcs11:/],
      ['pkcs11:object=ca?module-path=/nowhere.so', /^Error: pkcs11:object=ca.* cannot be loaded/],
      ['hashivault://ca', /^Error: hashivault:\/\/ca: set VAULT_ADDR/],
    ] as const) {
      const { status, out, err } = await ca('csr', '--key', uri)
      t.match({ status, out, err }, { status: 1, out: '', err: complaint }, uri)
      t.notMatch(err, /\n {4}at /, 'without a stack trace')
    }
    t.equal((await chains()).length, 1)
    const { out } = await ca('csr', '--help')
    for (const word of ['--key <uri>', 'pkcs11:', 'awskms:', 'gcpkms:', 'azurekms:', 'hashivault:'])
      t.ok(out.includes(word), word)
  })

  await t.test('csr: the request of a new authority, which waits for its chain', async (t) => {
    const path = join(folder, 'request.pem')
    const { status, out, err } = await ca(
      'csr',
      '--common-name',
      'Signing CA',
      '--organization',
      'Company',
      '--out',
      path,
    )
    t.match({ status, out }, { status: 0, out: '' })
    name = /^The authority (\S+) waits for its chain\./.exec(err)?.[1] ?? ''
    t.equal(await stateOf(name), 'waits for its chain')
    const subject = execFileSync('openssl', ['req', '-verify', '-noout', '-subject', '-in', path], {
      stdio: 'pipe',
    })
    t.match(subject.toString(), /O ?= ?Company, CN ?= ?Signing CA/)
    const another = JSON.parse((await ca('csr', '--json')).out)
    t.match(another, { name: /./, request: /^-----BEGIN CERTIFICATE REQUEST-----/ })
    t.equal(await stateOf(another.name), 'waits for its chain')
  })

  await t.test(
    'install: what is no answer to a request is refused, and what is one is published',
    async (t) => {
      const path = join(folder, 'chain.pem')
      writeFileSync(path, readFileSync(join(folder, 'company', 'root.pem')))
      t.match(await ca('install', path), {
        status: 1,
        err: /^Error: no authority waits for a chain with this key/,
      })
      t.match(await ca('install', join(folder, 'none.pem')), { status: 1, err: /cannot read .*none\.pem/ })
      writeFileSync(path, sign(readFileSync(join(folder, 'request.pem'), 'utf8')))
      const { status, out, err } = await ca('install', path, '--json')
      t.same({ status, out: JSON.parse(out) }, { status: 0, out: { name, issues: false } })
      t.match(err, `Let it issue with: sigstack ca rotate --commit ${name}\n`)
      t.equal(await stateOf(name), 'ready')
    },
  )

  await t.test('rotate: what it refuses changes nothing', async (t) => {
    t.match(await ca('rotate', '--commit', 'nobody'), {
      status: 1,
      err: /the authority nobody is not ready to issue\nSee/,
    })
    t.match(await ca('rotate', '--timeout', 'soon'), {
      status: 1,
      err: /--timeout soon is no number of seconds/,
    })
    t.match(await ca('rotate', '--commit', name, '--key', 'hashivault://ca'), {
      status: 1,
      err: /leave out --key/,
    })
    const { trustedRoot } = stack.endpoints.trust
    const old = join(folder, 'old-root.json')
    const root = (await (await fetch(trustedRoot)).json()) as { certificateAuthorities: unknown[] }
    root.certificateAuthorities.length = 1
    writeFileSync(old, JSON.stringify(root))
    const words = ['rotate', '--commit', name, '--trusted-root', old, '--timeout', '0', '--json']
    const { status, out, err } = await ca(...words)
    t.equal(status, 1)
    t.match(JSON.parse(out), { error: { code: 'not_published', advice: /Nothing has changed yet/ } })
    t.match(err, /does not list the authority/)
    t.equal(await stateOf('first'), 'issues')
  })

  await t.test(
    'rotate: the installed one issues once it is published, and old bundles still verify',
    async (t) => {
      const { status, out, err } = await ca('rotate', '--commit', name, '--json')
      t.equal(status, 0, err)
      t.same(JSON.parse(out), { name, issues: true })
      t.match(
        err,
        /^waiting until the published trusted root lists it \.\.\.\nThe authority \S+ issues\. The one before stays trusted/,
      )
      t.match(await chains(), [
        { name: 'first', state: 'ready' },
        { state: /issues|waits/ },
        { state: /issues|waits/ },
      ])
      t.same(await verify(await signBundle('company.json')), verified)
      t.same(await verify(before), verified)
    },
  )

  await t.test('rotate: in two steps, to a key in a token where there is one', async (t) => {
    const key = startSoftHsm(t)?.importKey('ca', 'P-256')
    if (key === undefined) t.comment(withoutSoftHsm)
    const prepared = await ca('rotate', '--prepare', '--json', ...(key === undefined ? [] : ['--key', key]))
    t.equal(prepared.status, 0, prepared.err)
    const { name: next, issues } = JSON.parse(prepared.out)
    t.equal(issues, false)
    t.match(prepared.err, `Once clients know it: sigstack ca rotate --commit ${next}\n`)
    t.equal(await stateOf(next), 'ready')
    const place = join(data, 'ca', 'authorities', next)
    t.equal(existsSync(join(place, 'key.pem')), key === undefined)
    if (key !== undefined) t.equal(readFileSync(join(place, 'key.uri'), 'utf8'), `${key}\n`)

    const done = await ca('rotate', '--json')
    t.equal(done.status, 0, done.err)
    t.same(JSON.parse(done.out), { name: next, issues: true }, 'the prepared one is taken')
    t.same(await verify(await signBundle('own.json')), verified)
  })

  await t.test('retire: never the one that issues; others are published no more', async (t) => {
    const issuing = (await chains()).find(({ state }) => state === 'issues')?.name ?? ''
    t.match(await ca('retire', issuing), { status: 1, err: /issues; let another one issue first/ })
    t.match(await ca('retire', 'nobody'), { status: 1, err: /there is no authority nobody; see/ })
    const { status, out, err } = await ca('retire', 'first', '--json')
    t.same({ status, out: JSON.parse(out) }, { status: 0, out: { name: 'first', retired: true } })
    t.match(err, 'The authority first is retired. The published trusted root gives it an end.\n')
    t.match((await ca('chains')).out, /^first: retired\n/)
    t.same(await verify(before), verified, 'what it issued before')
  })
})

t.test('a CA on its own: the first chain that is installed issues at once', async (t) => {
  const environment = { CA_DATA: join(t.testdir(), 'data'), CA_ORGANIZATION: 'Company' }
  t.match(await run(['ca', 'chains'], environment), { status: 0, out: /^The CA has no authority yet/ })
  const request = await run(['ca', 'csr'], environment)
  t.equal(request.status, 0, request.err)
  const path = join(folder, 'first-chain.pem')
  writeFileSync(path, sign(request.out))
  t.match(await run(['ca', 'install', path], environment), { status: 0, err: /is installed and issues\.\n$/ })
  t.match(await run(['ca', 'chains'], environment), {
    out: /: issues\n {2}O=Company, CN=sigstack intermediate\n/,
  })
})
