/**
 * The monitor against a stack as an operator runs it: it finds who signed, in Rekor v1, Rekor v2 and the CT log, and catches logs that were
 * made anew with their own keys.
 */
import '@sigstack/signers/few-rounds'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig, startMonitor } from '@sigstack/monitor'
import { copyDatabase, testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import { SigningConfig } from '@sigstore/protobuf-specs'
import { bundleBuilderFromSigningConfig } from '@sigstore/sign'
import { sign } from 'sigstore'
import t from 'tap'
import { type StackProcess, startStackProcess, trialToken } from '../support/stack-process.ts'

t.setTimeout(600_000)

const email = 'tester@example.org'

type Answer = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

t.test('logs of a stack are followed, and caught when they begin again with their own keys', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-monitor-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const dataDirectory = path.join(folder, 'stack')
  const start = async (ports: Readonly<Record<string, string>>): Promise<StackProcess> => {
    await copyDatabase(path.join(dataDirectory, 'postgres'))
    const environment = {
      SIGSTACK_REKOR: 'both',
      SIGSTACK_MONITOR: 'none',
      SIGSTACK_CONSOLE: 'none',
      ...ports,
    }
    return startStackProcess({ dataDirectory, environment })
  }
  const stack = await start({})
  t.teardown(() => stack.kill())
  const { services, trust } = stack.endpoints
  const urlOf = (service: string) => services[service] ?? ''
  await signTwice(stack)

  const { connectionString } = await testDatabase(t)
  const logsFile = path.join(folder, 'logs.json')
  const watchesFile = path.join(folder, 'watches.json')
  const logs = [
    { name: 'rekor', kind: 'rekor-v1', url: urlOf('rekor') },
    { name: 'rekor-v2', kind: 'rekor-v2', url: urlOf('rekor-v2') },
    { name: 'ct', kind: 'ct', url: urlOf('ct') },
    { name: 'ct-api', kind: 'ct', read: 'api', url: urlOf('ct') },
    { name: 'rekor-api', kind: 'rekor-v1', read: 'api', url: urlOf('rekor') },
  ]
  await writeFile(logsFile, JSON.stringify({ logs }))
  await writeFile(watchesFile, JSON.stringify({ watches: [{ name: 'tester', subject: { exact: email } }] }))
  const monitor = await startMonitor(
    readConfig({
      MONITOR_PORT: '0',
      MONITOR_LOGS_FILE: logsFile,
      MONITOR_WATCHES_FILE: watchesFile,
      MONITOR_TRUSTED_ROOT_URL: trust.trustedRoot,
      MONITOR_TUF_URL: trust.mirror,
      DATABASE_URL: connectionString,
    }),
    {
      logger: createLogger({ name: 'monitor', level: 'silent' }),
      processMetrics: false,
      rounds: false,
    },
  )
  t.teardown(() => monitor.stop())
  const get = async (where: string): Promise<Answer> =>
    (await fetch(`${monitor.url}/api/v1/${where}`)).json() as Promise<Answer>

  await monitor.look()
  for (const log of (await get('logs'))['logs'] ?? [])
    t.match(log, { state: 'following', url: urlOf(serviceOf(log)) })
  const names = new Map(((await get('logs'))['logs'] ?? []).map(({ id, name }) => [id, name]))
  const found = ((await get('findings'))['findings'] ?? []).map(({ log, kind, issuer }) => {
    t.equal(issuer, stack.endpoints.issuer)
    return `${String(names.get(log))}: ${String(kind)}`
  })
  t.strictSame(found.sort(), [
    'ct-api: precertificate',
    'ct-api: precertificate',
    'ct: precertificate',
    'ct: precertificate',
    'rekor-api: hashedrekord 0.0.1',
    'rekor-v2: hashedrekord 0.0.2',
    'rekor: hashedrekord 0.0.1',
  ])
  t.strictSame(
    ((await get('alarms?state=open'))['alarms'] ?? []).map(({ kind, times }) => [kind, times]),
    [['identity-seen', 7]],
  )

  // The same keys, names and ports over an empty database: whoever reads these logs for the first time sees nothing wrong.
  await stack.stop()
  await rm(path.join(dataDirectory, 'postgres'), { recursive: true })
  // By which the logs themselves would refuse to start.
  const keys = path.join(dataDirectory, 'keys')
  for (const name of await readdir(keys)) if (name.endsWith('.checkpoint')) await rm(path.join(keys, name))
  const again = await start(portsOf(stack))
  t.teardown(() => again.kill())
  await signTwice(again)
  await signTwice(again)
  await monitor.look()
  const alarms = ((await get('alarms?state=open'))['alarms'] ?? []).filter(
    ({ severity }) => severity !== 'notice',
  )
  const wrong = alarms.map(({ kind, summary }) => `${String(kind)}: ${String(summary).split(' ')[0]}`).sort()
  t.strictSame(wrong, [
    'inconsistent-head: ct',
    'inconsistent-head: ct-api',
    'inconsistent-head: rekor-v2',
    // Each tree of Rekor v1 has a random number: the old one is missed.
    'shrunk-tree: rekor',
    'shrunk-tree: rekor-api',
  ])
  t.equal(await again.stop(), 0)
})

function serviceOf({ name }: Readonly<Record<string, unknown>>): string {
  return String(name).replace('-api', '')
}

function portsOf({ endpoints }: StackProcess): Readonly<Record<string, string>> {
  const services = Object.entries(endpoints.services).filter(([name]) => name !== 'oidc-proxy')
  return Object.fromEntries(
    services.map(([name, url]) => [
      `SIGSTACK_${name.replaceAll('-', '_').toUpperCase()}_PORT`,
      new URL(url).port,
    ]),
  )
}

/** Once for each Rekor log. */
async function signTwice({ endpoints }: StackProcess): Promise<void> {
  const { services } = endpoints
  const data = Buffer.from(`what is signed at ${performance.now()}\n`)
  await sign(data, {
    fulcioURL: services['ca'] ?? '',
    identityToken: await trialToken(endpoints, email),
    rekorURL: services['rekor'] ?? '',
  })
  const text = await (await fetch(`${services['trust']}/signing_config_rekor_v2.v0.2.json`)).text()
  const builder = bundleBuilderFromSigningConfig({
    signingConfig: SigningConfig.fromJSON(JSON.parse(text)),
    identityProvider: { getToken: () => trialToken(endpoints, email) },
    bundleType: 'messageSignature',
  })
  await builder.create({ data, type: 'text/plain' })
}
