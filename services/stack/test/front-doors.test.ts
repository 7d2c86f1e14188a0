/** The stack behind a public name, with TLS of its own. */
import '@sigstack/signers/few-rounds'
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig, startStack } from '../src/index.ts'
import { anyPorts } from '../src/testing.ts'
import { exposedTrialWord } from '../src/trial.ts'

t.setTimeout(600_000)

const name = 'sigstore.example.org'

t.test('clients meet the public name over TLS, and the services each other behind it', async (t) => {
  const { connectionString } = await testDatabase(t)
  // A folder whose name means something in URIs and in lists.
  const folder = `${t.testdir({ 'a, b%20#': {} })}/a, b%20#`
  const certificate = `${folder}/tls.pem`
  const key = `${folder}/tls.key.pem`
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const paths = ['-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...paths], { stdio: 'ignore' })
  const stack = await startStack(
    readConfig({
      SIGSTACK_DATA: `${folder}/data`,
      DATABASE_URL: connectionString,
      SIGSTACK_PUBLIC_URL: `https://${name}`,
      SIGSTACK_TLS_CERTIFICATE_FILE: certificate,
      SIGSTACK_TLS_KEY_FILE: key,
      SIGSTACK_TRIAL: '1',
      SIGSTACK_TRIAL_EXPOSED: exposedTrialWord,
      ...anyPorts,
    }),
    { logger: createLogger({ name: 'stack', level: 'silent' }) },
  )
  t.teardown(() => stack.stop())
  const { services, public: publicUrls = {}, files } = stack.endpoints
  t.same(Object.keys(publicUrls).sort(), ['ca', 'console', 'ct', 'rekor', 'rekor-v2', 'trust', 'tsa'])

  const published = readFileSync(files['trustedRoot'] ?? '', 'utf8')
  for (const service of ['ca', 'rekor', 'ct']) t.match(published, publicUrls[service] ?? 'nothing', service)
  t.notMatch(published, '127.0.0.1')
  for (const [service, url] of Object.entries(publicUrls)) {
    t.match(url, new RegExp(`^https://${name.replaceAll('.', '\\.')}:\\d+$`))
    t.equal(await statusOf(`${url}/healthz`, readFileSync(certificate, 'utf8')), 200, service)
    t.equal((await fetch(`${services[service]}/healthz`)).status, 200, `${service} from inside`)
    t.match(services[service], /^http:\/\/127\.0\.0\.1:\d+$/)
    const { port } = new URL(url)
    t.equal(stack.listening[service], `https://127.0.0.1:${port}`, 'people are not shown the way inside')
  }
  const { signedTreeHead } = (await (await fetch(`${services['rekor']}/api/v1/log`)).json()) as {
    signedTreeHead: string
  }
  t.match(signedTreeHead, `${name} - `)
  t.ok(statSync(`${folder}/data/keys/tuf-root.key.pem`).isFile(), 'a comma in a path does not end it')
})

/** By name, at the address of this machine. */
function statusOf(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const lookup: NonNullable<Parameters<typeof request>[1]['lookup']> = (_, { all }, answer) =>
      all === true ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4)
    request(url, { ca, lookup, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
