/** Logs whose keys are no files: in a token that is SoftHSM2 itself, and in Vault, played by a stand-in. */
import '@sigstack/signers/few-rounds'
import { parseCheckpoint, rekorV1KeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
import { parsePublicKeyPem, toHex } from '@sigstack/crypto'
import { testDatabase } from '@sigstack/postgres/testing'
import { commitRollover, prepareRollover } from '@sigstack/rekor-log'
import { createLogger } from '@sigstack/server'
import { openSigner } from '@sigstack/signers'
import { startSoftHsm, startVault, vaultRootToken, withoutSoftHsm } from '@sigstack/signers/testing'
import t, { type Test } from 'tap'
import { readConfig, startLog } from '../src/index.ts'
import { proposalFor } from './support.ts'

const logger = createLogger({ name: 'log', level: 'silent' })

async function openIn(t: Test, key: string, more: Record<string, string> = {}) {
  const { pool, connectionString } = await testDatabase(t)
  const config = readConfig(
    {
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: 'rekor.example.org',
      DATABASE_URL: connectionString,
      LOG_PORT: '0',
      LOG_KEY: key,
      LOG_SIGN_TIMEOUT_MS: '6000',
      ...more,
    },
    '',
  )
  const start = async () => {
    const log = await startLog(config, { logger })
    t.teardown(() => log.stop())
    return log
  }
  return { pool, start, log: await start() }
}

async function post(url: string, artifact: string): Promise<number> {
  const body = JSON.stringify(proposalFor(artifact))
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/api/v1/log/entries`, { method: 'POST', headers, body })
  await answer.arrayBuffer()
  return answer.status
}

/** Verifies the newest checkpoint with the key of `uri`, and gives its size. */
async function signedSize(url: string, uri: string): Promise<number> {
  const { publicKey } = await openSigner(uri)
  const info = (await (await fetch(`${url}/api/v1/log`)).json()) as { signedTreeHead: string }
  const checkpoint = parseCheckpoint(info.signedTreeHead)
  await verifyCheckpoint(info.signedTreeHead, {
    publicKey,
    keyHint: rekorV1KeyHint(publicKey),
  })
  return Number(checkpoint.treeHead.size)
}

t.test('a log whose key is in a token', { skip: withoutSoftHsm }, async (t) => {
  const hsm = startSoftHsm(t)
  if (hsm === undefined) return
  const key = hsm.importKey('log', 'P-256')
  const { log } = await openIn(t, key, { LOG_KEYS: t.testdirName })
  t.equal(await post(log.url, 'one'), 201)
  t.equal(await signedSize(log.url, key), 2, 'the first entry of the log, and ours')
  t.equal((await fetch(`${log.url}/readyz`)).status, 200)
})

t.test('a log goes on with a key in Vault after a rollover, and no password is asked for', async (t) => {
  const vault = await startVault()
  t.teardown(() => vault.stop())
  Object.assign(process.env, { VAULT_ADDR: vault.url, VAULT_TOKEN: vaultRootToken })
  const keysFolder = t.testdir({})
  const { pool, log, start } = await openIn(t, 'hashivault://p256', { LOG_KEYS: keysFolder })
  t.equal(await post(log.url, 'one'), 201)

  const keyUri = 'hashivault://rsa?version=2'
  const folder = { keysFolder, password: '' }
  await t.rejects(prepareRollover(pool, { ...folder, keyUri: 'hashivault://none' }), { code: 'no_such_key' })
  for (const key of ['p384', 'ed25519'])
    await t.rejects(prepareRollover(pool, { ...folder, keyUri: `hashivault://${key}` }), {
      code: 'unsupported_key',
      message: /must be ECDSA P-256 or RSA/,
    })
  const prepared = await prepareRollover(pool, { ...folder, keyUri })
  t.match(prepared, { keyFile: 'rekor-v1.1.key.uri', needsPassword: false })
  const { publicKey } = await openSigner(keyUri)
  t.equal(toHex(parsePublicKeyPem(prepared.publicKeyPem).spki), toHex(publicKey.spki))
  await commitRollover(pool, { key: 'prepared', ...folder })
  t.equal(await post(log.url, 'two'), 201)
  t.equal(await signedSize(log.url, keyUri), 2)
  t.equal(await signedSize((await start()).url, keyUri), 2, 'another replica finds the key by the same name')

  vault.trouble('silent')
  t.equal(await post(log.url, 'three'), 503)
  vault.trouble(undefined)
  t.equal(await post(log.url, 'four'), 201)
})
