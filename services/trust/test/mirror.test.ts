import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem, encodePublicKeyPem } from '@sigstack/crypto'
import { createLogger } from '@sigstack/server'
import t, { type Test } from 'tap'
import { Updater } from 'tuf-js'
import { readConfig, startTrust } from '../src/index.ts'
import { chain, ctKey, otherKey, rekorKey } from './material.ts'

const logger = createLogger({ name: 'trust', level: 'silent' })

function prepare(t: Test) {
  const folder = t.testdir({
    'ca.pem': chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
    'rekor.pub': encodePublicKeyPem(rekorKey),
    'ct.pub': encodePublicKeyPem(ctKey),
    client: { targets: {} },
  })
  const start = async (more: NodeJS.ProcessEnv = {}) => {
    const config = readConfig({
      TRUST_PORT: '0',
      TRUST_DATA: join(folder, 'data'),
      PUBLIC_CA_URL: 'https://ca.example.org',
      PUBLIC_REKOR_URL: 'https://rekor.example.org',
      PUBLIC_CT_URL: 'https://ct.example.org',
      PUBLIC_OIDC_ISSUER: 'https://login.example.org',
      CA_CERTIFICATES_FILE: join(folder, 'ca.pem'),
      REKOR_PUBLIC_KEY_FILE: join(folder, 'rekor.pub'),
      CT_PUBLIC_KEY_FILE: join(folder, 'ct.pub'),
      TUF_KEY_PASSWORD: 'secret',
      ...more,
    })
    const trust = await startTrust(config, { logger, processMetrics: false })
    t.teardown(trust.stop)
    await trust.refresh()
    return trust
  }
  return { folder, start }
}

/** By a client that we did not write, which keeps what it saw in `folder`. */
async function readTargets(folder: string, mirror: string) {
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: mirror,
    targetDir: join(folder, 'targets'),
    targetBaseUrl: `${mirror}/targets`,
  })
  await updater.refresh()
  return async (name: string) => {
    const info = await updater.getTargetInfo(name)
    if (info === undefined) throw new Error(`no target ${name}`)
    return { text: readFileSync(await updater.downloadTarget(info), 'utf8'), custom: info.custom }
  }
}

t.test('a client gets the published files and keys from the mirror, and follows new ones', async (t) => {
  const { folder, start } = prepare(t)
  const trust = await start()
  const mirror = trust.mirror ?? ''
  t.equal(mirror, `${trust.url}/tuf`)
  const get = (path: string) => fetch(`${mirror}/${path}`)
  const client = join(folder, 'client')
  writeFileSync(join(client, 'root.json'), await (await get('root.json')).text())
  const read = await readTargets(client, mirror)
  for (const [target, file] of [
    ['trusted_root.json', trust.files.trustedRoot],
    ['rekor.pub', trust.files.rekorKey],
    ['ctfe.pub', trust.files.ctKey],
    ['fulcio.crt.pem', trust.files.caCertificates],
  ] as const)
    t.equal((await read(target)).text, readFileSync(file, 'utf8'), target)
  t.same(
    JSON.parse((await read('signing_config.v0.2.json')).text),
    { ...JSON.parse(readFileSync(trust.files.signingConfig, 'utf8')), tsaConfig: { selector: 'ANY' } },
    'with the member that sigstore-java demands',
  )
  t.same((await read('ctfe.pub')).custom, {
    sigstore: { usage: 'CTFE', status: 'Active', uri: 'https://ct.example.org' },
  })

  writeFileSync(join(folder, 'rekor.pub'), encodePublicKeyPem(otherKey))
  // A refresh that began before the change may still be under way.
  await trust.refresh()
  await trust.refresh()
  const later = await readTargets(client, mirror)
  t.equal((await later('rekor.pub')).text, encodePublicKeyPem(otherKey))
  t.match((await later('trusted_root.json')).text, Buffer.from(rekorKey.spki).toString('base64'))
  const { targets } = JSON.parse(readFileSync(join(client, 'targets.json'), 'utf8')).signed
  const old = Object.keys(targets).find((name) => /^rekor-[0-9a-f]{16}\.pub$/.test(name)) ?? ''
  t.same((await later(old)).text, encodePublicKeyPem(rekorKey))
  t.match((await later(old)).custom, { sigstore: { usage: 'Rekor', status: 'Expired' } })
})

t.test('the mirror answers as clients expect, and with nothing else from the folder', async (t) => {
  const { start } = prepare(t)
  const trust = await start()
  const get = (path: string) => fetch(`${trust.url}${path}`)
  const next = await get('/tuf/2.root.json')
  t.equal(next.status, 404, 'there is no next root')
  t.equal(next.headers.get('cache-control'), 'no-store')
  const numbered = await get('/tuf//1.root.json')
  t.equal(numbered.status, 200, 'a second slash is passed over')
  t.match(numbered.headers.get('cache-control'), /immutable/)
  const timestamp = await get('/tuf/timestamp.json')
  t.equal(timestamp.headers.get('cache-control'), 'no-cache')
  t.match(timestamp.headers.get('content-type'), /^application\/json/)
  t.equal(await (await get('/tuf/root.json')).text(), await numbered.text())
  for (const path of [
    '/tuf/..%2ftrusted_root.json',
    '/tuf/..%2ftuf-keys/root.key.pem',
    '/tuf/',
    '/tuf/targets',
    '/tuf/01.root.json',
  ])
    t.equal((await get(path)).status, 404, path)
  t.match(await (await get('/')).json(), { files: [...Array(9).fill({}), { path: '/tuf/root.json' }] })
  t.match(
    await (await get('/metrics')).text(),
    /trust_tuf_expiry_timestamp_seconds\{role="timestamp"\} \d{10}/,
  )
})

t.test('without a password there is no mirror', async (t) => {
  const { start } = prepare(t)
  const trust = await start({ TUF_KEY_PASSWORD: '' })
  t.equal(trust.mirror, undefined)
  t.equal((await fetch(`${trust.url}/tuf/root.json`)).status, 404)
})

t.test(
  'keys are made once and encrypted, and replaced by a configuration that has the old ones sign',
  async (t) => {
    const { folder, start } = prepare(t)
    const keyFile = (name: string) => join(folder, 'data/tuf-keys', `${name}.key.pem`)
    const first = await start()
    for (const name of ['root', 'online']) {
      t.equal(statSync(keyFile(name)).mode & 0o777, 0o600)
      t.match(readFileSync(keyFile(name), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    }
    const client = join(folder, 'client')
    writeFileSync(join(client, 'root.json'), await (await fetch(`${first.mirror}/root.json`)).text())
    await first.stop()

    const again = await start()
    t.equal((await fetch(`${again.mirror}/2.root.json`)).status, 404, 'the same keys need no new root')
    await again.stop()

    await t.rejects(start({ TUF_ROOT_KEY_FILES: keyFile('new') }), { message: /no such file/ })
    // An online key of another deployment stands in for one made elsewhere.
    rmSync(keyFile('online'))
    const rotated = await start()
    t.equal((await fetch(`${rotated.mirror}/2.root.json`)).status, 200, 'a new online key is a new root')
    await rotated.stop()
    await start({ TRUST_DATA: join(folder, 'other') })
    const otherRoot = join(folder, 'other/tuf-keys/root.key.pem')
    await t.rejects(start({ TUF_ROOT_KEY_FILES: otherRoot }), {
      message: /keys of the present root have to sign it/,
    })
    const two = await start({
      TUF_ROOT_KEY_FILES: `${otherRoot}, ${keyFile('root')}`,
      TUF_ROOT_THRESHOLD: '2',
    })
    await two.stop()
    const alone = await start({
      TUF_ROOT_KEY_FILES: otherRoot,
      TUF_FORMER_ROOT_KEY_FILES: keyFile('root'),
    })
    t.equal((await fetch(`${alone.mirror}/4.root.json`)).status, 200)
    const read = await readTargets(client, alone.mirror ?? '')
    t.match((await read('trusted_root.json')).text, /trustedroot/, 'a client from the first root follows')
    await alone.stop()
    const offline = await start({ TUF_ROOT_KEY_FILES: 'none' })
    t.match((await (await readTargets(client, offline.mirror ?? ''))('rekor.pub')).text, /PUBLIC KEY/)
  },
)
