import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { anyCodePoint } from '@sigstack/crypto/testing'
import fc from 'fast-check'
import t from 'tap'
import { openSigner } from '../src/index.ts'
import { spkiOf } from '../src/pkcs11/spki.ts'
import { parsePkcs11Uri } from '../src/pkcs11/uri.ts'
import { assertTellsNoSecret, complaintOf, patient, runSignerContract } from './support/contract.ts'
import { startSoftHsm, withoutSoftHsm } from './support/soft-hsm.ts'

const hsm = startSoftHsm(t)

t.test('a PKCS #11 token, which is SoftHSM2 itself', { skip: withoutSoftHsm }, async (t) => {
  if (hsm === undefined) return
  const p256 = hsm.importKey('p256', 'P-256', 'a1b2')
  await runSignerContract(t, {
    keys: {
      'ecdsa-sha2-256-nistp256': p256,
      'ecdsa-sha2-384-nistp384': hsm.importKey('p384', 'P-384'),
      'ecdsa-sha2-512-nistp521': hsm.importKey('p521', 'P-521'),
      'rsa-sign-pkcs1-2048-sha256': hsm.importKey('rsa', 'rsa'),
      ed25519: hsm.importKey('ed25519', 'ed25519'),
    },
    wrongTypes: [
      {
        uri: hsm.importKey('k1', 'secp256k1'),
        code: 'unsupported_key',
        message: /1\.3\.132\.0\.10 is not supported/,
      },
    ],
    missing: [
      { uri: hsm.uri('object=none'), code: 'no_such_key', message: /names no private key/ },
      {
        uri: p256.replace('token=', 'token=another-'),
        code: 'no_such_key',
        message: /there are: sigstack test \(serial/,
      },
      { uri: p256.replace('.so', '.none'), code: 'unreadable', message: /module-path that cannot be loaded/ },
      {
        uri: p256.replace(/module-path=[^&]+/, 'module-path=/etc/passwd'),
        code: 'unreadable',
        message: /cannot be loaded/,
      },
    ],
    options: { timeoutMs: 10_000 },
    secrets: [hsm.pin],
    service: {
      // As a module does that waits for a network that has gone.
      fallSilent: () => forEachHost('SIGSTOP'),
      isReplaced: true,
      patienceMs: 60_000,
      recover: () => undefined,
      // As a module does that has a bug.
      failOnce: () => forEachHost('SIGKILL'),
    },
  })

  await t.test('a module stays loaded when memory is collected', async (t) => {
    const { loadCryptoki } = await import('../src/pkcs11/cryptoki.ts')
    const cryptoki = await loadCryptoki(parsePkcs11Uri(p256).modulePath)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    for (let i = 0; i < 3; i++) {
      collect()
      // koffi unloads what was collected in a later turn.
      await sleep(10)
      t.ok((await cryptoki.tokens()).some(({ token }) => token === 'sigstack test'))
    }
  })

  await t.test('a key is named by its ID as well, and one name for two keys is refused', async (t) => {
    const [byLabel, byId] = await Promise.all([
      openSigner(p256),
      openSigner(hsm.uri('id=%a1%b2;type=private')),
    ])
    t.same(byId.publicKey.spki, byLabel.publicKey.spki)
    hsm.importKey('twin', 'P-256')
    const twins = hsm.importKey('twin', 'P-256')
    t.match(await complaintOf(openSigner(twins)), {
      code: 'bad_uri',
      message: /fits several keys of this token; add id=/,
    })
  })

  await t.test(
    'without the PIN, and with a wrong one, a token stays closed, and no PIN is ever shown',
    async (t) => {
      const withoutPin = p256.replace(/&pin-source.*/, '')
      t.match(await complaintOf(openSigner(withoutPin)), { code: 'password_missing', message: /pin-source/ })
      const cases = [
        () => openSigner(withoutPin, { password: 'wrong-pin' }),
        () => openSigner(`${withoutPin}&pin-value=wrong-pin`),
      ]
      // Once where the token is open already, once where the token itself has to say no.
      for (const fresh of [false, true]) {
        if (fresh) forEachHost('SIGKILL')
        for (const open of cases) {
          const error = await complaintOf(open())
          t.match(error, { name: 'SignerError', code: /wrong_password|bad_uri/ })
          assertTellsNoSecret(t, error, ['wrong-pin'])
        }
      }
      t.ok(await openSigner(withoutPin, { password: hsm.pin }), 'the configured password is the PIN')
    },
  )

  await t.test('a crowd that a token is too slow for does not end it', async (t) => {
    const signer = await openSigner(hsm.uri('object=rsa'), { timeoutMs: 1_000 })
    const before = hosts()
    const signed = await Promise.allSettled(
      Array.from({ length: 2_000 }, () => signer.sign(Buffer.from('x'))),
    )
    for (const each of signed) {
      if (each.status === 'rejected') t.match(each.reason, { code: 'too_slow' })
    }
    t.same(hosts(), before, 'the same process')
    t.ok(await openSigner(hsm.uri('object=rsa')))
  })

  await t.test('a key that is another one after the token came back is not used', async (t) => {
    const signer = await openSigner(p256, patient)
    hsm.reset()
    hsm.importKey('p256', 'P-256')
    forEachHost('SIGKILL')
    t.match(await complaintOf(signer.sign(Buffer.from('x'))), {
      code: 'unsupported_key',
      message: /is another key now than it was at the start/,
    })
  })

  await t.test('a PIN that a token has refused is not tried again, or the token would lock', async (t) => {
    hsm.reset()
    const uri = hsm.importKey('p256', 'P-256')
    forEachHost('SIGKILL')
    const signer = await openSigner(uri, patient)
    hsm.reset('another-pin')
    forEachHost('SIGKILL')
    const refused = { code: 'wrong_password', message: /does not accept the PIN/ }
    t.match(await complaintOf(signer.sign(Buffer.from('x'))), refused)
    hsm.reset()
    hsm.importKey('p256', 'P-256')
    forEachHost('SIGKILL')
    t.match(await complaintOf(signer.sign(Buffer.from('x'))), refused, 'although it would be right now')
    t.ok(await openSigner(uri), 'whoever opens the key anew says that it is')
  })
})

t.test(
  'points with and without their wrapping make the same key, and what is no key makes none',
  async (t) => {
    const ecParams = Buffer.from('06082a8648ce3d030107', 'hex')
    const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 7)])
    const wrapped = Buffer.concat([Buffer.of(4, 65), point])
    t.same(
      spkiOf({ keyType: 3, ecParams, ecPoint: wrapped }),
      spkiOf({ keyType: 3, ecParams, ecPoint: point }),
    )
    t.equal(spkiOf({ keyType: 3, ecParams }), undefined)
    t.equal(spkiOf({ keyType: 0x40, ecPoint: Buffer.alloc(57) }), undefined, 'Ed448')
    t.equal(spkiOf({ keyType: 0x1f }), undefined, 'AES')
  },
)

t.test('any name and ID survive their way through a URI, and no text is more than a bad URI', (t) => {
  const encoded = (bytes: Uint8Array) =>
    [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const names = fc.string({ unit: anyCodePoint, minLength: 1 })
  fc.assert(
    fc.property(names, names, fc.uint8Array({ minLength: 1 }), (token, object, id) => {
      const attributes = `token=${encoded(Buffer.from(token))};object=${encoded(Buffer.from(object))};id=${encoded(id)}`
      const parsed = parsePkcs11Uri(`pkcs11:${attributes}?module-path=/m.so`)
      t.strictSame([parsed.token.token, parsed.key.object], [token, object])
      t.ok(parsed.key.id !== undefined && Buffer.from(id).equals(parsed.key.id))
    }),
    { seed: 7512, numRuns: 200 },
  )
  const parts = fc.constantFrom(
    'token',
    'id',
    'object',
    '=',
    ';',
    '?',
    '&',
    '%',
    '%41',
    '/',
    'module-path=/m',
    'pin-value=',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(parts, fc.string()), { maxLength: 12 }), (words) => {
      try {
        parsePkcs11Uri(`pkcs11:${words.join('')}`)
      } catch (error) {
        t.match(error, { name: 'SignerError', code: 'bad_uri' })
      }
    }),
    { seed: 7512, numRuns: 500 },
  )
  t.end()
})

t.test('PKCS #11 URIs are read strictly', async (t) => {
  const parse = (uri: string) => parsePkcs11Uri(uri)
  t.same(
    parse(
      'pkcs11:token=a%20b;serial=01;slot-id=7;id=%00%ff;object=ca;type=private?module-path=/m.so&pin-source=file:///run/pin',
    ),
    {
      modulePath: '/m.so',
      token: { token: 'a b', serial: '01', slotId: 7 },
      key: { object: 'ca', id: Buffer.from([0, 255]) },
      pinSource: '/run/pin',
    },
  )
  for (const [uri, complaint] of [
    ['pkcs11:object=ca', /needs module-path/],
    ['pkcs11:object=ca?module-path=m.so', /absolute path/],
    ['pkcs11:token=a?module-path=/m.so', /names no key/],
    ['pkcs11:object=ca;object=cb?module-path=/m.so', /object twice/],
    ['pkcs11:object=ca;library-version=3?module-path=/m.so', /attribute library-version/],
    ['pkcs11:object=ca;type=public?module-path=/m.so', /is of type public/],
    ['pkcs11:object=ca;slot-id=x?module-path=/m.so', /slot-id/],
    ['pkcs11:object=c%a?module-path=/m.so', /% in object/],
    ['pkcs11:object=ca?module-path=/m.so&pin-source=|cat%20pin', /no absolute path/],
    ['pkcs11:object=ca?module-path=/m.so&module-name=m', /parameter module-name/],
    ['pkcs11:object=ca?module-path=/m.so&pin-value=1234', /holds a PIN/],
  ] as const) {
    t.throws(() => parse(uri), { name: 'SignerError', code: 'bad_uri', message: complaint }, uri)
  }
})

function forEachHost(signal: 'SIGSTOP' | 'SIGKILL'): void {
  for (const pid of hosts()) process.kill(pid, signal)
}

/** Processes of this one that have a module loaded. */
function hosts(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(join('/proc', String(pid), 'status'), 'utf8')
        const command = readFileSync(join('/proc', String(pid), 'cmdline'), 'utf8')
        return status.includes(`PPid:\t${process.pid}\n`) && command.includes('pkcs11/host.ts')
      } catch {
        return false
      }
    })
}
