import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex, utf8, verifySignature } from '@sigstack/crypto'
import t from 'tap'
import { createKeyFile, ensurePassword, loadOrCreateSigner, openSigner } from '../src/index.ts'

const message = utf8('what is signed')

t.test('a key that was made is opened again by its URI and signs with the same key', async (t) => {
  const path = join(t.testdir(), 'ca.pem')
  const made = await createKeyFile(path, 'secret')
  const opened = await openSigner(`file:${path}`, { password: 'secret' })
  t.equal(toHex(opened.publicKey.spki), toHex(made.publicKey.spki))
  t.equal(made.algorithm, 'ecdsa-sha2-256-nistp256')
  t.ok(await verifySignature(made.publicKey, 'sha256', message, await opened.sign(message)))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.match(readFileSync(path, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  t.same(readdirSync(join(path, '..')), ['ca.pem'], 'no temporary file stays')
  t.equal(
    toHex((await openSigner(`file://${path}`, { password: 'secret' })).publicKey.spki),
    toHex(made.publicKey.spki),
  )
})

t.test('a key file is never overwritten', async (t) => {
  const path = join(t.testdir(), 'ca.pem')
  await createKeyFile(path, 'secret')
  const before = readFileSync(path)
  await t.rejects(createKeyFile(path, 'secret'), { name: 'SignerError', code: 'already_exists' })
  t.same(readFileSync(path), before)
})

t.test('many processes that start at once agree on one key and one password', async (t) => {
  const folder = t.testdir()
  const signers = await Promise.all(
    Array.from({ length: 8 }, () => loadOrCreateSigner(join(folder, 'ca.pem'), 'secret')),
  )
  t.equal(new Set(signers.map(({ publicKey }) => toHex(publicKey.spki))).size, 1)
  const passwords = await Promise.all(
    Array.from({ length: 8 }, () => ensurePassword(join(folder, 'password'))),
  )
  t.equal(new Set(passwords).size, 1)
  t.match(passwords[0], /^[A-Za-z0-9_-]{43}$/)
  t.equal(statSync(join(folder, 'password')).mode & 0o777, 0o600)
  t.equal(await ensurePassword(join(folder, 'password')), passwords[0])
})

t.test(
  'what is wrong with a key file is told apart by code, and no message holds the password',
  async (t) => {
    const folder = t.testdir()
    const path = join(folder, 'ca.pem')
    await createKeyFile(path, 'right')
    const open = (file: string, password?: string) =>
      openSigner(`file:${file}`, password === undefined ? {} : { password })
    for (let i = 0; i < 40; i++) {
      await t.rejects(open(path, `wrong ${i}`), {
        code: 'wrong_password',
        message: /^the password does not open/,
      })
    }
    await t.rejects(open(path), { code: 'password_missing' })
    await t.rejects(open(join(folder, 'none.pem'), 'right'), { code: 'unreadable', message: /no such file/ })

    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    await t.rejects(open(write('text.pem', 'hello'), 'right'), { code: 'not_a_key' })
    await t.rejects(open(write('empty.pem', ''), 'right'), { code: 'not_a_key' })
    const truncated = readFileSync(path, 'utf8').replace(/\n[^\n]+\n-----END/, '\n-----END')
    await t.rejects(open(write('short.pem', truncated), 'right'), { code: 'not_a_key' })
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pub = write('pub.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString())
    await t.rejects(open(pub, 'right'), { code: 'not_a_key' })
    const plain = write('plain.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    await t.rejects(open(plain, 'right'), { code: 'not_encrypted' })
    t.equal((await open(plain)).algorithm, 'ecdsa-sha2-256-nistp256')
    const x25519 = generateKeyPairSync('x25519').privateKey
    const agreement = write('x.pem', x25519.export({ type: 'pkcs8', format: 'pem' }).toString())
    await t.rejects(open(agreement), { code: 'not_a_key', message: /cannot be used for signing/ })
  },
)

t.test('a key that others may read is refused, one that a group may read is not', async (t) => {
  const path = join(t.testdir(), 'ca.pem')
  await createKeyFile(path, 'secret')
  for (const mode of [0o644, 0o660, 0o604]) {
    chmodSync(path, mode)
    await t.rejects(loadOrCreateSigner(path, 'secret'), { code: 'unsafe_permissions', message: /chmod 600/ })
  }
  chmodSync(path, 0o440)
  t.ok(await loadOrCreateSigner(path, 'secret'))
})

t.test('URIs of other kinds, relative paths and places that cannot be written are refused', async (t) => {
  await t.rejects(openSigner('https://example.org/key.pem'), {
    code: 'unsupported_scheme',
    message: /use file:, pkcs11:, awskms:, gcpkms:, azurekms:, hashivault:$/,
  })
  await t.rejects(openSigner('/etc/key.pem'), { code: 'bad_uri' })
  await t.rejects(openSigner('file:key.pem'), { code: 'bad_uri' })
  await t.rejects(openSigner('file://host/key.pem'), { code: 'bad_uri' })
  const folder = t.testdir()
  mkdirSync(join(folder, 'sub'))
  await t.rejects(createKeyFile(join(folder, 'none', 'ca.pem'), 'secret'), { code: 'unwritable' })
  await t.rejects(createKeyFile(join(folder, 'ca.pem'), ''), { code: 'password_missing' })
  await t.rejects(openSigner(`file:${join(folder, 'sub')}`), { code: 'unreadable' })
})
