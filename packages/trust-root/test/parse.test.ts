import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import t from 'tap'
import { TrustRootError } from '../src/errors.ts'
import { parseClientTrustConfig, parseSigningConfig, parseTrustedRoot } from '../src/index.ts'

const folder = new URL('./vectors/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const filesOf = (name: string) => readdirSync(new URL(name, folder)).map((file) => `${name}/${file}`)

t.test('published trusted roots are read, and those that must fail are refused', async (t) => {
  const roots = [...filesOf('trusted-roots'), ...filesOf('conformance')].filter(
    (name) => name.endsWith('.json') && !name.includes('certificate_authority'),
  )
  t.equal(roots.length, 18)
  for (const name of roots) {
    const parse = () => parseTrustedRoot(read(name))
    if (name.includes('badtype')) t.throws(parse, { code: 'wrong_media_type' }, name)
    else if (name.includes('_fail')) t.throws(parse, { code: 'missing_validity_start' }, name)
    else t.doesNotThrow(parse, name)
  }
  for (const line of read('trusted-roots/github-and-public.trusted_root.jsonl').split('\n').filter(Boolean)) {
    t.doesNotThrow(() => parseTrustedRoot(line))
  }
})

t.test('what is read is what the file says', async (t) => {
  const root = parseTrustedRoot(read('trusted-roots/public-good.json'))
  t.same(
    root.tlogs.map(({ baseUrl, keyDetails, validFor }) => ({ baseUrl, keyDetails, validFor })),
    [
      {
        baseUrl: 'https://rekor.sigstore.dev',
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        validFor: { start: new Date('2021-01-12T11:53:27Z') },
      },
      {
        baseUrl: 'https://log2025-1.rekor.sigstore.dev',
        keyDetails: 'PKIX_ED25519',
        validFor: { start: new Date('2025-09-23T00:00:00Z') },
      },
    ],
  )
  t.equal(root.certificateAuthorities[0]?.subject.commonName, 'sigstore')
  t.same(root.certificateAuthorities[0]?.validFor.end, new Date('2022-12-31T23:59:59.999Z'))
  t.equal(root.certificateAuthorities[1]?.chain.length, 2)
  t.ok(root.ctlogs.every(({ logId }) => logId.length === 32))
})

t.test('a certificate authority may lack its root but not every certificate', async (t) => {
  const authority = (name: string) => {
    const text = read(`trusted-roots/sigstore-python-certificate_authority${name}.json`)
    const mediaType = 'application/vnd.dev.sigstore.trustedroot+json;version=0.1'
    const root = { mediaType, certificateAuthorities: [JSON.parse(text)] }
    return parseTrustedRoot(JSON.stringify(root)).certificateAuthorities[0]
  }
  t.equal(authority('')?.chain.length, 3)
  t.doesNotThrow(() => authority('.missingroot'))
  t.throws(() => authority('.empty'), { code: 'bad_chain' })
})

t.test('signing configs of v0.2 are read and v0.1 is called by its media type', async (t) => {
  for (const name of filesOf('signing-configs')) {
    const parse = () => parseSigningConfig(read(name))
    if (name.endsWith('public-good.signing_config.json')) t.throws(parse, { code: 'wrong_media_type' })
    else t.doesNotThrow(parse, name)
  }
  const config = parseSigningConfig(read('signing-configs/sigstore-python-signingconfig.v2.json'))
  t.same(config.rekorTlogUrls[1], {
    url: 'https://rekor-v2.example.com',
    majorApiVersion: 2,
    validFor: { start: new Date('2021-01-12T11:53:27Z') },
    operator: 'example.com',
  })
  t.same(config.tsaConfig, { selector: 'ANY' })
})

t.test('client trust configs are read, an unknown type is refused', async (t) => {
  t.doesNotThrow(() => parseClientTrustConfig(read('client-trust-configs/config.v1.json')))
  t.doesNotThrow(() => parseClientTrustConfig(read('client-trust-configs/tsa.trust_config.json')))
  t.throws(() => parseClientTrustConfig(read('client-trust-configs/config.badtype.json')), {
    code: 'wrong_media_type',
  })
})

t.test('mistakes seen in the field are refused by the name of the member', async (t) => {
  const good = read('trusted-roots/sigstore-go-scaffolding.json')
  const key = /"rawBytes": "MFkw[^"]*"/
  const pem = Buffer.from('-----BEGIN PUBLIC KEY-----').toString('base64')
  const mistakes: readonly [what: string, text: string, error: object][] = [
    [
      'PEM in rawBytes',
      good.replace(key, `"rawBytes": "${pem}"`),
      { code: 'bad_member', message: /tlogs\[0\]/ },
    ],
    ['another kind of key', good.replace('PKIX_ECDSA_P256_SHA_256', 'PKIX_ED25519'), { message: /P-256/ }],
    ['an unheard-of kind', good.replace('PKIX_ECDSA_P256_SHA_256', 'PKIX_ROT13'), { code: 'bad_member' }],
    ['checkpointKeyId only', good.replace('"logId"', '"checkpointKeyId"'), { message: /logId is missing/ }],
    ['a short log ID', good.replace(/"keyId": "[^"]*"/, '"keyId": "AAAA"'), { message: /32 bytes/ }],
    [
      'an unknown member',
      good.replace('"baseUrl"', '"baseURL"'),
      { code: 'unknown_member', message: /baseURL/ },
    ],
    ['another hash', good.replace('SHA2_256', 'SHA2_512'), { code: 'bad_member' }],
    ['no such time', good.replace('2024-07-12T', '2024-13-12T'), { code: 'bad_member' }],
    ['a time without zone', good.replace(/(?<="start": "[^"]*)Z"/, '"'), { code: 'bad_member' }],
    ['a repeated member', good.replace('"mediaType"', '"tlogs": [], "mediaType"'), { code: 'not_json' }],
    ['text after the end', `${good} {}`, { code: 'not_json' }],
    ['too much', good + ' '.repeat(1 << 20), { code: 'too_large' }],
  ]
  for (const [what, text, error] of mistakes) {
    t.not(text, good, what)
    t.throws(() => parseTrustedRoot(text), { name: 'TrustRootError', ...error }, what)
  }
  t.doesNotThrow(() => parseTrustedRoot(good.replace('"validFor": {', '"validFor": {"end": null,')))
})

t.test('arbitrary JSON and arbitrary text are refused with our error only', async (t) => {
  const parsers = [parseTrustedRoot, parseSigningConfig, parseClientTrustConfig]
  const refusesOrReads = (text: string) => {
    for (const parse of parsers) {
      try {
        parse(text)
      } catch (error) {
        if (!(error instanceof TrustRootError)) throw error
      }
    }
  }
  fc.assert(fc.property(fc.string(), refusesOrReads), { seed: 7 })
  fc.assert(fc.property(fc.json(), refusesOrReads), { seed: 7 })
  const good = read('trusted-roots/public-good.json')
  fc.assert(
    fc.property(fc.nat(good.length), fc.nat(8), fc.string({ maxLength: 4 }), (at, length, other) =>
      refusesOrReads(good.slice(0, at) + other + good.slice(at + length)),
    ),
    { seed: 7, numRuns: 300 },
  )
  t.pass()
})
