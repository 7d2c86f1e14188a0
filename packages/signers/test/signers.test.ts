import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  oidOf,
  parsePemBlock,
  readDerChildren,
  readOnlyDer,
  toHex,
  utf8,
  verifySignature,
} from '@sigstack/crypto'
import { withoutConnections } from '@sigstack/http-client'
import t from 'tap'
import {
  createKeyFile,
  ensurePassword,
  loadOrCreateSigner,
  openKeyFile,
  openKeysAhead,
  openSigner,
} from '../src/index.ts'

const message = utf8('what is signed')

/** A key file as Node encrypts it: quick to try. */
function ofNode(passphrase: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString()
}

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

t.test(
  'a password is stretched by 600,000 rounds unless it is random, and older key files still open',
  async (t) => {
    const folder = t.testdir()
    const path = join(folder, 'ca.pem')
    await createKeyFile(path, 'a password of 20 letters')
    t.equal(roundsIn(path), 600_000)

    const random = await ensurePassword(join(folder, 'password'))
    for (const [name, password, rounds] of [
      ['random.pem', random, 1_000],
      ['shorter.pem', random.slice(0, -1), 600_000],
      ['other.pem', random.replace('random', 'chosen'), 600_000],
    ] as const) {
      await createKeyFile(join(folder, name), password)
      t.equal(roundsIn(join(folder, name)), rounds, name)
    }

    const older = join(folder, 'older.pem')
    writeFileSync(older, ofNode('secret'), { mode: 0o600 })
    t.ok(await openSigner(`file:${older}`, { password: 'secret' }))

    function roundsIn(file: string): number {
      const { der: bytes } = parsePemBlock(readFileSync(file, 'utf8')).block
      const [algorithm] = readDerChildren(readOnlyDer(bytes).content)
      const [scheme, parameters] = readDerChildren(algorithm!.content)
      t.equal(oidOf(scheme!.content), '1.2.840.113549.1.5.13', 'PBES2')
      const [derivation] = readDerChildren(parameters!.content)
      const [salt, iterations] = readDerChildren(readDerChildren(derivation!.content)[1]!.content)
      t.equal(salt!.content.length, 16)
      return Number(`0x${toHex(iterations!.content)}`)
    }
  },
)

t.test('keys are opened ahead in a thread, each for the first who asks; trouble is told then', async (t) => {
  const folder = t.testdir()
  const [a, b, other] = ['a.pem', 'b.pem', 'other.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const made = await createKeyFile(a, 'secret')
  await createKeyFile(b, 'secret')
  await createKeyFile(other, 'another')
  const ahead = await openKeysAhead([a, join(folder, 'none.pem'), b, other], 'secret')
  t.equal(ahead.left(), 3, 'what is not there is left to whoever asks for it')
  const signer = await openKeyFile(a, 'secret')
  t.equal(ahead.left(), 2)
  t.equal(toHex(signer.publicKey.spki), toHex(made.publicKey.spki))
  t.ok(await verifySignature(made.publicKey, 'sha256', message, await signer.sign(message)))
  await t.rejects(openKeyFile(other, 'secret'), { code: 'wrong_password' })
  t.ok(await openKeyFile(other, 'another'))
  t.ok(await openKeyFile(a, 'secret'), 'a second time as ever')
  t.equal(ahead.left(), 1)
  ahead.close()
  t.equal(ahead.left(), 0)
  t.ok(await openKeyFile(b, 'secret'))
  t.equal((await openKeysAhead([join(folder, 'none.pem')], 'secret')).left(), 0)
})

t.test('the folder of a new key is made, for its owner alone', async (t) => {
  const folder = join(t.testdir(), 'to', 'come')
  await loadOrCreateSigner(join(folder, 'log.pem'), 'secret')
  t.equal(statSync(folder).mode & 0o777, 0o700)
  await t.rejects(loadOrCreateSigner(join(folder, 'log.pem', 'below'), 'secret'), { name: 'SignerError' })
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
  t.match(passwords[0], /^random-[A-Za-z0-9_-]{43}$/)
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
    const quick = join(folder, 'quick.pem')
    writeFileSync(quick, ofNode('right'), { mode: 0o600 })
    for (let i = 0; i < 40; i++) {
      await t.rejects(open(quick, `wrong ${i}`), {
        code: 'wrong_password',
        message: /^the password does not open/,
      })
    }
    await t.rejects(open(path, 'wrong'), { code: 'wrong_password' })
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

t.test('a pipe in the place of a key is refused, and not waited for', async (t) => {
  const path = join(t.testdir(), 'ca.pem')
  execFileSync('mkfifo', ['-m', '600', path])
  await t.rejects(loadOrCreateSigner(path, 'secret'), { code: 'unreadable', message: /is not a file$/ })
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

t.test('the libraries of key services are not even loaded where no connection may be opened', async (t) => {
  for (const uri of [
    'awskms:///alias/name',
    'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1',
    'azurekms://name.vault.azure.net/key',
  ])
    await t.rejects(
      withoutConnections(() => openSigner(uri)),
      { code: 'unreachable', message: /cannot be reached: connections are switched off/ },
      uri,
    )
})
