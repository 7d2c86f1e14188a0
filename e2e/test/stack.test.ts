import { spawnSync } from 'node:child_process'
import { access, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { sign } from 'sigstore'
import t from 'tap'
import { type StackProcess, startStackProcess, trialToken } from '../support/stack-process.ts'

t.setTimeout(120_000)

const email = 'tester@example.org'
const artifact = Buffer.from('what is signed\n')
const main = new URL('../../services/stack/src/main.ts', import.meta.url).pathname

t.test('a stack keeps its keys, its log and its trust over a restart', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-e2e-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const dataDirectory = path.join(folder, 'stack')
  // Its own ports, so that the published URLs stay the same.
  const first = await startStackProcess({ dataDirectory })
  const ports = portsOf(first)
  const bundle = await signWithSigstoreJs(first)
  const trustedRoot = await textOf(first.endpoints.trust.trustedRoot)
  verifyWithSigstoreJs(bundle, trustedRoot, first.endpoints.issuer)
  t.equal(await first.stop(), 0, 'SIGTERM ends it with status 0')
  await t.rejects(access(path.join(dataDirectory, 'endpoints.json')), 'nobody is sent to a stopped stack')

  const second = await startStackProcess({ dataDirectory, environment: ports })
  t.equal(await textOf(second.endpoints.trust.trustedRoot), trustedRoot)
  verifyWithSigstoreJs(bundle, await textOf(second.endpoints.trust.trustedRoot), second.endpoints.issuer)
  const again = await signWithSigstoreJs(second)
  const indexOf = (text: string): number =>
    Number(JSON.parse(text).verificationMaterial.tlogEntries[0].logIndex)
  t.equal(indexOf(again), indexOf(bundle) + 1, 'the log goes on where it was')

  t.test('a taken port is one sentence', async (t) => {
    const { status, stderr } = runStack({ ...ports, SIGSTACK_DATA: path.join(folder, 'other') })
    t.equal(status, 1)
    t.match(
      stderr,
      /^port \d+ on 127\.0\.0\.1 is taken by another program.*set SIGSTACK_[A-Z_]+_PORT to another port\n$/,
    )
  })

  await second.stop()
  t.test('a log of another key is one sentence', async (t) => {
    const key = path.join(dataDirectory, 'keys/rekor-v1.key.pem')
    await rename(key, `${key}.away`)
    const { status, stderr } = runStack({ ...freePorts, SIGSTACK_DATA: dataDirectory })
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
  const { status, stderr } = runStack({ ...freePorts, SIGSTACK_DATA: path.join(folder, 'file/stack') })
  t.equal(status, 1)
  t.match(stderr, /^the data folder \S+ cannot be written to \(ENOTDIR\); [^\n]+\n$/)
})

t.test('bad settings are told all at once', async (t) => {
  const { status, stderr } = runStack({ SIGSTACK_CA_PORT: 'many', SIGSTACK_TRIAL: 'perhaps' })
  t.equal(status, 1)
  t.match(
    stderr,
    /^bad configuration: [^\n]*SIGSTACK_CA_PORT[^\n]*SIGSTACK_TRIAL|SIGSTACK_TRIAL[^\n]*SIGSTACK_CA_PORT/,
  )
  t.match(runStack({ SIGSTACK_TRIAL: '0' }).stderr, /SIGSTACK_CA_CONFIG_FILE/)
})

const freePorts = Object.fromEntries(
  ['CA', 'REKOR', 'CT', 'OIDC_PROXY', 'DEV_ISSUER', 'TRUST'].map((name) => [`SIGSTACK_${name}_PORT`, '0']),
)

function portsOf({ endpoints }: StackProcess): Record<string, string> {
  return Object.fromEntries(
    Object.entries(endpoints.services).map(([name, url]) => [
      `SIGSTACK_${name.replace('-', '_').toUpperCase()}_PORT`,
      new URL(url).port,
    ]),
  )
}

function runStack(environment: Record<string, string>): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [main], {
    env: { ...process.env, LOG_LEVEL: 'silent', ...environment },
    encoding: 'utf8',
    timeout: 60_000,
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
