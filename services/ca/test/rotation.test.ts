/** Authorities that come and go while the CA runs, and those that another CA has certified. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  commitRotation,
  installChain,
  listAuthorities,
  prepareRotation,
  requestCertificate,
  retireAuthority,
} from '@sigstack/ca-authority'
import { companyCa } from '@sigstack/ca-authority/testing'
import { createLogger } from '@sigstack/server'
import { createKeyFile } from '@sigstack/signers'
import { encodeCertificatePem, parseCertificatesPem, verifyChain } from '@sigstack/x509'
import t from 'tap'
import { readConfig, startCa } from '../src/index.ts'
import { environmentIn } from './support/environment.ts'
import { certificatesOf, createClientKey, person, v2Body } from './support/harness.ts'
import { startNeighbours } from './support/neighbours.ts'
import { signToken } from './support/oidc.ts'
import { until } from './support/until.ts'

const { issuer, proxy, ctLog } = await startNeighbours(t)

const logLines: string[] = []
const logger = createLogger({
  name: 'ca',
  level: 'info',
  destination: { write: (line) => logLines.push(line) },
})

async function startIn(folder: string, more: Record<string, string> = {}) {
  const config = readConfig(environmentIn(folder, { proxy, ctLog }, more))
  return startCa(config, { logger, processMetrics: false })
}

async function issue(url: string): Promise<string[]> {
  const body = JSON.stringify(v2Body(await signToken(issuer, person), createClientKey()))
  const answer = await fetch(`${url}/api/v2/signingCert`, { method: 'POST', body })
  const text = await answer.text()
  return certificatesOf({ json: () => JSON.parse(text) })
}

async function bundleOf(url: string): Promise<string[]> {
  const answer = (await (await fetch(`${url}/api/v2/trustBundle`)).json()) as {
    chains: { certificates: string[] }[]
  }
  return answer.chains.map(({ certificates }) => certificates.join(''))
}

const pemOf = (chain: readonly { der: Uint8Array }[]) =>
  chain.map(({ der }) => encodeCertificatePem(der)).join('')
const verified = (leaf: string, chainPem: string) => {
  const chain = parseCertificatesPem(`${leaf}\n${chainPem}`)
  return verifyChain(chain, { roots: chain.slice(-1), at: new Date() })
}

t.test(
  'a rotation needs no restart, loses no request, and what was issued before still verifies',
  async (t) => {
    const folder = t.testdir()
    const ca = await startIn(folder)
    t.teardown(() => ca.stop())
    const data = { folder: join(folder, 'data') }
    const [before] = await issue(ca.url)
    t.match(await listAuthorities(data), [{ name: 'first', state: 'issues' }])

    const { name, chain } = await prepareRotation({ ...data, now: new Date() })
    await until(async () => (await bundleOf(ca.url)).length === 2)
    t.same(await bundleOf(ca.url), [ca.chainPem, pemOf(chain)], 'both are published, the issuing one first')
    const rootCert = await (await fetch(`${ca.url}/api/v1/rootCert`)).text()
    t.equal(parseCertificatesPem(rootCert).length, 4, 'also where CT logs read their roots')
    t.equal((await issue(ca.url)).slice(1).join('\n'), ca.chainPem.trim(), 'nothing issues from it yet')

    const [during] = await Promise.all([
      Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          await new Promise((resolve) => setTimeout(resolve, i * 15))
          return issue(ca.url)
        }),
      ),
      commitRotation({ ...data, name, now: new Date() }),
    ])
    for (const [leaf, ...rest] of during) await verified(leaf!, rest.join('\n'))
    await until(async () => (await bundleOf(ca.url))[0] === pemOf(chain))
    t.same(await bundleOf(ca.url), [pemOf(chain), ca.chainPem], 'the new one comes first, the old one stays')
    const [leaf, ...rest] = await issue(ca.url)
    t.equal(rest.join('\n'), pemOf(chain).trim())
    await verified(leaf!, pemOf(chain))
    t.same(
      ctLog.chains.at(-1)!.slice(1),
      chain.map(({ der }) => Buffer.from(der).toString('base64')),
      'the CT log gets the chain that issued',
    )
    await verified(before!, ca.chainPem)
    t.match(await listAuthorities(data), [
      { name: 'first', state: 'ready' },
      { name, state: 'issues' },
    ])
    const restarted = await startIn(folder)
    t.equal(restarted.chainPem, pemOf(chain), 'a restart finds the same')
    await restarted.stop()

    await t.rejects(retireAuthority({ ...data, name }), { code: 'authority_unknown', message: /issues/ })
    await retireAuthority({ ...data, name: 'first' })
    await until(async () => (await bundleOf(ca.url)).length === 1)
    t.same(await bundleOf(ca.url), [pemOf(chain)], 'the retired one is published no more')
    await t.rejects(
      commitRotation({ ...data, name: 'first', now: new Date() }),
      /there is no authority "first"/,
    )
  },
)

t.test('a fault in the files of an authority changes nothing that is in force', async (t) => {
  const folder = t.testdir()
  const ca = await startIn(folder)
  t.teardown(() => ca.stop())
  writeFileSync(join(folder, 'data', 'issuing'), 'nobody\n')
  await until(async () => logLines.some((line) => line.includes('names the authority nobody')))
  t.equal((await issue(ca.url)).slice(1).join('\n'), ca.chainPem.trim())
  const ready = await fetch(`${ca.url}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), { checks: { authority: /^changed files refused: .*nobody/ } })
  rmSync(join(folder, 'data', 'issuing'))
  await until(async () => (await (await fetch(`${ca.url}/readyz`)).text()).includes('"authority":"ok"'))
  t.match(await (await fetch(`${ca.url}/metrics`)).text(), /ca_reload_refused\{what="authority"\} 0/)

  const chain = join(folder, 'data', 'chain.pem')
  renameSync(chain, `${chain}.away`)
  await until(async () => (await (await fetch(`${ca.url}/readyz`)).text()).includes('has gone'))
  t.notOk(existsSync(chain), 'no other root is made in the place of one that has gone')
  t.equal((await issue(ca.url)).slice(1).join('\n'), ca.chainPem.trim())
})

t.test(
  "an intermediate of the company's CA issues, and its successor follows without a restart",
  async (t) => {
    const folder = t.testdir()
    const data = { folder: join(folder, 'data') }
    const sign = companyCa(join(folder, 'company'))
    const names = { commonName: 'Signing CA', organization: 'Company' }
    const { name, pem } = await requestCertificate({ ...data, ...names, now: new Date() })
    await t.rejects(
      startIn(folder),
      /waits for its chain; install it/,
      'no root of our own is made meanwhile',
    )
    const chainPem = sign(pem)
    t.same(await installChain({ ...data, chainPem, now: new Date() }), { name, issues: true })
    const ca = await startIn(folder)
    t.teardown(() => ca.stop())
    const [leaf, ...rest] = await issue(ca.url)
    t.equal(rest.join('\n'), pemOf(parseCertificatesPem(chainPem)).trim())
    await verified(leaf!, rest.join('\n'))

    const next = await requestCertificate({ ...data, ...names, now: new Date() })
    await installChain({ ...data, chainPem: sign(next.pem), now: new Date() })
    await until(async () => (await bundleOf(ca.url)).length === 2)
    const [before] = await bundleOf(ca.url)
    await commitRotation({ ...data, name: next.name, now: new Date() })
    await until(async () => (await bundleOf(ca.url))[0] !== before)
    t.equal((await bundleOf(ca.url))[1], before)
  },
)

t.test('a key kept elsewhere is named by its URI, also for a later authority', async (t) => {
  const folder = t.testdir()
  const data = { folder: join(folder, 'data') }
  const sign = companyCa(join(folder, 'company'))
  const ca = await startIn(folder)
  t.teardown(() => ca.stop())
  const keyPath = join(folder, 'elsewhere.pem')
  await createKeyFile(keyPath, 'secret')
  const plain = execFileSync('openssl', ['pkcs8', '-in', keyPath, '-passin', 'pass:secret'])
  const plainPath = join(folder, 'plain.pem')
  const pkcs8 = execFileSync('openssl', ['pkcs8', '-topk8', '-nocrypt'], { input: plain })
  writeFileSync(plainPath, pkcs8)
  chmodSync(plainPath, 0o600)
  const names = { commonName: 'Signing CA', organization: 'Company' }
  const now = new Date()
  const { name, pem } = await requestCertificate({ ...data, ...names, keyUri: `file:${plainPath}`, now })
  const chainPem = sign(pem)
  t.same(await installChain({ ...data, chainPem, now: new Date() }), { name, issues: false })
  await commitRotation({ ...data, name, now: new Date() })
  await until(async () => (await bundleOf(ca.url))[0] !== ca.chainPem)
  t.equal((await issue(ca.url)).slice(1).join('\n'), chainPem.replaceAll(/\n+/g, '\n').trim())
})
