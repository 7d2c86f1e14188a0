/** Neighbours that go away while certificates are being issued: Redis and the OIDC proxy. The CT log is in acceptance-certificates.test.ts. */
import '@sigstack/signers/few-rounds'
import { join } from 'node:path'
import { redisServerPath, startRedis } from '@sigstack/limits/testing'
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig, startCa } from '../src/index.ts'
import type { RunningCa } from '../src/start.ts'
import { startCtLog } from './support/ct-log.ts'
import { environmentIn } from './support/environment.ts'
import { createClientKey, emailConfig, emailIssuerUrl, person, v2Body } from './support/harness.ts'
import { createIssuer, signToken, startProxy } from './support/oidc.ts'
import { until } from './support/until.ts'

const laterUrl = 'https://later.example.com'
const issuer = await createIssuer(emailIssuerUrl)
const later = await createIssuer(laterUrl)
const proxy = await startProxy(issuer, later)
const ctLog = await startCtLog()
t.teardown(async () => {
  await proxy.stop()
  await ctLog.stop()
})

const key = createClientKey()
const bodyOf = async (from = issuer) => JSON.stringify(v2Body(await signToken(from, person), key))

async function post(ca: RunningCa, body: string): Promise<Response> {
  const answer = await fetch(`${ca.url}/api/v2/signingCert`, { method: 'POST', body })
  await answer.arrayBuffer()
  return answer
}

const issuedOf = (answers: readonly Response[]): number =>
  answers.filter(({ status }) => status === 200).length

const checksOf = async (ca: RunningCa): Promise<Record<string, string>> =>
  ((await (await fetch(`${ca.url}/readyz`)).json()) as { checks: Record<string, string> }).checks

t.test(
  'Redis killed in the middle: nobody is refused for it, and each replica counts for itself until it is back',
  { skip: redisServerPath() === undefined && 'redis-server is not installed' },
  async (t) => {
    const redis = await startRedis()
    const folder = t.testdir({ a: {}, b: {} })
    const lines: string[] = []
    const start = async (name: string) => {
      // A CT log would have three seconds for each of a crowd.
      const noCtLog = { CA_CT_LOG_URL: 'none', CA_CT_LOG_PUBLIC_KEY_FILE: '' }
      const limits = { CA_LIMIT_PER_IDENTITY: '1/h burst 10', REDIS_URL: redis.url, ...noCtLog }
      const logger = createLogger({
        name: 'ca',
        level: 'info',
        destination: { write: (line) => lines.push(line) },
      })
      const config = readConfig(environmentIn(join(folder, name), { proxy, ctLog }, limits))
      if (config.limits === undefined) throw new Error('the limits are not read')
      // What a busy machine keeps waiting would be counted by the replica itself.
      const patient = { ...config.limits, redisAnswerMs: 60_000 }
      const ca = await startCa({ ...config, limits: patient }, { logger, processMetrics: false })
      t.teardown(() => ca.stop())
      return ca
    }
    const replicas = [await start('a'), await start('b')] as const
    const [first] = replicas
    const body = await bodyOf()
    const ask = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, i) => post(replicas[i % 2]!, body)))
    const untilLimits = async (state: string) => {
      for (const ca of replicas) {
        await until(async () => (await checksOf(ca))['limits'] === state)
        t.equal((await checksOf(ca))['limits'], state)
      }
    }

    await untilLimits('redis')
    const before = await ask(16)
    t.equal(issuedOf(before), 10, 'one bucket for both')
    t.ok(before.every(({ status, headers }) => status === 200 || Number(headers.get('retry-after')) > 0))

    const underWay = ask(40)
    await redis.stop()
    const during = await underWay
    const after = await ask(40)
    t.ok(
      [...during, ...after].every(({ status }) => status === 200 || status === 429),
      'never an error of the server',
    )
    t.equal(issuedOf([...during, ...after]), 20, 'a full bucket of its own for each replica, and no more')
    await untilLimits('redis_unreachable')
    t.equal((await fetch(`${first.url}/readyz`)).status, 200, 'still ready')
    t.ok(lines.some((line) => line.includes('Redis is away; this replica counts limits for itself')))

    const again = await startRedis(redis.port)
    t.teardown(() => again.stop())
    await untilLimits('redis')
    t.equal(issuedOf(await ask(16)), 10, 'one bucket for both again')
  },
)

t.test(
  'the OIDC proxy gone in the middle: issuers whose keys are remembered go on, others are 503',
  async (t) => {
    const other = { 'issuer-url': laterUrl, 'client-id': 'sigstore', type: 'email' }
    const identity = { 'oidc-issuers': { ...emailConfig['oidc-issuers'], [laterUrl]: other } }
    const config = readConfig(environmentIn(t.testdir(), { proxy, ctLog }, {}, identity))
    t.equal(config.issuerKeysKeepSeconds, 600, 'for so long, unless the configuration says otherwise')
    const ca = await startCa(config, {
      logger: createLogger({ name: 'ca', level: 'silent' }),
      processMetrics: false,
    })
    t.teardown(() => ca.stop())
    t.equal((await post(ca, await bodyOf())).status, 200)
    proxy.mode = 'down'
    t.equal((await post(ca, await bodyOf())).status, 200)
    const refused = await post(ca, await bodyOf(later))
    t.equal(refused.status, 503)
    t.equal(refused.headers.get('retry-after'), '1')
    t.match(await checksOf(ca), { oidcProxy: 'unreachable' })
    proxy.mode = 'good'
    t.equal((await post(ca, await bodyOf())).status, 200)
  },
)
