/** Files that change while the CA runs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@sigstack/server'
import { encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'
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

const laterUrl = 'https://later.example.com'
const issuer = await createIssuer(emailIssuerUrl)
const later = await createIssuer(laterUrl)
const proxy = await startProxy(issuer, later)
const ctLog = await startCtLog()
t.teardown(async () => {
  await proxy.stop()
  await ctLog.stop()
})

t.test(
  'changes of the identity configuration take effect, a bad file keeps the old one and says so',
  async (t) => {
    const folder = t.testdir()
    const file = join(folder, 'identity.json')
    const lines: string[] = []
    const ca = await startCa(readConfig(environmentIn(folder, { proxy, ctLog })), {
      logger: createLogger({
        name: 'ca',
        level: 'info',
        destination: { write: (line) => lines.push(line) },
      }),
      processMetrics: false,
    })
    t.teardown(() => ca.stop())
    const status = async (from: typeof issuer): Promise<number> => {
      const body = JSON.stringify(v2Body(await signToken(from, person), createClientKey()))
      const answer = await fetch(`${ca.url}/api/v2/signingCert`, { method: 'POST', body })
      await answer.text()
      return answer.status
    }
    const checks = async () =>
      (await (await fetch(`${ca.url}/readyz`)).json()) as { status: string; checks: object }
    const published = async () => (await fetch(`${ca.url}/api/v2/configuration`)).text()
    const until = async (condition: () => boolean | Promise<boolean>) => {
      for (let i = 0; i < 100 && !(await condition()); i++)
        await new Promise((resolve) => setTimeout(resolve, 30))
    }

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
