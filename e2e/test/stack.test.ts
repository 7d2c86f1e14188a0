import { programOf } from '@sigstack/server/program'
import '@sigstack/signers/few-rounds'
import { spawnSync } from 'node:child_process'
import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '@sigstack/stack'
import { anyPorts } from '@sigstack/stack/testing'
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { sign } from 'sigstore'
import t from 'tap'
import { signCases } from '../conformance/sign-cases.ts'
import { metricsAsked, metricsExposed } from '../support/metric-names.ts'
import { type StackProcess, startStackProcess, trialToken } from '../support/stack-process.ts'

t.setTimeout(600_000)

const email = 'tester@example.org'
const artifact = Buffer.from('what is signed\n')
const deploy = path.join(import.meta.dirname, '../../deploy')
const main = new URL('../../services/stack/src/main.ts', import.meta.url)

t.test('a stack keeps its keys, its log and its trust over a restart', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-e2e-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const dataDirectory = path.join(folder, 'stack')
  // Its own ports, so that the published URLs stay the same.
  const first = await startStackProcess({ dataDirectory })
  const ports = portsOf(first)
  await t.test('the entry point of conformance signs what everybody verifies', async (t) => {
    const place = { folder, environment: { PATH: process.env['PATH'] ?? '', HOME: folder } }
    const cases = await signCases(first.endpoints, place)
    await Promise.all(cases.map(async ({ name, run }) => t.equal(await run(), undefined, name)))
  })
  const bundle = await signWithSigstoreJs(first)
  const trustedRoot = await textOf(first.endpoints.trust.trustedRoot)
  verifyWithSigstoreJs(bundle, trustedRoot, first.endpoints.issuer)
  await t.test('every metric that a rule or a panel asks for is exposed', async (t) => {
    const pages = await Promise.all(
      Object.values(first.endpoints.services).map((url) => textOf(new URL('/metrics', url).href)),
    )
    const exposed = metricsExposed(pages.join('\n'))
    for (const file of ['prometheus/rules.yml', 'grafana/sigstack.json']) {
      const asked = metricsAsked(await readFile(path.join(deploy, file), 'utf8'))
      t.ok(asked.size > 10, file)
      // The one that is Prometheus's own.
      t.same(
        [...asked].filter((name) => name !== 'up' && !exposed.has(name)),
        [],
        file,
      )
    }
  })
  t.equal(await first.stop(), 0, 'SIGTERM ends it with status 0')
  await t.rejects(access(path.join(dataDirectory, 'endpoints.json')), 'nobody is sent to a stopped stack')

  const second = await startStackProcess({ dataDirectory, environment: ports })
  t.equal(await textOf(second.endpoints.trust.trustedRoot), trustedRoot)
  verifyWithSigstoreJs(bundle, await textOf(second.endpoints.trust.trustedRoot), second.endpoints.issuer)
  const again = await signWithSigstoreJs(second)
  const indexOf = (text: string): number =>
    Number(JSON.parse(text).verificationMaterial.tlogEntries[0].logIndex)
  t.equal(indexOf(again), indexOf(bundle) + 1, 'the log goes on where it was')

  await t.test('taken ports are one sentence that names them all', async (t) => {
    const { status, stderr } = runStack({ ...ports, SIGSTACK_DATA: path.join(folder, 'other') })
    t.equal(status, 1)
    t.match(
      stderr,
      /^ports (\d+, ){8}\d+ on 127\.0\.0\.1 are taken by another program.*set (SIGSTACK_[A-Z0-9_]+_PORT,? ){9}.*SIGSTACK_BASE_PORT\n$/,
    )
  })

  await second.stop()
  await t.test('a log of another key is one sentence', async (t) => {
    const key = path.join(dataDirectory, 'keys/rekor-v1.key.pem')
    await rename(key, `${key}.away`)
    const { status, stderr } = runStack({ ...anyPorts, SIGSTACK_DATA: dataDirectory })
    t.equal(status, 1)
    t.match(
      stderr,
      /^the log rekor-v1 in this database belongs to key [0-9a-f]{64}, not to [0-9a-f]{64}: [^\n]+\n$/,
    )
    await rename(`${key}.away`, key)
  })
})

t.test('a data folder that cannot be made is one sentence', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-e2e-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(path.join(folder, 'file'), '')
  const { status, stderr } = runStack({ ...anyPorts, SIGSTACK_DATA: path.join(folder, 'file/stack') })
  t.equal(status, 1)
  t.match(stderr, /^the data folder \S+ is a file, or lies in one; name a folder in SIGSTACK_DATA\n$/)
})

t.test('bad settings are told all at once', async (t) => {
  const { status, stderr } = runStack({ SIGSTACK_CA_PORT: 'many', SIGSTACK_TRIAL: 'perhaps' })
  t.equal(status, 1)
  t.equal(
    stderr,
    'bad configuration: SIGSTACK_CA_PORT must be a whole number from 0 to 65535, not "many"; SIGSTACK_TRIAL must be 0 or 1, not "perhaps"\n',
  )
  t.throws(() => readConfig({ SIGSTACK_TRIAL: '0' }), /SIGSTACK_CA_CONFIG_FILE/)
})

function portsOf({ endpoints }: StackProcess): Record<string, string> {
  return Object.fromEntries(
    Object.entries(endpoints.services).map(([name, url]) => [
      `SIGSTACK_${name.replace('-', '_').toUpperCase()}_PORT`,
      new URL(url).port,
    ]),
  )
}

function runStack(environment: Record<string, string>): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, programOf(main), {
    env: { ...process.env, LOG_LEVEL: 'silent', ...environment },
    encoding: 'utf8',
    timeout: 300_000,
  })
  return { status, stderr }
}

async function signWithSigstoreJs({ endpoints }: StackProcess): Promise<string> {
  const bundle = await sign(artifact, {
    fulcioURL: endpoints.services.ca ?? '',
    rekorURL: endpoints.services.rekor ?? '',
    identityToken: await trialToken(endpoints, email),
  })
  return JSON.stringify(bundleToJSON(bundleFromJSON(bundle)))
}

function verifyWithSigstoreJs(bundle: string, trustedRoot: string, issuer: string): void {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(trustedRoot)))
  new Verifier(trust).verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle)), artifact), {
    subjectAlternativeName: `^${email}$`,
    extensions: { issuer },
  })
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text()
}
