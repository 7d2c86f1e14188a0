/** What can be set of a service can be set of it in one process too. */
import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { TSchema } from 'typebox'
import { adviseOnSettings } from '../src/advice.ts'
import { composeServices, type Services } from '../src/compose/compose-services.ts'
import { decidedHere } from '../src/compose/decided-here.ts'
import { readConfig, variables } from '../src/config.ts'
import { pathsBelow } from '../src/data-directory.ts'
import { exposedTrialWord } from '../src/trial.ts'

const policy = 'policies:\n  https://login.example.com: [{ name: staff, allow: { subject: someone } }]\n'
const folder = t.testdir({ 'secret.txt': 'a secret of a file\n', 'policy.yaml': policy })
const issuersFile = `${folder}/issuers.json`
writeFileSync(
  issuersFile,
  JSON.stringify({
    'oidc-issuers': { 'https://login.example.com': { 'client-id': 'sigstore', type: 'email' } },
  }),
)

function compose(environment: Readonly<Record<string, string>>): Services {
  const config = readConfig(environment)
  return composeServices(config, { data: pathsBelow('/data'), password: 'made', ports: config.ports })
}

const mailSample = {
  MONITOR_MAIL_URL: 'smtp://mail.example.com',
  MONITOR_MAIL_FROM: 'monitor@example.com',
  MONITOR_MAIL_TO: 'ada@example.com',
}

const signInSample = { CONSOLE_ACCESS: 'oidc', CONSOLE_ISSUERS_FILE: '/i.json' }

/** For variables whose values cannot be made up from their schema; each is another than the default. */
const samples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TRUST_SIGNING_LOG: { TRUST_SIGNING_LOG: 'v2' },
  CA_KEY: { CA_KEY: 'file:/k.pem', CA_CHAIN_FILE: '/c.pem' },
  CA_CHAIN_FILE: { CA_KEY: 'file:/k.pem', CA_CHAIN_FILE: '/c.pem' },
  CA_CONFIG_FILE: { CA_CONFIG_FILE: issuersFile },
  LOG_ADMISSION_FILE: { LOG_ADMISSION_FILE: issuersFile },
  CA_POLICY_FILE: { CA_POLICY_FILE: `${folder}/policy.yaml`, CA_CONFIG_FILE: issuersFile },
  CA_LIMIT_PER_ADDRESS: { CA_LIMIT_PER_ADDRESS: '1/min' },
  CA_LIMIT_PER_IDENTITY: { CA_LIMIT_PER_IDENTITY: '1/min' },
  CA_CLIENT_SIGNING_ALGORITHMS: { CA_CLIENT_SIGNING_ALGORITHMS: 'ed25519' },
  CA_TLS_CERTIFICATE_FILE: { CA_TLS_CERTIFICATE_FILE: '/c.pem', CA_TLS_KEY_FILE: '/k.pem' },
  CA_TLS_KEY_FILE: { CA_TLS_CERTIFICATE_FILE: '/c.pem', CA_TLS_KEY_FILE: '/k.pem' },
  CA_TRUSTED_PROXIES: { CA_TRUSTED_PROXIES: '10.0.0.0/8' },
  LOG_TLS_CERTIFICATE_FILE: { LOG_TLS_CERTIFICATE_FILE: '/c.pem', LOG_TLS_KEY_FILE: '/k.pem' },
  LOG_TLS_KEY_FILE: { LOG_TLS_CERTIFICATE_FILE: '/c.pem', LOG_TLS_KEY_FILE: '/k.pem' },
  LOG_TRUSTED_PROXIES: { LOG_TRUSTED_PROXIES: '10.0.0.0/8' },
  LOG_LIMIT_PER_ADDRESS: { LOG_LIMIT_PER_ADDRESS: '1/min' },
  LOG_UNLIMITED_ADDRESSES: { LOG_UNLIMITED_ADDRESSES: '10.0.0.0/8' },
  LOG_LIMIT_PER_IDENTITY: { LOG_LIMIT_PER_IDENTITY: '1/min' },
  LOG_ENABLED_ENDPOINTS: { LOG_ENABLED_ENDPOINTS: 'getPublicKey,getPublicKeys' },
  LOG_CLIENT_SIGNING_ALGORITHMS: { LOG_CLIENT_SIGNING_ALGORITHMS: 'ed25519' },
  LOG_SENDER_ISSUER: { LOG_SENDER_ISSUER: 'https://l.example.com', LOG_SENDER_AUDIENCE: 'log' },
  LOG_SENDER_AUDIENCE: { LOG_SENDER_ISSUER: 'https://l.example.com', LOG_SENDER_AUDIENCE: 'log' },
  LOG_SENDER_KEYS_URL: {
    LOG_SENDER_ISSUER: 'https://l.example.com',
    LOG_SENDER_AUDIENCE: 'log',
    LOG_SENDER_KEYS_URL: 'https://l.example.com/keys',
  },
  LOG_ENABLED_KINDS: { LOG_ENABLED_KINDS: 'rekord' },
  LOG_MAX_ATTESTATION_BYTES: { LOG_ATTESTATIONS: 'store', LOG_MAX_ATTESTATION_BYTES: '7' },
  LOG_EVENTS_URL: { LOG_EVENTS_URL: 'https://hooks.example.com' },
  LOG_EVENTS_SECRET: { LOG_EVENTS_URL: 'https://h.example.com', LOG_EVENTS_SECRET: 'sixteen characters' },
  LOG_EVENTS_BATCH: { LOG_EVENTS_URL: 'https://hooks.example.com', LOG_EVENTS_BATCH: '7' },
  LOG_EVENTS_STREAM: { LOG_EVENTS_STREAM: 'events', REDIS_URL: 'redis://r' },
  LOG_EVENTS_STREAM_MAX: { LOG_EVENTS_STREAM: 'e', REDIS_URL: 'redis://r', LOG_EVENTS_STREAM_MAX: '7' },
  LOG_EVENTS_REDIS_URL: { LOG_EVENTS_STREAM: 'e', LOG_EVENTS_REDIS_URL: 'redis://other' },
  REDIS_URL: { REDIS_URL: 'redis://r' },
  CT_EXTENDED_KEY_USAGES: { CT_EXTENDED_KEY_USAGES: 'any' },
  OIDC_CACHE_SECRET: { OIDC_CACHE_SECRET: 'a secret of thirty-two characters', REDIS_URL: 'redis://r' },
  OIDC_PRIVATE_ISSUERS: { CA_CONFIG_FILE: issuersFile, OIDC_PRIVATE_ISSUERS: 'https://login.example.com' },
  TSA_KEY: { TSA_KEY: 'file:/k.pem', TSA_CHAIN_FILE: '/c.pem' },
  TSA_CHAIN_FILE: { TSA_KEY: 'file:/k.pem', TSA_CHAIN_FILE: '/c.pem' },
  TSA_DEFAULT_POLICY: { TSA_DEFAULT_POLICY: '1.2.3' },
  TSA_ACCEPTED_POLICIES: { TSA_ACCEPTED_POLICIES: '1.2.3' },
  TSA_CLOCK_NTP_SERVERS: { TSA_CLOCK_NTP_SERVERS: 'ntp.example.com' },
  TSA_CLOCK_NTP_ANSWERS: { TSA_CLOCK_NTP_SERVERS: 'a,b', TSA_CLOCK_NTP_ANSWERS: '1' },
  TSA_TRUSTED_PROXIES: { TSA_TRUSTED_PROXIES: '10.0.0.0/8' },
  TSA_TLS_CERTIFICATE_FILE: { TSA_TLS_CERTIFICATE_FILE: '/c.pem', TSA_TLS_KEY_FILE: '/k.pem' },
  TSA_TLS_KEY_FILE: { TSA_TLS_CERTIFICATE_FILE: '/c.pem', TSA_TLS_KEY_FILE: '/k.pem' },
  LOG_WITNESS_WAIT_MS: { LOG_WITNESS_WAIT_MS: '7' },
  MONITOR_PORT: { MONITOR_PORT: '7' },
  MONITOR_TOKEN: { MONITOR_TOKEN: 'a-token-of-the-monitor' },
  MONITOR_TRUSTED_PROXIES: { MONITOR_TRUSTED_PROXIES: '10.0.0.0/8' },
  MONITOR_TLS_CERTIFICATE_FILE: {
    MONITOR_TLS_CERTIFICATE_FILE: '/c.pem',
    MONITOR_TLS_KEY_FILE: '/k.pem',
  },
  MONITOR_TLS_KEY_FILE: { MONITOR_TLS_CERTIFICATE_FILE: '/c.pem', MONITOR_TLS_KEY_FILE: '/k.pem' },
  MONITOR_WEBHOOK_URL: { MONITOR_WEBHOOK_URL: 'https://hooks.example.com' },
  MONITOR_WEBHOOK_SECRET: {
    MONITOR_WEBHOOK_URL: 'https://h.example.com',
    MONITOR_WEBHOOK_SECRET: 'sixteen characters',
  },
  MONITOR_MAIL_URL: mailSample,
  MONITOR_MAIL_FROM: mailSample,
  MONITOR_MAIL_TO: mailSample,
  WITNESS_PORT: { WITNESS_PORT: '7' },
  WITNESS_NAME: { WITNESS_NAME: 'w.example.com' },
  WITNESS_MIRROR_NAME: { WITNESS_MIRROR_NAME: 'mirror.example' },
  WITNESS_TRUSTED_PROXIES: { WITNESS_TRUSTED_PROXIES: '10.0.0.0/8' },
  WITNESS_TLS_CERTIFICATE_FILE: {
    WITNESS_TLS_CERTIFICATE_FILE: '/c.pem',
    WITNESS_TLS_KEY_FILE: '/k.pem',
  },
  WITNESS_TLS_KEY_FILE: { WITNESS_TLS_CERTIFICATE_FILE: '/c.pem', WITNESS_TLS_KEY_FILE: '/k.pem' },
  CONSOLE_ACCESS: { CONSOLE_ACCESS: 'header', CONSOLE_TRUSTED_PROXIES: '10.0.0.0/8' },
  CONSOLE_USER_HEADER: {
    CONSOLE_ACCESS: 'header',
    CONSOLE_TRUSTED_PROXIES: '10.0.0.0/8',
    CONSOLE_USER_HEADER: 'x-user',
  },
  CONSOLE_OPERATORS: {
    CONSOLE_ACCESS: 'header',
    CONSOLE_TRUSTED_PROXIES: '10.0.0.0/8',
    CONSOLE_OPERATORS: 'olga',
  },
  CONSOLE_ISSUERS_FILE: signInSample,
  CONSOLE_PUBLIC_URL: { ...signInSample, CONSOLE_PUBLIC_URL: 'https://console.example.com' },
  CONSOLE_SESSION_KEY: { ...signInSample, CONSOLE_SESSION_KEY: 'a secret of thirty-two characters' },
  CONSOLE_SESSION_MINUTES: { ...signInSample, CONSOLE_SESSION_MINUTES: '7' },
  CONSOLE_TRUSTED_PROXIES: { CONSOLE_TRUSTED_PROXIES: '10.0.0.0/8' },
  CONSOLE_TLS_CERTIFICATE_FILE: {
    CONSOLE_TLS_CERTIFICATE_FILE: '/c.pem',
    CONSOLE_TLS_KEY_FILE: '/k.pem',
  },
  CONSOLE_TLS_KEY_FILE: { CONSOLE_TLS_CERTIFICATE_FILE: '/c.pem', CONSOLE_TLS_KEY_FILE: '/k.pem' },
  TRUST_KEYS_VALID_FROM: { TRUST_KEYS_VALID_FROM: '2026-01-01T00:00:00Z' },
  TRUST_TLS_CERTIFICATE_FILE: { TRUST_TLS_CERTIFICATE_FILE: '/c.pem', TRUST_TLS_KEY_FILE: '/k.pem' },
  TRUST_TLS_KEY_FILE: { TRUST_TLS_CERTIFICATE_FILE: '/c.pem', TRUST_TLS_KEY_FILE: '/k.pem' },
}

/** These belong to the stack, which says so in config.ts. */
const ofTheStack = new Set(Object.keys(variables.properties))

t.test(
  'every variable of every service has its effect in one process, or is told to have none',
  async (t) => {
    // Issuers make others possible; the trial issuer is there to be set as well.
    const base = {
      SIGSTACK_TRIAL: '1',
      SIGSTACK_WITNESS: 'own',
      SIGSTACK_CA_CONFIG_FILE: issuersFile,
      SIGSTACK_REKOR: 'both',
      SIGSTACK_REKOR_V2_PUBLIC_URL: 'http://localhost:7000',
    }
    for (const { schema, variables: decided } of decidedHere) {
      for (const [name, variable] of Object.entries(schema.properties)) {
        if (Object.hasOwn(decided, name)) {
          const advice = adviseOnSettings(readConfig({ ...base, [name]: 'x' }))
          t.match(advice, [new RegExp(`^${name} does not count in one process: `)], name)
        } else if (!ofTheStack.has(name)) {
          const set = samples[name] ?? { [name]: sampleOf(name, variable) }
          const withoutIt = { ...base, ...set }
          delete (withoutIt as Record<string, string>)[name]
          const seen = textOf(compose({ ...base, ...set }))
          // Some come in pairs, and are refused alone.
          const before =
            name in samples && Object.keys(set).length > 1 ? tryCompose(withoutIt) : textOf(compose(base))
          t.not(seen, before, name)
        }
      }
    }
  },
)

/** Readers are functions, which tell nothing. */
function textOf(services: Services): string {
  return JSON.stringify(services, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

function tryCompose(environment: Readonly<Record<string, string>>): string {
  try {
    return textOf(compose(environment))
  } catch (error) {
    return String(error)
  }
}

function sampleOf(name: string, schema: TSchema): string {
  const {
    type,
    minimum,
    default: standard,
    enum: choices,
    anyOf,
    pattern,
  } = schema as {
    readonly type?: string
    readonly minimum?: number
    readonly default?: unknown
    readonly enum?: readonly string[]
    readonly anyOf?: readonly { readonly const?: string }[]
    readonly pattern?: string
  }
  if (type === 'integer') return String((minimum ?? 0) === standard ? (minimum ?? 0) + 1 : minimum)
  const choice = (choices ?? anyOf?.map((each) => each.const ?? ''))?.find((each) => each !== standard)
  if (choice !== undefined) return choice
  if (pattern !== undefined) throw new Error(`${name} has a pattern: give it a sample above`)
  return '/another'
}

t.test(
  'an endpoint that others in the process need is asked for, and another complaint with it',
  async (t) => {
    const composing = (LOG_ENABLED_ENDPOINTS: string) => () =>
      compose({ LOG_ENABLED_ENDPOINTS, CA_LIMIT_PER_ADDRESS: 'often' })
    t.throws(composing('createLogEntry'), {
      message:
        /leaves out getPublicKey and getPublicKeys, by which trust learns.*CA_LIMIT|CA_LIMIT.*leaves out/s,
    })
    t.throws(composing('getPublicKey'), { message: /leaves out getPublicKeys,/ })
    t.ok(compose({ LOG_ENABLED_ENDPOINTS: 'getPublicKey, getPublicKeys' }))
  },
)

t.test('a secret of a service may come in a file, also where the stack has one of its own', async (t) => {
  const { ca, rekor, trust } = compose({
    CA_KEY_PASSWORD_FILE: `${folder}/secret.txt`,
    LOG_KEY_PASSWORD: 'of the log',
  })
  t.equal(ca.keyPassword, 'a secret of a file')
  t.equal(rekor?.keyPassword, 'of the log')
  t.equal(trust.tuf?.keyPassword, 'made')
})

t.test(
  'names from before count in one process as they do apart, but not those of other programs',
  async (t) => {
    const { rekor, ct } = compose({
      DATABASE_CONNECTIONS: '9',
      PORT: '1',
      HOST: '10.0.0.1',
      LOG_TRUST_PROXY: '10.0.0.1',
    })
    t.match(rekor, { databaseConnections: 9, port: 3000, host: '127.0.0.1', trustedProxies: ['10.0.0.1'] })
    t.match(ct, { databaseConnections: 9, port: 6962 })
    t.same(adviseOnSettings(readConfig({ PORT: '1', HOST: '10.0.0.1' })), [])
  },
)

t.test('what is misspelt is told, whichever service it was meant for', async (t) => {
  const advice = (name: string) => adviseOnSettings(readConfig({ [name]: 'x' }))
  for (const [wrong, right] of [
    ['LOG_ADMISION_FILE', 'LOG_ADMISSION_FILE'],
    ['CA_POLCY_FILE', 'CA_POLICY_FILE'],
    ['SIGSTACK_TRAIL', 'SIGSTACK_TRIAL'],
    ['SIGSTAK_DATA', 'SIGSTACK_DATA'],
    ['SIGSTCAK_HOST', 'SIGSTACK_HOST'],
    ['LGO_LEVEL', 'LOG_LEVEL'],
    ['TRSUT_REFRESH_SECONDS', 'TRUST_REFRESH_SECONDS'],
    ['OIDC_FRESH_SECOND', 'OIDC_FRESH_SECONDS'],
    ['TRUST_REFRESH_SECS', 'TRUST_REFRESH_SECONDS'],
    ['LOG_KEY_PASWORD_FILE', 'LOG_KEY_PASSWORD_FILE'],
  ] as const)
    t.same(advice(wrong), [`${wrong} is set, but nothing here reads it; is ${right} meant?`])
  const ofOthers = {
    LC_ALL: 'x',
    LANG: 'x',
    LOGNAME: 'x',
    CI_HOST: 'x',
    DEBUG_ISSUER: 'x',
    GOLOG_LEVEL: 'x',
    COLORTERM: 'x',
  }
  t.same(adviseOnSettings(readConfig(ofOthers)), [])
})

t.test('complaints of the stack and of all services come at once, before anything is made', async (t) => {
  t.throws(
    () =>
      readConfig({
        SIGSTACK_CA_CONFIG_FILE: '/no/such/file.yaml',
        LOG_LIMIT_PER_ADDRESS: 'often',
        TRUST_MARGIN_SECONDS: '-1',
        OIDC_FRESH_SECONDS: 'x',
        SIGSTACK_TLS_KEY_FILE: '/k',
      }),
    {
      message:
        /^bad configuration: SIGSTACK_TLS_CERTIFICATE_FILE.*CA_CONFIG_FILE \/no\/such\/file.yaml: cannot be read \(ENOENT\).*LOG_LIMIT_PER_ADDRESS.*OIDC_FRESH_SECONDS.*TRUST_MARGIN_SECONDS/,
    },
  )
})

t.test('a file that is not there is told with the variable that names it', async (t) => {
  for (const variable of ['SIGSTACK_CA_CONFIG_FILE', 'CA_CONFIG_FILE', 'LOG_ADMISSION_FILE'])
    t.throws(() => readConfig({ [variable]: '/nope' }), {
      message: `bad configuration: ${variable} /nope: cannot be read (ENOENT)`,
    })
})

t.test('the console asks the monitor with the token of the monitor', async (t) => {
  t.equal(
    compose({ MONITOR_TOKEN: 'a-token-of-the-monitor' }).console?.monitorToken,
    'a-token-of-the-monitor',
  )
  t.equal(compose({}).console?.monitorToken, undefined)
  writeFileSync(`${folder}/token.txt`, 'a-token-of-a-file\n')
  const { console } = compose({
    MONITOR_TOKEN_FILE: `${folder}/token.txt`,
    CONSOLE_MONITOR_TOKEN: 'not-the-token-of-it',
  })
  t.equal(console?.monitorToken, 'a-token-of-a-file')
})

t.test('an empty variable is one that is not set', async (t) => {
  const names = decidedHere.flatMap(({ schema }) => Object.keys(schema.properties))
  const all = [...names, ...Object.keys(variables.properties)]
  const empty = Object.fromEntries(all.map((name) => [name, name.endsWith('S') ? ' ' : '']))
  t.equal(textOf(compose(empty)), textOf(compose({})))
  t.same(adviseOnSettings(readConfig(empty)), [])
})

t.test(
  'the published files, the origins of the logs and the signing config say the public names',
  async (t) => {
    const network = { SIGSTACK_CA_CONFIG_FILE: issuersFile }
    const { trust, rekor, ct, insideUrls } = compose({
      ...network,
      SIGSTACK_PUBLIC_URL: 'https://sig.example.org/',
    })
    t.same(
      trust.services.map(({ kind, url }) => [kind, url]),
      [
        ['ca', 'https://sig.example.org:5555'],
        ['rekor', 'https://sig.example.org:3000'],
        ['rekorV2', 'https://sig.example.org:3003'],
        ['ct', 'https://sig.example.org:6962'],
        ['tsa', 'https://sig.example.org:3004/api/v1/timestamp'],
      ],
    )
    t.equal(trust.oidcIssuer, 'https://login.example.com')
    t.same([rekor?.hostname, ct?.hostname], ['sig.example.org', 'sig.example.org'])
    t.equal(insideUrls.rekor, 'http://127.0.0.1:3000', 'this process asks itself')
    t.same(trust.services.find(({ kind }) => kind === 'rekor')?.keys, { url: 'http://127.0.0.1:3000' })

    const named = compose({
      ...network,
      SIGSTACK_PUBLIC_URL: 'https://{service}.example.org',
      SIGSTACK_REKOR_PUBLIC_URL: 'https://sig.example.org/rekor/',
    })
    t.match(named.publicUrls, {
      ca: 'https://ca.example.org',
      rekor: 'https://sig.example.org/rekor',
      ct: 'https://ct.example.org',
      trust: 'https://trust.example.org',
    })
    t.equal(named.rekor?.hostname, 'sig.example.org')
    for (const url of [
      'https://sig.example.org:8443',
      'https://sig.example.org/x',
      'https://{name}.example.org',
      'sig',
    ])
      t.throws(
        () => readConfig({ ...network, SIGSTACK_PUBLIC_URL: url }),
        { message: /SIGSTACK_PUBLIC_URL/ },
        url,
      )
  },
)

t.test(
  'a public name makes the trial issuer need its two words, and the signing config names it only then',
  async (t) => {
    const name = { SIGSTACK_PUBLIC_URL: 'https://sig.example.org' }
    t.throws(() => readConfig(name), { message: /SIGSTACK_CA_CONFIG_FILE.*SIGSTACK_PUBLIC_URL=https:/ })
    t.throws(() => readConfig({ ...name, SIGSTACK_TRIAL: '1' }), { message: /SIGSTACK_TRIAL_EXPOSED=/ })
    const words = { SIGSTACK_TRIAL: '1', SIGSTACK_TRIAL_EXPOSED: exposedTrialWord }
    t.equal(compose({ ...name, ...words }).trust.oidcIssuer, 'http://127.0.0.1:5558')
    t.equal(
      compose({ ...name, ...words, SIGSTACK_CA_CONFIG_FILE: issuersFile }).trust.oidcIssuer,
      'https://login.example.com',
    )
  },
)

t.test('IPv6 addresses are in brackets in URLs, and nowhere else', async (t) => {
  for (const host of ['::1', '[::1]']) {
    const { ca, rekor, publicUrls, oidcProxy, devIssuer } = compose({ SIGSTACK_HOST: host })
    t.match(
      { ca, rekor, oidcProxy },
      { ca: { host: '::1' }, rekor: { host: '::1', hostname: '::1' }, oidcProxy: { host: '::1' } },
    )
    t.equal(publicUrls.rekor, 'http://[::1]:3000')
    t.equal(devIssuer?.issuer, 'http://[::1]:5558')
    t.equal(ca.oidcProxyUrl, 'http://[::1]:5557')
  }
})

t.test('the proxy of issuers listens on loopback, wherever the others do', async (t) => {
  for (const host of ['10.77.0.1', '0.0.0.0', '::', 'fe80::1', 'sig.example.org'])
    t.match(
      compose({ SIGSTACK_HOST: host, SIGSTACK_CA_CONFIG_FILE: issuersFile }).oidcProxy.host,
      /^(127\.0\.0\.1|::1)$/,
      host,
    )
  t.match(adviseOnSettings(readConfig({ SIGSTACK_HOST: '0.0.0.0', SIGSTACK_CA_CONFIG_FILE: issuersFile })), [
    /listens on every address.*SIGSTACK_PUBLIC_URL/,
  ])
})

t.test('without a timestamp authority none is started, published or named to clients', async (t) => {
  const { tsa, trust } = compose({ SIGSTACK_TSA: 'none', SIGSTACK_CA_CONFIG_FILE: issuersFile })
  t.equal(tsa, undefined)
  t.notOk(trust.services.some(({ kind }) => kind === 'tsa'))
  const own = compose({ SIGSTACK_CA_CONFIG_FILE: issuersFile, TSA_CLOCK_WHEN_UNSURE: 'refuse' })
  t.match(
    own.tsa,
    { clock: { whenUnsure: 'refuse', databaseUrl: /^postgresql:/ } },
    'by the clock of its database',
  )
  t.match(own.trust.services.at(-1), { kind: 'tsa', url: 'http://127.0.0.1:3004/api/v1/timestamp' })
})

t.test('a log of Rekor v2 runs beside that of v1 where it is wanted, and trust tells of both', async (t) => {
  const services = compose({ SIGSTACK_REKOR: 'v1', SIGSTACK_CA_CONFIG_FILE: issuersFile })
  t.equal(services.rekorV2, undefined)
  t.notOk(services.trust.services.some(({ kind }) => kind === 'rekorV2'))
  const set = { SIGSTACK_CA_CONFIG_FILE: issuersFile }
  const url = 'https://log2026-1.rekor.example.org'
  const both = compose({ ...set, SIGSTACK_REKOR_V2_PUBLIC_URL: `${url}/`, LOG_METRICS_PORT: '9000' })
  t.match(both.rekorV2, {
    face: { face: 'rekor-v2', duplicates: 'existing' },
    port: 3003,
    hostname: 'log2026-1.rekor.example.org',
    keyLocation: '/data/keys/rekor-v2.key.pem',
  })
  t.equal(both.rekorV2?.metricsPort, undefined, 'that is the other log’s')
  const listed = both.trust.services.find(({ kind }) => kind === 'rekorV2')
  t.match(listed, { url, apiVersion: 2, keys: { url: 'http://127.0.0.1:3003' } })
  t.equal(both.trust.signingLog, 'v1')
  t.equal(compose({ ...set, TRUST_SIGNING_LOG: 'v2' }).trust.signingLog, 'v2')
})

t.test('Rekor v2 runs alone where that is wanted, and clients are sent there, for a stamp too', async (t) => {
  const set = { SIGSTACK_REKOR: 'v2', SIGSTACK_CA_CONFIG_FILE: issuersFile }
  const { rekor, rekorV2, trust, console } = compose({ ...set, LOG_METRICS_PORT: '9000' })
  t.equal(rekor, undefined)
  t.equal(console?.urls.rekor, undefined, 'nobody is asked who is not there')
  t.equal(rekorV2?.metricsPort, 9000)
  t.equal(trust.signingLog, 'v2')
  t.notOk(trust.services.some(({ kind }) => kind === 'rekor'))
  t.throws(() => compose({ ...set, SIGSTACK_TSA: 'none' }), {
    message: /PUBLIC_REKOR_URL=none sends clients to a log of Rekor v2, which needs PUBLIC_TSA_URL/,
  })
})

t.test('a new CT log is called by its URL, so that a witness can tell it from the other logs', async (t) => {
  const set = { SIGSTACK_CA_CONFIG_FILE: issuersFile, SIGSTACK_WITNESS: 'own' }
  const originIn = ({ ct }: ReturnType<typeof compose>) =>
    ct?.face.face === 'ct' ? ct.face.origin : undefined
  t.equal(originIn(compose(set)), '127.0.0.1:6962')
  const named = { ...set, SIGSTACK_CT_PUBLIC_URL: 'https://sig.example.org/ct' }
  t.equal(originIn(compose(named)), 'sig.example.org/ct')
})

t.test('a base port moves all of them, but for those that are named', async (t) => {
  t.same(readConfig({ SIGSTACK_BASE_PORT: '7000', SIGSTACK_CT_PORT: '9' }).ports, {
    ca: 7000,
    rekor: 7001,
    ct: 9,
    oidcProxy: 7003,
    devIssuer: 7004,
    trust: 7005,
    tsa: 7006,
    rekorV2: 7007,
    console: 7008,
  })
})

t.test(
  'the token for the issuer of the own cluster may be named for the stack or for its proxy',
  async (t) => {
    for (const prefix of ['SIGSTACK', 'OIDC']) {
      const environment = {
        [`${prefix}_ISSUER_TOKEN_FILE`]: '/run/token',
        [`${prefix}_ISSUER_CA_FILE`]: '/run/ca',
      }
      t.same(
        compose(environment).oidcProxy.serviceAccountFiles,
        { token: '/run/token', ca: '/run/ca' },
        prefix,
      )
    }
  },
)

t.test('a limit by address holds on both logs, and never for the CA of the stack', async (t) => {
  const set = { LOG_LIMIT_PER_ADDRESS: '1/min', LOG_UNLIMITED_ADDRESSES: '192.0.2.7' }
  const { rekor, ct } = compose({ ...set, SIGSTACK_HOST: '127.0.0.1' })
  t.match(rekor?.face, { addressLimits: [{ burst: 1 }], unlimitedAddresses: ['192.0.2.7'] })
  t.match(ct?.face, {
    addressLimits: [{ burst: 1 }],
    unlimitedAddresses: ['192.0.2.7', 'loopback', '127.0.0.1'],
  })
  const elsewhere = (SIGSTACK_HOST: string) =>
    compose({ SIGSTACK_HOST, SIGSTACK_CA_CONFIG_FILE: issuersFile }).ct?.face
  t.match(elsewhere('10.0.0.5'), { unlimitedAddresses: ['loopback', '10.0.0.5'] })
  t.match(elsewhere('::'), { unlimitedAddresses: ['loopback', '::1'] })
})
