import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSigner } from '../src/index.ts'
import { startAwsKms } from './support/aws-stand-in.ts'
import { azureIdentityHeader, azureToken, startAzureKeyVault } from './support/azure-stand-in.ts'
import {
  assertTellsNoSecret,
  type Backend,
  complaintOf,
  patient,
  runSignerContract,
} from './support/contract.ts'
import { gcpRing, gcpToken, startGcpKms } from './support/gcp-stand-in.ts'
import type { StandIn } from './support/stand-in.ts'
import { startVault, vaultJwt, vaultRootToken, vaultSecretId } from './support/vault-stand-in.ts'

function serviceOf(standIn: StandIn): NonNullable<Backend['service']> {
  return {
    fallSilent: () => standIn.trouble('silent'),
    recover: () => standIn.trouble(undefined),
    failOnce: () => standIn.trouble('unavailable', 1),
    stop: () => standIn.stop(),
  }
}

/** What only somebody who answers can do wrong. */
async function refusalsOf(t: Test, standIn: StandIn, uri: string, backend: Backend): Promise<void> {
  await t.test(
    'a refusal is not asked for twice, a crowd is given time, and a wrong signature goes nowhere',
    async (t) => {
      const signer = await openSigner(uri, { ...patient, ...backend.options })
      for (const [trouble, code, tries] of [
        ['denied', 'permission_denied', 1],
        ['throttled', 'busy', 4],
        ['foreign signature', 'bad_signature', 1],
      ] as const) {
        standIn.trouble(trouble)
        const before = standIn.signings()
        const error = await complaintOf(signer.sign(Buffer.from('x')))
        t.match(error, { name: 'SignerError', code }, trouble)
        t.ok(error.message.includes(uri))
        assertTellsNoSecret(t, error, backend.secrets)
        t.equal(standIn.signings() - before, tries, `${trouble}: tries`)
        t.match(
          await complaintOf(openSigner(uri, { ...patient, ...backend.options })),
          { code },
          `${trouble} at the start`,
        )
      }
      standIn.trouble(undefined)
    },
  )
}

t.test('a key file', async (t) => {
  const folder = t.testdir()
  const write = (name: string, type: 'P-256' | 'P-384' | 'P-521' | 'rsa' | 'ed25519' | 'x25519'): string => {
    const { privateKey } =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : type === 'ed25519' || type === 'x25519'
          ? generateKeyPairSync(type as 'ed25519')
          : generateKeyPairSync('ec', { namedCurve: type })
    const path = join(folder, `${name}.pem`)
    const options = {
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret-of-the-file',
    } as const
    writeFileSync(path, privateKey.export(options), { mode: 0o600 })
    return `file:${path}`
  }
  await runSignerContract(t, {
    keys: {
      'ecdsa-sha2-256-nistp256': write('p256', 'P-256'),
      'ecdsa-sha2-384-nistp384': write('p384', 'P-384'),
      'ecdsa-sha2-512-nistp521': write('p521', 'P-521'),
      'rsa-sign-pkcs1-2048-sha256': write('rsa', 'rsa'),
      ed25519: write('ed25519', 'ed25519'),
    },
    wrongTypes: [
      { uri: write('x25519', 'x25519'), code: 'not_a_key', message: /cannot be used for signing/ },
    ],
    missing: [{ uri: `file:${join(folder, 'none.pem')}`, code: 'unreadable', message: /no such file/ }],
    options: { password: 'secret-of-the-file' },
    secrets: ['secret-of-the-file'],
  })
})

t.test('AWS KMS, played by a stand-in', async (t) => {
  t.teardown(
    setEnvironment({
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret-of-the-account',
      AWS_REGION: 'eu-central-1',
    }),
  )
  const standIn = await startAwsKms()
  t.teardown(() => standIn.stop())
  const uri = (name: string): string => `awskms://${standIn.host}/alias/${name}`
  const backend: Backend = {
    keys: {
      'ecdsa-sha2-256-nistp256': uri('p256'),
      'ecdsa-sha2-384-nistp384': uri('p384'),
      'ecdsa-sha2-512-nistp521': uri('p521'),
      'rsa-sign-pkcs1-3072-sha256': uri('rsa'),
      ed25519: uri('ed25519'),
    },
    wrongTypes: [
      { uri: uri('secp256k1'), code: 'unsupported_key', message: /curve 1\.3\.132\.0\.10 is not supported/ },
      { uri: uri('agreement'), code: 'unsupported_key', message: /KEY_AGREEMENT, not for SIGN_VERIFY/ },
    ],
    missing: [
      { uri: uri('none'), code: 'no_such_key', message: /NotFoundException/ },
      { uri: `awskms://${standIn.host}`, code: 'bad_uri', message: /like awskms:\/\/\/arn:aws/ },
    ],
    secrets: ['secret-of-the-account'],
    service: serviceOf(standIn),
  }
  await refusalsOf(t, standIn, uri('p256'), backend)
  await runSignerContract(t, backend)
})

t.test('Google Cloud KMS, played by a stand-in', async (t) => {
  const standIn = await startGcpKms()
  t.teardown(() => standIn.stop())
  t.teardown(
    setEnvironment({
      GCE_METADATA_HOST: standIn.host,
      METADATA_SERVER_DETECTION: 'assume-present',
      CLOUDSDK_CONFIG: t.testdir(),
      GOOGLE_APPLICATION_CREDENTIALS: '',
    }),
  )
  const uri = (name: string): string => `gcpkms://${gcpRing}/${name}/cryptoKeyVersions/1`
  const backend: Backend = {
    keys: {
      'ecdsa-sha2-256-nistp256': uri('p256'),
      'ecdsa-sha2-384-nistp384': uri('p384'),
      'rsa-sign-pkcs1-2048-sha256': uri('rsa'),
      ed25519: uri('ed25519'),
    },
    wrongTypes: [{ uri: uri('pss'), code: 'unsupported_key', message: /RSA_SIGN_PSS_2048_SHA256/ }],
    missing: [
      { uri: uri('none'), code: 'no_such_key', message: /there is no such key/ },
      { uri: `gcpkms://${gcpRing}/p256`, code: 'bad_uri', message: /names no version/ },
    ],
    options: { environment: { CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: standIn.url } },
    secrets: [gcpToken],
    service: serviceOf(standIn),
  }
  await refusalsOf(t, standIn, uri('p256'), backend)
  await runSignerContract(t, backend)
})

t.test('Azure Key Vault, played by a stand-in', async (t) => {
  const standIn = await startAzureKeyVault()
  t.teardown(() => standIn.stop())
  t.teardown(
    setEnvironment({
      IDENTITY_ENDPOINT: `${standIn.url}/identity`,
      IDENTITY_HEADER: azureIdentityHeader,
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    }),
  )
  const uri = (name: string): string => `azurekms://${standIn.host}/${name}`
  const backend: Backend = {
    keys: {
      'ecdsa-sha2-256-nistp256': uri('p256'),
      'ecdsa-sha2-384-nistp384': uri('p384'),
      'ecdsa-sha2-512-nistp521': uri('p521'),
      'rsa-sign-pkcs1-2048-sha256': uri('rsa'),
    },
    wrongTypes: [
      { uri: uri('secp256k1'), code: 'unsupported_key', message: /type EC that cannot be used/ },
      {
        uri: uri('wrapping'),
        code: 'unsupported_key',
        message: /may not sign: its operations are wrapKey, unwrapKey/,
      },
    ],
    missing: [
      { uri: uri('none'), code: 'no_such_key', message: /there is no such key/ },
      { uri: `${uri('p256')}/0bad`, code: 'no_such_key', message: /there is no such key/ },
      { uri: uri(''), code: 'bad_uri', message: /VAULT\.vault\.azure\.net\/KEY/ },
    ],
    secrets: [azureToken, azureIdentityHeader],
    service: serviceOf(standIn),
  }
  await refusalsOf(t, standIn, uri('p256'), backend)
  await runSignerContract(t, backend)
})

t.test('Vault, played by a stand-in', async (t) => {
  const standIn = await startVault()
  t.teardown(() => standIn.stop())
  const uri = (name: string): string => `hashivault://${name}`
  const backend: Backend = {
    keys: {
      'ecdsa-sha2-256-nistp256': uri('p256?version=2'),
      'ecdsa-sha2-384-nistp384': uri('p384'),
      'ecdsa-sha2-512-nistp521': uri('p521'),
      'rsa-sign-pkcs1-2048-sha256': uri('rsa'),
      ed25519: uri('ed25519'),
    },
    wrongTypes: [
      { uri: uri('aes'), code: 'unsupported_key', message: /type aes256-gcm96, which does not sign/ },
    ],
    missing: [
      { uri: uri('none'), code: 'no_such_key', message: /there is no such key/ },
      { uri: uri('p256?version=3'), code: 'no_such_key', message: /has no version 3/ },
      { uri: uri('../sys/seal'), code: 'bad_uri', message: /names no key/ },
    ],
    options: { environment: { VAULT_ADDR: standIn.url, VAULT_TOKEN: vaultRootToken } },
    secrets: [vaultRootToken],
    service: serviceOf(standIn),
  }
  await refusalsOf(t, standIn, uri('p256'), backend)
  await runSignerContract(t, backend)
})

t.test(
  'Vault is logged into by AppRole or service account, and again when the token has ended',
  async (t) => {
    const standIn = await startVault('signing')
    t.teardown(() => standIn.stop())
    const folder = t.testdir()
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const open = (environment: Record<string, string>) =>
      openSigner('hashivault://p256', {
        ...patient,
        environment: { VAULT_ADDR: `${standIn.url}/`, TRANSIT_SECRET_ENGINE_PATH: 'signing', ...environment },
      })
    const approle = { VAULT_ROLE_ID: 'ca', VAULT_SECRET_ID_FILE: write('secret-id', `${vaultSecretId}\n`) }
    const signer = await open(approle)
    t.equal(standIn.logins(), 1)
    standIn.revoke()
    await Promise.all(Array.from({ length: 8 }, (_, at) => signer.sign(Buffer.from([at]))))
    t.equal(standIn.logins(), 2, 'one login for all who wait')
    t.ok(await open({ VAULT_KUBERNETES_ROLE: 'ca', VAULT_KUBERNETES_TOKEN_FILE: write('jwt', vaultJwt) }))

    // An agent beside us renews the token in its file.
    const file = write('token', 'hvs.login-4\n')
    t.ok(await open(approle), 'that was login 4')
    const byFile = await open({ VAULT_TOKEN_FILE: file })
    standIn.revoke()
    t.match(await complaintOf(byFile.sign(Buffer.from('x'))), { code: 'permission_denied' })
    write('token', vaultRootToken)
    t.ok(await byFile.sign(Buffer.from('x')))

    const wrong = await complaintOf(open({ VAULT_ROLE_ID: 'ca', VAULT_SECRET_ID: 'wrong-secret-id' }))
    t.match(wrong, { code: 'refused', message: /invalid role or secret ID \[secret\]/ })
    t.match(await complaintOf(open({})), { code: 'no_credentials', message: /VAULT_TOKEN_FILE/ })
    t.match(await complaintOf(openSigner('hashivault://p256', { environment: {} })), {
      code: 'bad_uri',
      message: /VAULT_ADDR/,
    })
  },
)

/** Of the vendors' libraries, which look nowhere else. Returns what undoes it. */
function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
