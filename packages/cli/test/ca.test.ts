/** The commands that look after the authorities of a CA, against the CA of a whole stack. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { companyCa } from '@sigstack/ca-authority/testing'
import { startSoftHsm, withoutSoftHsm } from '@sigstack/signers/testing'
import t from 'tap'
import { runCommand } from './support.ts'
import { startTestStack } from './test-stack.ts'

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

t.test('looking after the CA of a stack', { timeout: 600_000 }, async (t) => {
  const stack = await startTestStack(t, { SIGSTACK_DATA: data, TRUST_REFRESH_SECONDS: '1' })
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
      /^first: current, issues\n {2}O=.*, CN=sigstack intermediate\n {4}\d{4}-\d\d-\d\d to .*, SHA-256 ([0-9A-F]{2}:?){32}\n/,
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

  await t.test('rotate: where no stack runs, it says so at once and makes nothing', async (t) => {
    const stopped = join(folder, 'stopped')
    cpSync(join(data, 'ca'), join(stopped, 'ca'), { recursive: true })
    cpSync(join(data, 'keys'), join(stopped, 'keys'), { recursive: true })
    const authorities = () => readdirSync(join(stopped, 'ca', 'authorities'))
    const before = authorities()
    t.match(await runCommand(['ca', 'rotate', '--data', stopped, '--timeout', '0']), {
      status: 1,
      err: /^Error: no stack is running on the data folder /,
    })
    t.same(authorities(), before)
  })

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
    t.match(JSON.parse(out), {
      error: {
        code: 'not_published',
        advice: /^It does not issue, and waits in the folder of the CA\. When it is published/,
      },
    })
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
        /^Logs whose admission rules name a chain by file need .*\nwaiting until the published trusted root lists it \.\.\.\nThe authority \S+ issues\. The one before stays trusted/,
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

  await t.test('tsa rotate: another certificate stamps, and stamps of before still verify', async (t) => {
    const stamped = (bundle: string) =>
      run(['verify-blob', '--bundle', bundle, '--use-signed-timestamps', ...by, file])
    const tsa = (...words: readonly string[]) => run(['tsa', ...words])
    const listed = async (): Promise<readonly Listed[]> => JSON.parse((await tsa('chains', '--json')).out)
    t.match(
      (await tsa('chains')).out,
      /^0-first: current, stamps\n {2}O=.*, CN=sigstack timestamp authority\n/,
    )
    const first = await signBundle('stamped-before.json')
    const stamp = await run(['timestamp', 'create', file])
    t.match(stamp, { status: 0, err: /^Stamped at \d{4}-.*Z by http/ })
    t.match(await run(['timestamp', 'verify', file]), { status: 0, err: /^Verified OK: stamped at / })
    const rotated = await tsa('rotate')
    t.equal(rotated.status, 0, rotated.err)
    t.match(rotated.err, /stamps\. The one before stays trusted until: sigstack tsa retire NAME\n$/)
    const [former, next] = await listed()
    t.match([former?.state, next?.state], ['ready', 'stamps'])
    const second = await signBundle('stamped-after.json')
    for (const bundle of [first, second]) t.same(await stamped(bundle), verified)
    t.match(await tsa('retire', next?.name ?? ''), { status: 1, err: /stamps; let another one stamp first/ })
    t.match(await tsa('retire', '0-first'), { status: 0 })
    t.match(await tsa('rotate', '--commit', '0-first'), { status: 1, err: /is not ready to stamp/ })
    t.same(await stamped(first), verified, 'in its time it still counts')

    const verifyStamp = (...words: readonly string[]) => run(['timestamp', 'verify', ...words])
    t.match(await verifyStamp(file), { status: 0 })
    const other = join(folder, 'other')
    writeFileSync(other, 'hullo')
    t.match(await verifyStamp(other, '--timestamp', `${file}.tsr`), {
      status: 1,
      err: /of another signature|of something else/,
    })
    const chain = join(folder, 'tsa.pem')
    const url = `${stack.endpoints.services['tsa']}/api/v1/timestamp`
    writeFileSync(chain, await (await fetch(`${url}/certchain`)).text())
    const fresh = join(folder, 'fresh.tsr')
    const words = ['--hash', 'sha512', '--no-nonce', '--no-certificate', '--url', url, '--out', fresh]
    t.match(await run(['timestamp', 'create', file, ...words]), { status: 0 })
    t.match(await verifyStamp(file, '--timestamp', fresh, '--certificate-chain', chain), { status: 0 })
    t.match(await verifyStamp(file, '--certificate-chain', chain), { status: 1 }, 'of the one before')
    const shown = JSON.parse((await run(['timestamp', 'inspect', fresh, '--json'])).out)
    t.match(shown, { status: 0, policy: '1.3.6.1.4.1.57264.2', hash: 'sha512', certificates: [] })
    t.match(
      (await run(['timestamp', 'inspect', `${file}.tsr`])).out,
      /^certificates: O=.*, CN=sigstack time/m,
    )
    t.match(await run(['timestamp', 'inspect', file]), { status: 1, err: /holds no timestamp/ })
    t.match(await run(['timestamp', 'create', file, '--policy', '1.2.3']), {
      status: 1,
      err: /unaccepted policy/,
    })
  })

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
    t.match(await ca('retire', 'nobody'), { status: 1, err: /there is no authority "nobody"; see/ })
    const { status, out, err } = await ca('retire', 'first', '--json')
    t.same({ status, out: JSON.parse(out) }, { status: 0, out: { name: 'first', retired: true } })
    t.match(err, 'The authority first is retired. The published trusted root gives it an end.\n')
    t.match((await ca('chains')).out, /^first: former, retired\n/)
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
    out: /: current, issues\n {2}O=Company, CN=sigstack intermediate\n/,
  })
})
