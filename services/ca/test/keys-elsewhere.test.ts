/** A CA whose key is no file: in a token that is SoftHSM2 itself, and in Vault, played by a stand-in. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitRotation, prepareRotation } from '@sigstack/ca-authority'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { createLogger } from '@sigstack/server'
import { openSigner } from '@sigstack/signers'
import { startSoftHsm, startVault, vaultRootToken, withoutSoftHsm } from '@sigstack/signers/testing'
import {
  createIntermediate,
  createRoot,
  encodeCertificatePem,
  parseCertificatesPem,
  serialNumberFrom,
  verifyChain,
} from '@sigstack/x509'
import t, { type Test } from 'tap'
import { readConfig, startCa } from '../src/index.ts'
import { environmentIn } from './support/environment.ts'
import { certificatesOf, createClientKey, person, v2Body } from './support/harness.ts'
import { startNeighbours } from './support/neighbours.ts'
import { signToken } from './support/oidc.ts'
import { until } from './support/until.ts'

const { issuer, proxy, ctLog } = await startNeighbours(t)

const lines: string[] = []
const logger = createLogger({
  name: 'ca',
  level: 'info',
  destination: { write: (line) => lines.push(line) },
})

async function startIn(t: Test, folder: string, more: Record<string, string> = {}) {
  const config = readConfig(environmentIn(folder, { proxy, ctLog }, more))
  const ca = await startCa(config, { logger, processMetrics: false })
  t.teardown(() => ca.stop())
  return ca
}

/** A chain for the key, with a root whose key is thrown away. */
async function chainFor(keyUri: string, path: string): Promise<string> {
  const rootSigner = createSigner(generateSigningKey())
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) }
  const serialNumber = serialNumberFrom(randomBytes(20))
  const names = { commonName: 'root', organization: 'Company' }
  const root = await createRoot({ signer: rootSigner, ...names, ...validity, serialNumber })
  const { publicKey } = await openSigner(keyUri)
  const commonName = 'intermediate'
  const intermediate = await createIntermediate({
    root,
    rootSigner,
    publicKey,
    commonName,
    ...validity,
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  writeFileSync(path, [intermediate, root].map(({ der }) => encodeCertificatePem(der)).join(''))
  return path
}

async function ask(url: string) {
  const body = JSON.stringify(v2Body(await signToken(issuer, person), createClientKey()))
  const answer = await fetch(`${url}/api/v2/signingCert`, { method: 'POST', body })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

async function issue(t: Test, url: string): Promise<void> {
  const { status, text } = await ask(url)
  t.equal(status, 200, status === 200 ? 'issued' : text)
  const chain = parseCertificatesPem(certificatesOf({ json: () => JSON.parse(text) }).join('\n'))
  await verifyChain(chain, { roots: chain.slice(-1), at: new Date() })
}

async function readiness(url: string) {
  const answer = await fetch(`${url}/readyz`)
  return { status: answer.status, key: ((await answer.json()) as { checks: { key: string } }).checks.key }
}

t.test('a key in a token issues', { skip: withoutSoftHsm }, async (t) => {
  const hsm = startSoftHsm(t)
  if (hsm === undefined) return
  for (const curve of ['P-256', 'P-384'] as const)
    await t.test(curve, async (t) => {
      const folder = t.testdir()
      const CA_KEY = hsm.importKey(curve, curve)
      const CA_CHAIN_FILE = await chainFor(CA_KEY, join(folder, 'chain.pem'))
      const ca = await startIn(t, folder, { CA_KEY, CA_CHAIN_FILE })
      await issue(t, ca.url)
      t.same(await readiness(ca.url), { status: 200, key: 'ok' })
    })
  await t.test('the configured password is the PIN where the URI names none', async (t) => {
    const folder = t.testdir()
    const named = hsm.importKey('by-password', 'P-256')
    const CA_CHAIN_FILE = await chainFor(named, join(folder, 'chain.pem'))
    const CA_KEY = named.replace(/&pin-source=.*/, '')
    const ca = await startIn(t, folder, { CA_KEY, CA_CHAIN_FILE, CA_KEY_PASSWORD: hsm.pin })
    await issue(t, ca.url)
    await t.rejects(startIn(t, folder, { CA_KEY, CA_CHAIN_FILE }), { code: 'password_missing' })
  })
})

t.test('a key in Vault that fails or hangs is a 503 that clients try again, and no readiness', async (t) => {
  const vault = await startVault()
  t.teardown(() => vault.stop())
  Object.assign(process.env, { VAULT_ADDR: vault.url, VAULT_TOKEN: vaultRootToken })
  const folder = t.testdir()
  const CA_KEY = 'hashivault://p256?version=2'
  const CA_CHAIN_FILE = await chainFor(CA_KEY, join(folder, 'chain.pem'))
  const ca = await startIn(t, folder, { CA_KEY, CA_CHAIN_FILE, CA_SIGN_TIMEOUT_MS: '1500' })
  await issue(t, ca.url)
  for (const trouble of ['denied', 'unavailable', 'silent', 'not JSON', 'foreign signature'] as const) {
    vault.trouble(trouble)
    const { status, headers, text } = await ask(ca.url)
    t.equal(status, 503, trouble)
    t.equal(headers.get('retry-after'), '1', trouble)
    t.match(JSON.parse(text), { code: 14, message: 'error communicating with CA backend' }, trouble)
    t.same(await readiness(ca.url), { status: 503, key: 'does not sign' }, trouble)
    vault.trouble(undefined)
    await issue(t, ca.url)
  }
  t.same(await readiness(ca.url), { status: 200, key: 'ok' })
  t.notOk(
    lines.some((line) => line.includes(vaultRootToken)),
    'the token is in no record',
  )
  t.ok(
    lines.some((line) => line.includes('hashivault://p256')),
    'but which key it is about',
  )
})

t.test(
  'an authority whose key is elsewhere follows one whose key is a file, without a restart',
  async (t) => {
    const vault = await startVault()
    t.teardown(() => vault.stop())
    Object.assign(process.env, { VAULT_ADDR: vault.url, VAULT_TOKEN: vaultRootToken })
    const folder = t.testdir()
    const ca = await startIn(t, folder)
    const data = { folder: join(folder, 'data') }
    const missing = { ...data, keyUri: 'hashivault://none', now: new Date() }
    await t.rejects(prepareRotation(missing), { code: 'no_such_key' })
    const { name } = await prepareRotation({ ...data, keyUri: 'hashivault://p384', now: new Date() })
    await commitRotation({ ...data, name, now: new Date() })
    await until(async () => {
      await ask(ca.url)
      return vault.signings() >= 4
    })
    await issue(t, ca.url)
    t.ok(vault.signings() >= 4, 'Vault signs now')
  },
)
