/** Pairs of keys in files, and how words are taken as cosign takes them. */
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runCommand } from './support.ts'

const vector = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const read = (path: string): string => readFileSync(path, 'utf8')
const secret = { COSIGN_PASSWORD: 'secret' }

t.test('a pair is made, private and public, and is overwritten only with consent', async (t) => {
  const prefix = join(t.testdir(), 'mine')
  const words = ['generate-key-pair', '--output-key-prefix', prefix]
  const told = `Private key written to ${prefix}.key\nPublic key written to ${prefix}.pub\n`
  t.same(await runCommand(words, secret), { status: 0, out: '', err: told })
  t.equal(statSync(`${prefix}.key`).mode & 0o777, 0o600)
  t.equal(statSync(`${prefix}.pub`).mode & 0o777, 0o644)
  t.same(await runCommand(['public-key', '--key', `${prefix}.key`], secret), {
    status: 0,
    out: read(`${prefix}.pub`),
    err: '',
  })

  const before = read(`${prefix}.key`)
  const answers: readonly [answer: string, reason: RegExp][] = [
    ['', /user declined the prompt$/m],
    ['n\n', /user declined the prompt$/m],
    ['yes\n', /invalid input "yes" \(allowed values y, n\)$/m],
  ]
  for (const [answer, reason] of answers) {
    const refused = await runCommand(words, secret, Buffer.from(answer))
    t.equal(refused.status, 1)
    t.match(refused.err, /^WARNING: File .*mine\.key already exists\. Overwrite\?\nAre you sure .*\[y\/N\] /)
    t.match(refused.err, reason)
  }
  t.equal(read(`${prefix}.key`), before)
  t.equal((await runCommand(words, secret, Buffer.from('y\n'))).status, 0)
  t.not(read(`${prefix}.key`), before)
})

t.test('a key of another tool becomes the one that cosign would make of it', async (t) => {
  const prefix = join(t.testdir(), 'p384')
  const words = ['import-key-pair', '--key', vector('openssl-p384.pem'), '-o', prefix]
  t.equal((await runCommand(words, secret)).status, 0)
  t.equal(read(`${prefix}.pub`), read(vector('cosign-3.1.3-p384.pub')))
  t.match(await runCommand([...words, '--yes=true'], secret), { status: 0, err: /^WARNING: File / })
  const refused = await runCommand(['import-key-pair', '--key', vector('openssl-p224_fail.pem')], secret)
  t.match(refused, { status: 1, err: /^Error: error validating ecdsa key: ECDSA curve P-224 not allowed\n/ })
})

t.test('a private key does not take the mode of what it replaces', async (t) => {
  const prefix = join(t.testdir({ 'mine.key': 'before', 'mine.pub': '' }), 'mine')
  chmodSync(`${prefix}.key`, 0o666)
  const words = ['import-key-pair', '--key', vector('openssl-p384.pem'), '-o', prefix, '-y']
  t.equal((await runCommand(words, secret)).status, 0)
  t.equal(statSync(`${prefix}.key`).mode & 0o777, 0o600)
  t.same(readdirSync(dirname(prefix)).sort(), ['mine.key', 'mine.pub'], 'nothing is left beside')
})

t.test('the public half of another key is overwritten only with consent', async (t) => {
  const prefix = join(t.testdir({ 'mine.pub': 'of another' }), 'mine')
  const words = ['generate-key-pair', '--output-key-prefix', prefix]
  const refused = await runCommand(words, secret, Buffer.from('n\n'))
  t.equal(refused.status, 1)
  t.match(refused.err, /^WARNING: File .*mine\.pub already exists\. Overwrite\?\n/)
  t.equal(read(`${prefix}.pub`), 'of another')
  t.throws(() => read(`${prefix}.key`), { code: 'ENOENT' })
})

t.test('the public half is printed of every file that cosign wrote', async (t) => {
  for (const kind of ['p256', 'p384', 'rsa', 'ed25519']) {
    const pem = read(vector(`cosign-3.1.3-${kind}.pub`))
    const printed = await runCommand(['public-key', '--key', vector(`cosign-3.1.3-${kind}.key`)], secret)
    t.same(printed, { status: 0, out: pem, err: '' })
    t.equal((await runCommand(['public-key', '--key', vector(`cosign-3.1.3-${kind}.pub`)])).out, pem)
    t.equal((await runCommand(['public-key', '--key', 'env://PUB'], { PUB: pem })).out, pem)
  }
})

t.test('a password is that of the variable, else all of standard input', async (t) => {
  const words = ['public-key', '--key', vector('cosign-3.1.3-p256.key')]
  t.equal((await runCommand(words, {}, Buffer.from('secret'))).status, 0)
  const wrong = /^Error: decrypt: encrypted: decryption failed\n/
  t.match(await runCommand(words, {}, Buffer.from('secret\n')), { status: 1, err: wrong })
  t.match(await runCommand(words, { COSIGN_PASSWORD: '' }, Buffer.from('secret')), { status: 1, err: wrong })
  const json = await runCommand([...words, '--json'], { COSIGN_PASSWORD: 'no' })
  t.match(JSON.parse(json.out), { error: { code: 'wrong_password' } })
})

t.test('words are taken as cosign takes them', async (t) => {
  const key = vector('cosign-3.1.3-p256.pub')
  const pem = read(key)
  const once = await runCommand(['public-key', '-key', key])
  t.equal(once.out, pem)
  t.match(once.err, /^WARNING: the -key flag is deprecated .* Please use the --key flag instead\.\n$/)
  t.equal((await runCommand(['public-key', `-key=${key}`])).out, pem)
  t.equal((await runCommand(['public-key'], { COSIGN_KEY: key })).out, pem)
  const other = vector('cosign-3.1.3-rsa.pub')
  t.equal((await runCommand(['public-key', '--key', other], { COSIGN_KEY: key })).out, read(other))
  t.equal((await runCommand(['public-key', '--sk=false', '--key', key])).out, pem)
  t.match(await runCommand(['public-key', '--sk=true', '--key', key]), { status: 1, err: /PIV tokens/ })
  t.match(await runCommand(['public-key', '--sk', '--key', key]), { status: 1, err: /PIV tokens/ })
  t.match(await runCommand(['public-key', '--nosuch=true']), { status: 1, err: /unknown option/ })
})

t.test('what cannot be made is refused before anything is asked', async (t) => {
  const generate = (...words: readonly string[]) => runCommand(['generate-key-pair', ...words])
  t.match(await generate('place'), { status: 1, err: /could not parse scheme/ })
  t.match(await generate('k8s://x'), { status: 1, err: /named like k8s:\/\/namespace\/name/ })
  t.match(await generate('foo://bar'), { status: 1, err: /undefined provider: foo/ })
  t.match(await generate('--kms', 'awskms:///alias/x'), { status: 1, err: /no key that this tool can make/ })
})

t.test("cosign's flags of every command stand anywhere, and mean the same", async (t) => {
  const key = vector('cosign-3.1.3-p256.pub')
  const pem = read(key)
  for (const words of [
    ['--timeout', '5m', 'public-key', '--key', key],
    ['-d', 'public-key', '--key', key, '-t', '1m30s'],
    ['public-key', '--timeout=1.5h', '--verbose=true', '--key', key],
  ])
    t.same(await runCommand(words), { status: 0, out: pem, err: '' }, words.join(' '))
  const file = join(t.testdir(), 'out')
  t.same(await runCommand(['--output-file', file, 'public-key', '--key', key]), {
    status: 0,
    out: '',
    err: '',
  })
  t.equal(read(file), pem)
  for (const duration of ['', 'xx', '5', '5 m', '-5m', '5mx'])
    t.match(await runCommand(['public-key', `--timeout=${duration}`, '--key', key]), {
      status: 1,
      err: /for --timeout: it is no duration\n/,
    })
  t.match(await runCommand(['public-key', '--timeout']), {
    status: 1,
    err: /for --timeout: it is no duration/,
  })
  // Its own flag, in seconds.
  t.notMatch((await runCommand(['ca', 'retire', '--timeout', '180', '--nosuch'])).err, /duration/)
  const late = await runCommand(['generate-key-pair', '-t', '1ns', '--output-key-prefix', file], secret)
  t.match(late, { status: 1, err: /^Error: the command took longer than 1 ms\n/ })
})
