/** docker-compose.yml against the settings of the services: it names none that is not there, and says who reads the console. */
import { readFileSync } from 'node:fs'
import { variables as ca } from '@sigstack/ca'
import { variables as console, readConfig as readConsole } from '@sigstack/console'
import { variables as devIssuer } from '@sigstack/dev-issuer'
import { variables as log } from '@sigstack/log'
import { variables as monitor } from '@sigstack/monitor'
import { variables as oidcProxy } from '@sigstack/oidc-proxy'
import { variables as trust } from '@sigstack/trust'
import { variables as tsa } from '@sigstack/tsa'
import t from 'tap'
import type { TObject } from 'typebox'
import { parse } from 'yaml'

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
const text = read('docker-compose.yml')

type Environment = Readonly<Record<string, string>>
type Service = { readonly environment: Environment; readonly volumes?: readonly string[] }

/** As compose fills it in, which does so in texts that are parsed: `${NAME:-default}`. */
function serviceOf(name: string, set: Environment): Service {
  const fill = (value: string) =>
    value.replaceAll(/\$\{(\w+)(?::[-?]([^}]*))?\}/g, (_, variable: string, otherwise = '') =>
      set[variable] === undefined || set[variable] === '' ? otherwise : set[variable],
    )
  const filled = (_: unknown, value: unknown) => (typeof value === 'string' ? fill(value) : value)
  const { services } = parse(text, filled, { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>
  }
  const service = services[name]
  if (service === undefined) throw new Error(`there is no ${name}`)
  return service
}

/** With the secrets that are files there. */
function consoleConfig(set: Environment) {
  const { CONSOLE_MONITOR_TOKEN_FILE, CONSOLE_SESSION_KEY_FILE, ...environment } = serviceOf(
    'console',
    set,
  ).environment
  t.match([CONSOLE_MONITOR_TOKEN_FILE, CONSOLE_SESSION_KEY_FILE], [/^\/run\/secrets\//, /^\/run\/secrets\//])
  return readConsole({
    ...environment,
    CONSOLE_MONITOR_TOKEN: 'a-token-of-the-monitor',
    CONSOLE_SESSION_KEY: 'k'.repeat(64),
  })
}

const schemas: Readonly<Record<string, TObject>> = {
  rekor: log,
  'rekor-v2': log,
  ct: log,
  'oidc-proxy': oidcProxy,
  'dev-issuer': devIssuer,
  ca,
  tsa,
  trust,
  console,
  monitor,
}
/** The proxy of the oidc-proxy, and what lets a trial issuer start. */
const others = ['HTTPS_PROXY', 'NO_PROXY', 'SIGSTACK_TRIAL']

t.test('what it sets are settings', async (t) => {
  for (const [name, { properties }] of Object.entries(schemas))
    for (const variable of Object.keys(serviceOf(name, {}).environment)) {
      const setting = variable.replace(/_FILE$/, '')
      const isKnown = variable in properties || setting in properties || others.includes(variable)
      t.ok(isKnown, `${name}: ${variable}`)
    }
})

t.test('what it reads is told on its page', async (t) => {
  const page = read('docs/operations/containers.md')
  const [settings = ''] = /^## Settings\n.*?(?=\n## )/ms.exec(page) ?? []
  for (const [, name = ''] of text.matchAll(/\$\{(\w+)/g)) t.ok(settings.includes(`\`${name}\``), name)
})

t.test('the console is open where nothing is set, and shows both Rekor logs', async (t) => {
  const { access, hidesAddresses, urls } = consoleConfig({})
  t.same(access, { mode: 'open' })
  t.equal(hidesAddresses, false)
  t.match(urls, { rekor: 'http://rekor:3000', rekorV2: 'http://rekor-v2:3003' })
})

t.test('people can be made to sign in', async (t) => {
  const set = {
    CONSOLE_ACCESS: 'oidc',
    CONSOLE_ISSUERS_FILE: './issuers.json',
    CONSOLE_CLIENT_SECRET_FILE: './client-secret',
    CONSOLE_PUBLIC_URL: 'https://console.example.org',
    CONSOLE_SESSION_MINUTES: '30',
    CONSOLE_HIDE_ADDRESSES: '1',
  }
  const { access, hidesAddresses } = consoleConfig(set)
  const issuersFile = '/etc/sigstack/console-issuers.json'
  t.same(access, {
    mode: 'oidc',
    issuersFile,
    publicUrl: 'https://console.example.org',
    sessionKey: 'k'.repeat(64),
    sessionMinutes: 30,
  })
  t.equal(hidesAddresses, true)
  t.same(serviceOf('console', set).volumes, [
    `./issuers.json:${issuersFile}:ro`,
    './client-secret:/run/secrets/console_client_secret:ro',
  ])
  t.throws(() => consoleConfig({ CONSOLE_ACCESS: 'oidc' }), /CONSOLE_PUBLIC_URL/)
})

t.test('a proxy can name them', async (t) => {
  const { access, trustedProxies } = consoleConfig({
    CONSOLE_ACCESS: 'header',
    CONSOLE_USER_HEADER: 'X-User',
    CONSOLE_OPERATORS: 'ada,olga',
    CONSOLE_TRUSTED_PROXIES: '172.18.0.0/16',
  })
  t.same(access, { mode: 'header', userHeader: 'x-user', operators: ['ada', 'olga'] })
  t.same(trustedProxies, ['172.18.0.0/16'])
})

t.test('init.sh makes each secret that it mounts', async (t) => {
  const made = read('deploy/compose/init.sh')
  for (const [, name = ''] of text.matchAll(/first\}\/([\w-]+)"/g))
    t.match(made, new RegExp(`^(?:password|keep) ${name}\\b`, 'm'), name)
})
