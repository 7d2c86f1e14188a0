/** Trusted roots and signing configs made by hand. What is expected of them is what cosign 3.1.3 writes. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { runCommand } from './support.ts'

const folder = t.testdir()
const place = (name: string): string => join(folder, name)
const run = (...words: readonly string[]) => runCommand(words, { HOME: folder })
const published = readFileSync(
  new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
  'utf8',
)
const root = parseTrustedRoot(published)
const [firstCa, secondCa] = root.certificateAuthorities
const [tsa] = root.timestampAuthorities
for (const [name, chain] of [
  ['first.pem', firstCa?.chain],
  ['second.pem', secondCa?.chain],
  ['tsa.pem', tsa?.chain],
] as const)
  writeFileSync(place(name), (chain ?? []).map((der) => encodePem('CERTIFICATE', der)).join(''))

// Log IDs of this key that cosign computed.
const ed25519 = 'MCowBQYDK2VwAyEAWwX2bV3OmEL6l7PHzJFufV9du7UBZBsukWv1vYDmSBc='
const [asNote, asHash] = [
  'HX3KAuuyYWNAaySvI4oJfXXemXNE2RKsIzWnt2KlWZw=',
  'sa+32WXb29j6ruLgt6RLimni7t3074SyhSdGMxQcK38=',
]
writeFileSync(place('ed25519.pub'), encodePem('PUBLIC KEY', Buffer.from(ed25519, 'base64')))
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
writeFileSync(place('p384.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
const start = 'start-time=2024-01-01T00:00:00Z'
const log = (key: string, more = ''): string =>
  `url=https://log.example:8080/a,public-key=${place(key)},${start}${more}`

t.test('a trusted root lists what is named, in the windows that are named', async (t) => {
  const end = ', end-time = 2025-01-01T00:00:00+02:00'
  const made = await run(
    'trusted-root',
    'create',
    '-fulcio',
    `url=https://ca.example,certificate-chain=${place('second.pem')}`,
    '--fulcio',
    `url=https://ca.example,certificate-chain=${place('first.pem')},${start}${end}`,
    '--rekor',
    log('p384.pub', end),
    '--rekor',
    log('ed25519.pub', ',origin=foo'),
    '--ctfe',
    log('ed25519.pub'),
    '--tsa',
    `url=https://tsa.example,certificate-chain=${place('tsa.pem')}`,
  )
  t.equal(made.status, 0, made.err)
  const found = JSON.parse(made.out) as Record<string, readonly object[]>
  t.equal(Object.keys(found).join(), 'mediaType,tlogs,certificateAuthorities,ctlogs,timestampAuthorities')
  const window = { start: '2024-01-01T00:00:00Z', end: '2024-12-31T22:00:00Z' }
  t.match(found.tlogs, [
    { publicKey: { keyDetails: 'PKIX_ECDSA_P384_SHA_384', validFor: window } },
    {
      baseUrl: 'https://log.example:8080/a',
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: ed25519, keyDetails: 'PKIX_ED25519', validFor: { start: window.start } },
      logId: { keyId: asNote },
    },
  ])
  t.match(found.ctlogs, [{ logId: { keyId: asHash } }])
  // That of the root, from its first moment; the older window comes first.
  t.match(found.certificateAuthorities, [
    { subject: { organization: 'sigstore.dev', commonName: 'sigstore' }, uri: 'https://ca.example' },
    { validFor: window },
  ])
  t.match(parseTrustedRoot(made.out).timestampAuthorities, [{ chain: tsa?.chain }])
  t.same(JSON.parse((await run('trusted-root', 'create')).out), { mediaType: found.mediaType })

  const file = place('made.json')
  t.equal((await run('trusted-root', 'create', '--ctfe', log('p384.pub'), '--out', file)).status, 0)
  t.equal(parseTrustedRoot(readFileSync(file, 'utf8')).ctlogs.length, 1)
})

t.test('the options of before mean the same', async (t) => {
  const made = await run(
    'trusted-root',
    'create',
    '--certificate-chain',
    place('first.pem'),
    '--fulcio-uri',
    'https://ca.example',
    '--rekor-key',
    `${place('ed25519.pub')},foo`,
    '--rekor-url',
    'https://log.example',
    '--timestamp-certificate-chain',
    place('tsa.pem'),
    '--timestamp-uri',
    'https://tsa.example',
  )
  t.equal(made.status, 0, made.err)
  t.match(parseTrustedRoot(made.out), {
    tlogs: [{ logId: Buffer.from(asNote, 'base64'), validFor: { start: new Date(0) } }],
    certificateAuthorities: [{ uri: 'https://ca.example' }],
    timestampAuthorities: [{ uri: 'https://tsa.example' }],
  })
  const both = await run('trusted-root', 'create', '--rekor', log('p384.pub'), '--rekor-url', 'x')
  t.match(both, { status: 1, err: /cannot use --rekor and old rekor flags/ })
})

t.test('what would not be trusted as it was meant is refused, and nothing is written', async (t) => {
  const file = place('never.json')
  const chain = `url=https://ca.example,certificate-chain=${place('second.pem')}`
  for (const [words, reason] of [
    [
      ['--fulcio', 'url=https://ca.example'],
      /parsing fulcio spec: missing or empty required key 'certificate-chain'/,
    ],
    [['--rekor', 'url'], /parsing rekor spec: invalid key-value pair/],
    [['--rekor', `url=x,public-key=${place('p384.pub')}`], /required key 'start-time' in tlog spec/],
    [['--rekor', log('second.pem')], /is no public key in PEM/],
    [['--fulcio', `${chain},end-tmie=2025-01-01T00:00:00Z`], /unknown key "end-tmie"/],
    [['--fulcio', `${chain},${start},end-time=2023-01-01T00:00:00Z`], /end-time is before start-time/],
    [['--fulcio', `${chain},start-time=2024-01-01`], /start-time is not an RFC 3339 time/],
    [
      ['--fulcio', `url=https://ca.example,certificate-chain=${place('p384.pub')}`],
      /"PUBLIC KEY", where a certificate/,
    ],
    [['--tsa', chain], /first certificate in chain must be a leaf certificate/],
    [['--rekor', log('p384.pub'), '--rekor', log('p384.pub')], /names the log [0-9a-f]{64} twice/],
  ] as const) {
    const refused = await run('trusted-root', 'create', ...words, '--out', file)
    t.match(refused, { status: 1, out: '', err: reason }, words.join(' '))
  }
  t.throws(() => readFileSync(file), { code: 'ENOENT' })
})

t.test('a signing config lists services in the order in which they are named', async (t) => {
  const service = (host: string, more = ''): string =>
    `url=https://${host},api-version=1,${start},operator=me${more}`
  const create = (...words: readonly string[]) => run('signing-config', 'create', ...words)
  const base = place('base.json')
  const made = await create(
    '--fulcio',
    service('ca'),
    '--rekor',
    service('old'),
    '--rekor',
    service('new'),
    '--rekor-config',
    'any',
    '--oidc-provider',
    service('issuer'),
    '--tsa',
    service('tsa'),
    '--tsa-config',
    'EXACT:2',
    '--out',
    base,
  )
  t.equal(made.status, 0, made.err)
  const entry = (host: string) => ({
    url: `https://${host}`,
    majorApiVersion: 1,
    validFor: { start: '2024-01-01T00:00:00Z' },
    operator: 'me',
  })
  const whole = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [entry('ca')],
    oidcUrls: [entry('issuer')],
    rekorTlogUrls: [entry('old'), entry('new')],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [entry('tsa')],
    tsaConfig: { selector: 'EXACT', count: 2 },
  }
  t.same(JSON.parse(readFileSync(base, 'utf8')), whole)
  const from = async (...words: readonly string[]) =>
    JSON.parse((await create('--base-config', base, ...words)).out)
  t.same(await from('--fulcio', service('ca2')), { ...whole, caUrls: [entry('ca2')] })
  t.same(await from('--rekor-config', 'ALL'), { ...whole, rekorTlogConfig: { selector: 'ALL' } })
  const { tsaUrls: _, tsaConfig: __, ...unstamped } = whole
  t.same(await from('--no-default-tsa'), unstamped)

  for (const [words, reason] of [
    [['--rekor', service('log')], /--rekor-config must be provided when --rekor is specified/],
    [['--rekor', service('log'), '--rekor-config', 'EXACT'], /for example EXACT:2/],
    [['--rekor', service('log'), '--rekor-config', 'EXACT:0'], /for example EXACT:2/],
    [
      ['--fulcio', `url=https://ca,${start},operator=me`],
      /parsing fulcio spec: missing .* 'api-version' in service spec/,
    ],
    [['--fulcio', `url=https://ca,api-version=x,${start},operator=me`], /api-version is no number/],
    [['--with-default-rekor-v2'], /--with-default-services begins with/],
    [['--with-default-services'], /no stack is running/],
  ] as const)
    t.match(await create(...words), { status: 1, out: '', err: reason }, words.join(' '))
})

t.test('the services of the profile in use are the default ones, and nobody else’s', async (t) => {
  const config = place('trust_config.json')
  const signing = readFileSync(place('base.json'), 'utf8')
  writeFileSync(
    config,
    `{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","trustedRoot":${published},"signingConfig":${signing}}`,
  )
  t.equal((await run('init', '--yes', config)).status, 0)
  const extended = await run('trusted-root', 'create', '--with-default-services', '--ctfe', log('p384.pub'))
  t.equal(parseTrustedRoot(extended.out).ctlogs.length, root.ctlogs.length + 1)
  t.same(parseTrustedRoot(extended.out).certificateAuthorities, root.certificateAuthorities)
  const without = await run('trusted-root', 'create', '--with-default-services', '--no-default-tsa')
  t.same(parseTrustedRoot(without.out), { ...root, timestampAuthorities: [] })
  t.same(
    JSON.parse((await run('signing-config', 'create', '--with-default-services')).out),
    JSON.parse(signing),
  )
})
