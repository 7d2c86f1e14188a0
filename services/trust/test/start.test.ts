import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { encodePem, encodePublicKeyPem, type PublicKey, sha256Hex } from '@sigstack/crypto'
import { createLogger } from '@sigstack/server'
import { parseClientTrustConfig, parseSigningConfig, parseTrustedRoot } from '@sigstack/trust-root'
import t, { type Test } from 'tap'
import { readConfig } from '../src/config.ts'
import { startTrust } from '../src/index.ts'
import { chain, ctKey, oldChain, otherKey, rekorKey, stampChain } from './material.ts'

const logger = createLogger({ name: 'trust', level: 'silent' })

/** The CA and both logs in one, as far as their public keys go. */
async function startServices(t: Test) {
  const state: { up: boolean; rekorKey: PublicKey; allRekorKeys?: string; absent: 404 | 501 } = {
    up: true,
    rekorKey,
    absent: 404,
  }
  const certificates = chain.map((der) => encodePem('CERTIFICATE', der))
  const answers: Record<string, () => string> = {
    '/ca/api/v2/trustBundle': () => JSON.stringify({ chains: [{ certificates }] }),
    '/rekor/api/v1/log/publicKey': () => encodePublicKeyPem(state.rekorKey),
    '/ct/publicKey': () => encodePublicKeyPem(ctKey),
  }
  const server = createServer((request, response) => {
    const { allRekorKeys } = state
    if (allRekorKeys !== undefined) answers['/rekor/api/v1/log/publicKeys'] = () => allRekorKeys
    const answer = state.up ? answers[request.url ?? ''] : undefined
    // A log of another make has no list of its keys, nor of the logs that follow it.
    const lists = ['/rekor/api/v1/log/publicKeys', '/ct/shards']
    const absent = state.up && lists.includes(request.url ?? '') && answer === undefined
    response.writeHead(answer ? 200 : absent ? state.absent : 503).end(answer?.())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function configOf(url: string, dataDirectory: string, more: NodeJS.ProcessEnv = {}) {
  return readConfig({
    TRUST_PORT: '0',
    TRUST_DATA: dataDirectory,
    PUBLIC_CA_URL: 'https://ca.example.org/',
    PUBLIC_REKOR_URL: 'https://rekor.example.org',
    PUBLIC_CT_URL: 'https://ct.example.org',
    PUBLIC_OIDC_ISSUER: 'https://login.example.org',
    CA_URL: `${url}/ca`,
    REKOR_URL: `${url}/rekor/`,
    CT_URL: `${url}/ct`,
    ...more,
  })
}

t.test('the keys of running services are published at stable URLs and as files', async (t) => {
  const { state, url } = await startServices(t)
  const trust = await startTrust(configOf(url, t.testdir()), { logger, processMetrics: false })
  t.teardown(trust.stop)
  await trust.refresh()
  state.absent = 501
  await t.resolves(trust.refresh(), 'where the list of keys is switched off, too')
  const get = (path: string, headers = {}) => fetch(trust.url + path, { headers })

  const root = await get('/trusted_root.json')
  t.equal(root.status, 200)
  t.match(root.headers.get('content-type'), /^application\/json/)
  t.equal(root.headers.get('cache-control'), 'public, max-age=60')
  t.equal(root.headers.get('access-control-allow-origin'), '*')
  const text = await root.text()
  t.equal(text, readFileSync(trust.files.trustedRoot, 'utf8'))
  const parsed = parseTrustedRoot(text)
  t.equal(parsed.certificateAuthorities[0]?.uri, 'https://ca.example.org')
  t.same(parsed.ctlogs[0]?.publicKey, ctKey.spki)

  const etag = root.headers.get('etag') ?? ''
  t.match(etag, /^"[0-9a-f]{64}"$/)
  t.equal((await get('/trusted_root.json', { 'if-none-match': `W/"x", ${etag}` })).status, 304)
  t.equal((await get('/trusted_root.json', { 'if-none-match': '"x"' })).status, 200)

  const config = await (await get('/signing_config.v0.2.json')).text()
  t.equal(parseSigningConfig(config).caUrls[0]?.url, 'https://ca.example.org')
  t.equal(await (await get('/signing_config.json')).text(), config)
  t.same(parseClientTrustConfig(await (await get('/trust_config.json')).text()).trustedRoot, parsed)
  t.equal(await (await get('/keys/rekor.pub')).text(), encodePublicKeyPem(rekorKey))
  t.equal(await (await get('/keys/ctfe.pub')).text(), encodePublicKeyPem(ctKey))
  t.match(await (await get('/keys/fulcio.crt.pem')).text(), /^-----BEGIN CERTIFICATE-----\n/)

  t.match(await (await get('/', { accept: 'text/html' })).text(), '<a href="/trusted_root.json">')
  t.match(await (await get('/')).json(), { files: [{ path: '/trusted_root.json' }] })
  t.equal((await fetch(`${trust.url}/trusted_root.json`, { method: 'HEAD' })).status, 200)
  t.equal((await get('/nothing')).status, 404)
  t.equal((await get('/readyz')).status, 200)
})

t.test('before anything is published there is a 503 and no made-up trust', async (t) => {
  const { url, state } = await startServices(t)
  state.up = false
  const trust = await startTrust(configOf(url, t.testdir()), { logger, processMetrics: false })
  t.teardown(trust.stop)
  const early = await fetch(`${trust.url}/trusted_root.json`)
  t.equal(early.status, 503)
  t.ok(early.headers.has('retry-after'))
  const unready = await fetch(`${trust.url}/readyz`)
  t.equal(unready.status, 503)
  t.match(
    ((await unready.json()) as { checks: { collected: string } }).checks.collected,
    /status 503/,
    'and says which service is missing',
  )
  t.equal((await fetch(`${trust.url}/healthz`)).status, 200)
  await t.rejects(trust.refresh(), { name: 'TrustError', code: 'source_unavailable', message: /status 503/ })

  state.up = true
  const deadline = Date.now() + 60_000
  let status = 503
  while (status !== 200 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    status = (await fetch(`${trust.url}/trusted_root.json`)).status
  }
  t.equal(status, 200, 'it collects by itself once the services are up')
})

t.test('a second start serves what was published, and a rotation keeps the old key', async (t) => {
  const { url, state } = await startServices(t)
  const folder = t.testdir()
  const first = await startTrust(configOf(url, folder), { logger, processMetrics: false })
  await first.refresh()
  await first.stop()
  const before = readFileSync(join(folder, 'trusted_root.json'), 'utf8')

  state.up = false
  const second = await startTrust(configOf(url, folder), { logger, processMetrics: false })
  t.teardown(second.stop)
  t.equal(await (await fetch(`${second.url}/trusted_root.json`)).text(), before)

  state.up = true
  await second.refresh()
  t.equal(readFileSync(join(folder, 'trusted_root.json'), 'utf8'), before)
  state.rekorKey = otherKey
  // A refresh that began before the change may still be under way.
  await second.refresh()
  await second.refresh()
  const root = parseTrustedRoot(readFileSync(join(folder, 'trusted_root.json'), 'utf8'))
  t.same(
    root.tlogs.map(({ publicKey, validFor }) => [publicKey, validFor.end !== undefined]),
    [
      [rekorKey.spki, true],
      [otherKey.spki, false],
    ],
  )
  state.allRekorKeys = encodePublicKeyPem(rekorKey) + encodePublicKeyPem(otherKey)
  await second.refresh()
  const all = parseTrustedRoot(readFileSync(join(folder, 'trusted_root.json'), 'utf8'))
  t.same(
    all.tlogs.map(({ publicKey, validFor }) => [publicKey, validFor.end]),
    [
      [rekorKey.spki, undefined],
      [otherKey.spki, undefined],
    ],
    'a log that lists its keys says that both are in use',
  )
  t.equal(await (await fetch(`${second.url}/keys/rekor.pub`)).text(), encodePublicKeyPem(otherKey))
  state.rekorKey = rekorKey
  await second.refresh()
  t.equal(
    await (await fetch(`${second.url}/keys/rekor.pub`)).text(),
    encodePublicKeyPem(rekorKey),
    'one key a file: the one that signs, whichever is newer',
  )
  for (const pem of [rekorKey, otherKey].map(encodePublicKeyPem)) {
    const name = `keys/rekor-${sha256Hex(pem).slice(0, 16)}.pub`
    t.equal(await (await fetch(`${second.url}/${name}`)).text(), pem, 'each keeps a name of its own')
    t.equal(readFileSync(join(folder, name), 'utf8'), pem)
  }
  t.equal((await fetch(`${second.url}/keys/rekor-0123456789abcdef.pub`)).status, 404)
})

t.test('keys may come from files, and what is no key is refused by name', async (t) => {
  const { url } = await startServices(t)
  const folder = t.testdir({
    'ct.pub': encodePublicKeyPem(otherKey),
    'ca.pem': chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
    'wrong.pub': 'not a key',
    data: {},
    data2: {},
  })
  const files = { CT_PUBLIC_KEY_FILE: join(folder, 'ct.pub'), CA_CERTIFICATES_FILE: join(folder, 'ca.pem') }
  const trust = await startTrust(configOf(url, join(folder, 'data'), files), {
    logger,
    processMetrics: false,
  })
  t.teardown(trust.stop)
  await trust.refresh()
  t.equal(readFileSync(trust.files.ctKey, 'utf8'), encodePublicKeyPem(otherKey))
  t.equal(statSync(trust.files.trustedRoot).mode & 0o777, 0o644)

  const wrong = await startTrust(
    configOf(url, join(folder, 'data2'), { REKOR_PUBLIC_KEY_FILE: join(folder, 'wrong.pub') }),
    { logger, processMetrics: false },
  )
  t.teardown(wrong.stop)
  await t.rejects(wrong.refresh(), { code: 'source_unusable', message: /wrong\.pub is not a public key/ })
})

t.test('a file may hold several chains, each with the time in which it counts', async (t) => {
  const { url } = await startServices(t)
  const pem = (certificates: readonly Uint8Array[]) =>
    certificates.map((der) => encodePem('CERTIFICATE', der)).join('')
  const folder = t.testdir({ data: {} })
  const file = join(folder, 'ca.pem')
  const write = (text: string) => writeFileSync(file, text)
  write(`# ours\n${pem(chain)}# valid from 2021-03-07T00:00:00Z until 2022-12-31T23:59:59Z\n${pem(oldChain)}`)
  const config = configOf(url, join(folder, 'data'), { CA_CERTIFICATES_FILE: file })
  const trust = await startTrust(config, { logger, processMetrics: false })
  t.teardown(trust.stop)
  await trust.refresh()
  const published = () => {
    const root = parseTrustedRoot(readFileSync(trust.files.trustedRoot, 'utf8'))
    return root.certificateAuthorities.map(({ chain, validFor }) => ({ chain, validFor }))
  }
  const old = { start: new Date('2021-03-07T00:00:00Z'), end: new Date('2022-12-31T23:59:59Z') }
  const [first, second] = published()
  t.match(first, { chain: oldChain, validFor: old })
  t.same(second?.chain, chain)
  t.equal(second?.validFor.end, undefined)
  write(`${pem(chain)}# valid until 2030-01-01T00:00:00Z\n${pem(oldChain)}`)
  await trust.refresh()
  t.same(published()[0]?.validFor, { start: old.start, end: new Date('2030-01-01T00:00:00Z') })

  for (const [text, message] of [
    ['', /no PEM certificates/],
    [pem(chain.slice(0, 1)), /does not end with a self-signed root/],
    [pem(chain) + pem(oldChain).slice(0, 200), /ca\.pem holds/],
    [encodePublicKeyPem(otherKey), /holds a PEM block of type "PUBLIC KEY"/],
    [`# valid\n${pem(chain)}`, /has the line "# valid"; write it like/],
    [`# valid from yesterday\n${pem(chain)}`, /write it like/],
    [`# valid from 2021-13-40T00:00:00Z\n${pem(chain)}`, /write it like/],
    [`# valid from 2023-01-01T00:00:00Z until 2022-01-01T00:00:00Z\n${pem(chain)}`, /write it like/],
  ] as const) {
    write(text)
    await t.rejects(trust.refresh(), { code: 'source_unusable', message }, String(message))
  }
  t.equal(published().length, 2, 'what was published stays')
})

t.test('a damaged data folder stops the start with a sentence', async (t) => {
  const folder = t.testdir({ 'trusted_root.json': '{' })
  await t.rejects(startTrust(configOf('http://127.0.0.1:9', folder), { logger, processMetrics: false }), {
    code: 'data_unusable',
    message: /damaged/,
  })
})

t.test('a data folder that cannot be written stops the start with a sentence', async (t) => {
  const folder = t.testdir({ file: '' })
  const config = configOf('http://127.0.0.1:9', join(folder, 'file', 'data'))
  await t.rejects(startTrust(config, { logger, processMetrics: false }), {
    code: 'data_unusable',
    message: /cannot write .*TRUST_DATA must be a writable folder/,
  })
})

t.test('the configuration names every bad variable at once', async (t) => {
  t.throws(() => readConfig({ TRUST_PORT: '99999', PUBLIC_CA_URL: 'ca.example.org' }), {
    message: /TRUST_PORT.*PUBLIC_CA_URL|PUBLIC_CA_URL.*TRUST_PORT/,
  })
})

t.test('PUBLIC_CT_URL=none: nobody is asked for the key of a CT log', async (t) => {
  const { readConfig } = await import('../src/config.ts')
  const config = readConfig({
    PUBLIC_CA_URL: 'https://ca.example.org',
    PUBLIC_REKOR_URL: 'https://rekor.example.org',
    PUBLIC_CT_URL: 'none',
    PUBLIC_OIDC_ISSUER: 'https://login.example.org/',
  })
  t.same(
    config.services.map(({ kind }) => kind),
    ['ca', 'rekor'],
  )
  t.throws(
    () =>
      readConfig({
        PUBLIC_CA_URL: 'https://ca.example.org',
        PUBLIC_REKOR_URL: 'https://rekor.example.org',
        PUBLIC_CT_URL: '',
        PUBLIC_OIDC_ISSUER: 'https://login.example.org/',
      }),
    { message: /PUBLIC_CT_URL/ },
  )
})

t.test(
  'chains of a timestamp authority are asked of ours and of others, and go into the repository',
  async (t) => {
    const pems = stampChain.map((der) => encodePem('CERTIFICATE', der))
    const bundle = JSON.stringify({ chains: [{ certificates: pems }] })
    const { url } = await startServices(t)
    const answers = {
      '/ours/api/v1/timestamp/trustBundle': bundle,
      '/theirs/api/v1/timestamp/certchain': pems.join(''),
    }
    const server = createServer((request, response) => {
      const answer = answers[request.url as keyof typeof answers]
      response.writeHead(answer === undefined ? 404 : 200).end(answer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const folder = t.testdir({ ours: {}, theirs: {} })
    for (const name of ['ours', 'theirs']) {
      const config = configOf(url, join(folder, name), {
        PUBLIC_TSA_URL: 'https://tsa.example.org',
        TSA_URL: `${base}/${name}`,
        TUF_KEY_PASSWORD: 'a password',
      })
      const trust = await startTrust(config, { logger, processMetrics: false })
      t.teardown(trust.stop)
      await trust.refresh()
      const [authority] = parseTrustedRoot(readFileSync(trust.files.trustedRoot, 'utf8')).timestampAuthorities
      t.match(authority, { uri: 'https://tsa.example.org/api/v1/timestamp', chain: stampChain }, name)
      t.equal(await (await fetch(`${trust.url}/keys/tsa.crt.pem`)).text(), pems.join(''))
      const targets = readFileSync(join(folder, name, 'tuf/1.targets.json'), 'utf8')
      for (const file of ['tsa_leaf.crt.pem', 'tsa_root.crt.pem']) t.match(targets, `"${file}"`)
    }
  },
)
