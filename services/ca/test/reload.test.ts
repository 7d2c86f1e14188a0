/** Files that change while the CA runs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@sigstack/server'
import { encodeCertificatePem } from '@sigstack/x509'
import t, { type Test } from 'tap'
import { parseIssuerConfigText, readConfig, startCa } from '../src/index.ts'
import { startCtLog } from './support/ct-log.ts'
import { environmentIn } from './support/environment.ts'
import {
  createAuthority,
  createClientKey,
  emailConfig,
  emailIssuerUrl,
  person,
  v2Body,
} from './support/harness.ts'
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

async function startIn(t: Test, folder: string, more: Readonly<Record<string, string>> = {}) {
  const lines: string[] = []
  const logger = createLogger({
    name: 'ca',
    level: 'info',
    destination: { write: (line) => lines.push(line) },
  })
  const config = readConfig(environmentIn(folder, { proxy, ctLog }, more))
  const ca = await startCa(config, { logger, processMetrics: false })
  t.teardown(() => ca.stop())
  return {
    ca,
    lines,
    status: async (from: typeof issuer): Promise<number> => {
      const body = JSON.stringify(v2Body(await signToken(from, person), createClientKey()))
      const answer = await fetch(`${ca.url}/api/v2/signingCert`, { method: 'POST', body })
      await answer.text()
      return answer.status
    },
    checks: async () =>
      (await (await fetch(`${ca.url}/readyz`)).json()) as { status: string; checks: object },
    published: async () => (await fetch(`${ca.url}/api/v2/configuration`)).text(),
  }
}

t.test(
  'changes of the identity configuration take effect, a bad file keeps the old one and says so',
  async (t) => {
    const folder = t.testdir()
    const file = join(folder, 'identity.json')
    const { ca, lines, status, checks, published } = await startIn(t, folder)

    t.equal(await status(issuer), 200)
    t.equal(await status(later), 400, 'not configured yet')
    const other = { 'issuer-url': laterUrl, 'client-id': 'sigstore', type: 'email' }
    writeFileSync(
      file,
      JSON.stringify({ 'oidc-issuers': { ...emailConfig['oidc-issuers'], [laterUrl]: other } }),
    )
    await until(async () => (await published()).includes(laterUrl))
    t.equal(await status(later), 200, 'accepted without a restart')
    t.match(await checks(), { status: 'ready', checks: { configuration: 'ok' } })

    writeFileSync(file, '{"oidc-issuers": {"https://broken.example.com": {}}}')
    await until(() =>
      lines.some((line) => line.includes('"what":"configuration"') && line.includes('client-id')),
    )
    t.equal(await status(later), 200, 'the old configuration stays in force')
    const { status: state, checks: told } = await checks()
    t.equal(state, 'ready', 'what was before still serves')
    t.match(told, { configuration: /^changed files refused: .*client-id/ })
    const metrics = await (await fetch(`${ca.url}/metrics`)).text()
    t.match(metrics, /ca_reload_refused\{what="configuration"\} 1/)
    t.match(metrics, /ca_reloads_total\{what="configuration",outcome="refused"\} 1/)

    writeFileSync(file, JSON.stringify({ 'oidc-issuers': { [laterUrl]: other } }))
    await until(async () => !(await published()).includes(emailIssuerUrl))
    t.equal(await status(issuer), 400, 'an issuer that was taken out is refused')
    t.match(await checks(), { checks: { configuration: 'ok' } })
  },
)

t.test(
  'changes of the policy file take effect too, and a bad one keeps the old one and says so',
  async (t) => {
    const folder = t.testdir({ 'policy.yaml': 'policies: {}' })
    const file = join(folder, 'policy.yaml')
    const { status, checks, lines } = await startIn(t, folder, { CA_POLICY_FILE: file })
    t.equal(await status(issuer), 200)
    writeFileSync(file, `policies: { "*": [{ name: nobody, deny: { subject: ${person.sub} } }] }`)
    await until(async () => (await status(issuer)) === 403)
    t.equal(await status(issuer), 403, 'without a restart')
    writeFileSync(file, 'policies: { "*": [{ name: nothing }] }')
    await until(() => lines.some((line) => line.includes('allow or deny')))
    t.equal(await status(issuer), 403, 'the rules before stay')
    t.match(await checks(), {
      checks: { configuration: /^changed files refused: CA_POLICY_FILE .*allow or deny/ },
    })
    writeFileSync(file, 'policies: {}')
    await until(async () => (await status(issuer)) === 200)
    t.equal(await status(issuer), 200)
    t.match(await checks(), { checks: { configuration: 'ok' } })
  },
)

t.test(
  'ca-cert of an issuer is parsed, kept for whoever asks the issuer, and stops the start when it is none',
  async (t) => {
    const authority = await createAuthority()
    const pem = encodeCertificatePem(authority.chain[1]!.der)
    const config = (caCert: string) =>
      `oidc-issuers:\n  ${emailIssuerUrl}:\n    client-id: sigstore\n    type: email\n    ca-cert: |\n${caCert
        .split('\n')
        .map((line) => `      ${line}`)
        .join('\n')}\n`
    t.equal(parseIssuerConfigText(config(pem)).issuers[0]?.caCertificate, pem.trim())
    t.throws(
      () => parseIssuerConfigText(config('nothing')),
      new RegExp(`^failed to parse CA certificate for issuer ${emailIssuerUrl}$`),
    )
    t.throws(
      () =>
        parseIssuerConfigText(
          JSON.stringify({
            MetaIssuers: { 'https://*.example.com': { ClientID: 'x', Type: 'kubernetes', CACert: 'no' } },
          }),
        ),
      /^failed to parse CA certificate for meta issuer /,
    )
  },
)
