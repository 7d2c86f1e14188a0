/** Key files: cosign's form both ways, and those of other tools that become one. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { encodePem, parsePemBlock } from '@sigstack/crypto'
import t from 'tap'
import { importPrivateKey, isSealedKey, openSealedKey, sealPrivateKey } from '../src/keys/index.ts'

const folder = new URL('vectors/keys/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')

const passwords: readonly [start: string, password: string][] = [
  ['encrypted-cosign-label', 'hello'],
  ['encrypted-sigstore-label', 'hello'],
  ['encrypted-empty-password', ''],
  ['encrypted-n65536-empty-password', ''],
  ['cosign-3.1.3-', 'secret'],
]

t.test('every key that cosign wrote opens with its password, and with no other', async (t) => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.key') && !name.includes('_fail'))
  t.equal(names.length, 8)
  for (const name of names) {
    const password = passwords.find(([start]) => name.startsWith(start))?.[1]
    t.ok(isSealedKey(read(name)), name)
    const key = await openSealedKey(read(name), password ?? 'none')
    const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' })
    t.equal(publicPem, read(name.replace(/\.key$/, '.pub')), name)
    await t.rejects(openSealedKey(read(name), `${password}x`), {
      name: 'SigningError',
      code: 'wrong_password',
      message: 'decrypt: encrypted: decryption failed',
    })
  }
})

t.test('a key is sealed with the parameters of today, and never twice alike', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = await sealPrivateKey(privateKey, 'päss')
  t.match(pem, /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/)
  const sealed = JSON.parse(Buffer.from(parsePemBlock(pem).block.der).toString()) as Sealed
  t.match(sealed, {
    kdf: { name: 'scrypt', params: { N: 65536, r: 8, p: 1 } },
    cipher: { name: 'nacl/secretbox' },
  })
  t.equal(Buffer.from(sealed.kdf.salt, 'base64').length, 32)
  t.equal(Buffer.from(sealed.cipher.nonce, 'base64').length, 24)
  t.ok((await openSealedKey(pem, 'päss')).equals(privateKey))
  t.not(await sealPrivateKey(privateKey, 'päss'), pem)
})

type Sealed = {
  kdf: { name: string; params: Record<string, number>; salt: string }
  cipher: { name: string; nonce: string }
  ciphertext: string
}

t.test('what decrypts to something else than PKCS #8 is no key', async (t) => {
  await t.rejects(openSealedKey(read('encrypted-sec1-inside_fail.key'), 'hello'), {
    code: 'bad_key',
    message: /no PKCS #8 private key$/,
  })
})

t.test('other parameters are refused before any work is done for them', async (t) => {
  const original = parsePemBlock(read('cosign-3.1.3-p256.key')).block.der
  const changed = (change: (sealed: Sealed) => void): string => {
    const sealed = JSON.parse(Buffer.from(original).toString()) as Sealed
    change(sealed)
    return encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', Buffer.from(JSON.stringify(sealed)))
  }
  const changes: readonly ((sealed: Sealed) => void)[] = [
    (sealed) => (sealed.kdf.params['N'] = 2 ** 30),
    (sealed) => (sealed.kdf.params['N'] = 16384),
    (sealed) => (sealed.kdf.params['r'] = 1024),
    (sealed) => (sealed.kdf.params['p'] = 1024),
    (sealed) => (sealed.kdf.name = 'none'),
    (sealed) => (sealed.cipher.name = 'none'),
    (sealed) => (sealed.kdf.salt = 'AA=='),
    (sealed) => (sealed.cipher.nonce = 'AA=='),
    (sealed) => (sealed.ciphertext = '!'),
  ]
  for (const change of changes)
    await t.rejects(openSealedKey(changed(change), 'secret'), { code: 'bad_key' }, change.toString())
  const noJson = encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', Buffer.from('no JSON'))
  for (const pem of ['', read('openssl-rsa.pem'), noJson])
    await t.rejects(openSealedKey(pem, 'secret'), { code: 'bad_key' })
})

t.test('keys of other tools are taken in every form, and the same key comes out', async (t) => {
  for (const kind of ['p384', 'rsa', 'ed25519']) {
    const imported = importPrivateKey(read(`openssl-${kind}.pem`))
    const byCosign = await openSealedKey(read(`cosign-3.1.3-${kind}.key`), 'secret')
    t.ok(imported.equals(byCosign), kind)
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pkcs1 = String(privateKey.export({ type: 'pkcs1', format: 'pem' }))
  t.ok(importPrivateKey(pkcs1).equals(privateKey))
})

t.test('what cosign does not import is refused in its words', async (t) => {
  const refusals: readonly [pem: string, message: string][] = [
    [read('openssl-rsa1024_fail.pem'), 'error validating rsa key: key size not supported: 1024'],
    [read('openssl-p224_fail.pem'), 'error validating ecdsa key: ECDSA curve P-224 not allowed'],
    [read('openssl-secp256k1_fail.pem'), 'error parsing ecdsa private key'],
    [read('cosign-3.1.3-p256.pub'), 'unsupported private key'],
    [read('cosign-3.1.3-p256.key'), 'unsupported private key'],
    [encodePem('RSA PRIVATE KEY', Buffer.from('x')), 'error parsing rsa private key'],
    ['hello', 'invalid pem block'],
  ]
  for (const [pem, message] of refusals)
    t.throws(() => importPrivateKey(pem), { name: 'SigningError', code: 'bad_key', message })
})
