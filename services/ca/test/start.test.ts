import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { AuthoritySettings } from '@sigstack/ca-authority'
import { createLogger } from '@sigstack/server'
import { createKeyFile } from '@sigstack/signers'
import { encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'
import { openAuthorities } from '../src/authorities.ts'
import { readConfig, startCa } from '../src/index.ts'
import { environmentIn as fullEnvironmentIn } from './support/environment.ts'
import { certificatesOf, createClientKey, person, v2Body } from './support/harness.ts'
import { startNeighbours } from './support/neighbours.ts'
import { signToken } from './support/oidc.ts'
import { until } from './support/until.ts'

// Keys are slow to make, on purpose.
t.setTimeout(600_000)

const logger = createLogger({ name: 'ca', level: 'silent' })
const { issuer, proxy, ctLog } = await startNeighbours(t)

const environmentIn = (folder: string, more: Readonly<Record<string, string>> = {}) =>
  fullEnvironmentIn(folder, { proxy, ctLog }, more)

/** The chain that a CA would issue with, made where there is none. */
async function chainOf(config: AuthoritySettings): Promise<string> {
  const { issuing } = await openAuthorities(config)
  return issuing.chain.map(({ der }) => encodeCertificatePem(der)).join('')
}

t.test('a first start makes keys and chain, a second finds them, and both serve', async (t) => {
  const folder = t.testdir()
  const config = readConfig(environmentIn(folder))
  const early = await chainOf(config)
  const first = await startCa(config, { logger, processMetrics: false })
  t.equal(first.chainPem, early, 'the chain can be had before the CA serves')
  const key = createClientKey()
  const body = JSON.stringify(v2Body(await signToken(issuer, person), key))
  const answer = await fetch(`${first.url}/api/v2/signingCert`, { method: 'POST', body })
  t.equal(answer.status, 200)
  const text = await answer.text()
  t.equal(
    certificatesOf({ json: () => JSON.parse(text) })
      .slice(1)
      .join('\n'),
    first.chainPem.trim(),
  )
  await first.stop()
  const files = readdirSync(join(folder, 'data')).sort()
  t.same(files, ['chain.pem', 'intermediate.key.pem', 'password', 'root.key.pem'])
  for (const file of files)
    t.equal(statSync(join(folder, 'data', file)).mode & 0o777, file === 'chain.pem' ? 0o644 : 0o600, file)
  rmSync(join(folder, 'data', 'root.key.pem'))
  const second = await startCa(config, { logger, processMetrics: false })
  t.equal(second.chainPem, first.chainPem, 'also without the key of the root')
  t.equal((await fetch(`${second.url}/metrics`)).status, 200)
  await second.stop()
})

t.test("the operator's own key and chain are used instead", async (t) => {
  const folder = t.testdir({ a: {}, b: {} })
  const made = readConfig(environmentIn(join(folder, 'a'), { CA_KEY_PASSWORD: 'secret' }))
  const chainPem = await chainOf(made)
  const own = {
    CA_KEY: `file:${join(made.dataFolder, 'intermediate.key.pem')}`,
    CA_CHAIN_FILE: join(made.dataFolder, 'chain.pem'),
    CA_KEY_PASSWORD: 'secret',
  }
  t.equal(await chainOf(readConfig(environmentIn(join(folder, 'b'), own))), chainPem)
  await createKeyFile(join(folder, 'other.pem'), 'secret')
  const other = readConfig(
    environmentIn(join(folder, 'b'), { ...own, CA_KEY: `file:${join(folder, 'other.pem')}` }),
  )
  await t.rejects(openAuthorities(other), { code: 'chain_refused' })
})

t.test('during a rotation the trust bundle holds the chains before and after as well', async (t) => {
  const folder = t.testdir({ a: {}, b: {}, c: {} })
  const chains: string[] = []
  for (const name of ['a', 'b']) chains.push(await chainOf(readConfig(environmentIn(join(folder, name)))))
  const path = join(folder, 'trusted.pem')
  writeFileSync(path, chains.join(''))
  const config = readConfig(environmentIn(join(folder, 'c'), { CA_TRUSTED_CHAINS_FILE: path }))
  const ca = await startCa(config, { logger, processMetrics: false })
  const bundle = (await (await fetch(`${ca.url}/api/v2/trustBundle`)).json()) as {
    chains: { certificates: string[] }[]
  }
  t.same(
    bundle.chains.map(({ certificates }) => certificates.join('')),
    [ca.chainPem, ...chains],
  )
  t.equal((await (await fetch(`${ca.url}/api/v1/rootCert`)).text()).match(/BEGIN/g)?.length, 6)
  await ca.stop()
  const parts = chains.map((chain) => chain.split(/(?<=-----END CERTIFICATE-----\n)/))
  for (const text of [parts[0]![0]!, parts[0]![0]! + parts[1]![1]!]) {
    writeFileSync(path, text)
    await t.rejects(startCa(config, { logger, processMetrics: false }), { code: 'chain_refused' })
  }
})

t.test('a bad environment is one error that names every bad variable', async (t) => {
  const folder = t.testdir()
  const good = environmentIn(folder)
  t.match(readConfig({ ...good, CA_PORT: undefined }), {
    port: 5555,
    host: '127.0.0.1',
    organization: 'sigstack',
  })
  t.throws(() => readConfig({}), {
    message: /^bad configuration: .*CA_CONFIG_FILE is missing.*OIDC_PROXY_URL is missing/s,
  })
  t.throws(() => readConfig({ ...good, CA_PORT: 'x', OIDC_PROXY_URL: 'ftp://x' }), {
    message: /CA_PORT.*OIDC_PROXY_URL|OIDC_PROXY_URL.*CA_PORT/s,
  })
  t.throws(() => readConfig({ ...good, CA_CT_LOG_PUBLIC_KEY_FILE: '/none', CA_PORT: '-1' }), {
    message: /CA_PORT must be a whole number from 0 to 65535, not "-1".*CA_CT_LOG_PUBLIC_KEY_FILE/s,
  })
  t.throws(() => readConfig({ ...good, CA_KEY: 'file:/x', CA_CONFIG_FILE: '/none' }), {
    message: /CA_CONFIG_FILE \/none.*CA_KEY/s,
  })
  t.throws(() => readConfig({ ...good, CA_CLIENT_SIGNING_ALGORITHMS: 'ed25519,rot13' }), {
    message: /unknown signing algorithm rot13/,
  })
  t.throws(() => readConfig({ ...good, CA_KEY: 'file:/x' }), {
    message: /CA_KEY and CA_CHAIN_FILE belong together/,
  })
  const { CA_CT_LOG_PUBLIC_KEY_FILE: _, ...withoutKey } = good
  t.throws(() => readConfig(withoutKey), { message: /CA_CT_LOG_PUBLIC_KEY_FILE must name/ })
})

t.test('a taken port is one sentence that names the variable', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  const config = readConfig(environmentIn(t.testdir(), { CA_PORT: String(port) }))
  await t.rejects(startCa(config, { logger, processMetrics: false }), { message: /CA_PORT/ })
})

t.test('readiness tells which neighbour is missing; health does not ask', async (t) => {
  const config = readConfig(environmentIn(t.testdir(), { CA_METRICS_PORT: '0' }))
  const ca = await startCa(config, { logger, processMetrics: false })
  t.teardown(() => ca.stop())
  const ready = async () => {
    const answer = await fetch(`${ca.url}/readyz`)
    return { ...((await answer.json()) as { checks: object }), status: answer.status }
  }
  t.match(await ready(), { status: 200, checks: { key: 'ok', chain: 'ok', ctLog: 'ok', oidcProxy: 'ok' } })
  ctLog.mode = 'unavailable_for_long'
  proxy.mode = 'down'
  t.match(await ready(), {
    status: 503,
    checks: { key: 'ok', ctLog: 'unreachable', oidcProxy: 'unreachable' },
  })
  t.equal((await fetch(`${ca.url}/healthz`)).status, 200)
  t.equal((await fetch(`${ca.url}/metrics`)).status, 404, 'metrics have a port of their own')
  ctLog.mode = 'good'
  proxy.mode = 'good'
})

t.test('stopping lets a begun issuance finish', async (t) => {
  const config = readConfig(environmentIn(t.testdir()))
  const ca = await startCa(config, { logger, processMetrics: false })
  ctLog.mode = 'slow'
  const body = JSON.stringify(v2Body(await signToken(issuer, person), createClientKey()))
  const { requests } = ctLog
  const pending = fetch(`${ca.url}/api/v2/signingCert`, { method: 'POST', body })
  await until(() => ctLog.requests > requests)
  const [answer] = await Promise.all([pending, ca.stop()])
  t.equal(answer.status, 200)
  await answer.text()
  ctLog.mode = 'good'
})
