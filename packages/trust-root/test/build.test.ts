import { readdirSync, readFileSync } from 'node:fs'
import { parsePublicKey } from '@sigstack/crypto'
import * as protobuf from '@sigstore/protobuf-specs'
import t from 'tap'
import {
  buildClientTrustConfig,
  buildSigningConfig,
  buildTrustedRoot,
  type CertificateAuthority,
  encodeTrustedRoot,
  parseClientTrustConfig,
  parseSigningConfig,
  parseTrustedRoot,
  type SigningConfig,
  type TrustedLog,
  type TrustToPublish,
} from '../src/index.ts'

const folder = new URL('./vectors/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')

const publicGood = parseTrustedRoot(read('trusted-roots/public-good.json'))

const logToTrust = ({ baseUrl, publicKey, validFor }: TrustedLog) => ({
  baseUrl,
  publicKey: parsePublicKey(publicKey),
  validFor,
})
const authorityToTrust = ({ subject, uri, chain, validFor }: CertificateAuthority) => {
  if (uri === undefined || validFor.start === undefined) throw new Error('not a vector for this')
  return { subject, uri, chain, validFor: { ...validFor, start: validFor.start } }
}

const trust: TrustToPublish = {
  tlogs: publicGood.tlogs.map(logToTrust),
  certificateAuthorities: publicGood.certificateAuthorities.map(authorityToTrust),
  ctlogs: publicGood.ctlogs.map(logToTrust),
  timestampAuthorities: publicGood.timestampAuthorities.map(authorityToTrust),
}

const config: SigningConfig = {
  caUrls: [
    {
      url: 'https://ca.example.org',
      majorApiVersion: 1,
      validFor: { start: new Date('2026-01-01T00:00:00Z') },
    },
  ],
  oidcUrls: [{ url: 'https://login.example.org', majorApiVersion: 1, operator: 'example.org' }],
  rekorTlogUrls: [
    {
      url: 'https://old.example.org',
      majorApiVersion: 1,
      validFor: { start: new Date('2025-01-01T00:00:00Z') },
    },
    {
      url: 'https://new.example.org',
      majorApiVersion: 1,
      validFor: { start: new Date('2026-01-01T00:00:00Z') },
    },
  ],
  tsaUrls: [],
  rekorTlogConfig: { selector: 'ANY' },
}

t.test('the public trusted root, taken apart and built again, is the same trust', async (t) => {
  const built = buildTrustedRoot(trust)
  t.same(parseTrustedRoot(built), publicGood)
  t.same(
    protobuf.TrustedRoot.toJSON(protobuf.TrustedRoot.fromJSON(JSON.parse(built))),
    protobuf.TrustedRoot.toJSON(
      protobuf.TrustedRoot.fromJSON(JSON.parse(read('trusted-roots/public-good.json'))),
    ),
  )
})

t.test('log IDs are computed as every published root has them', async (t) => {
  // The one root with an Ed25519 log whose ID is not the note key ID is an oddity of its origin.
  const names = readdirSync(new URL('trusted-roots/', folder)).filter(
    (name) => name.endsWith('.json') && !/certificate_authority|badtype|local_tlog/.test(name),
  )
  for (const name of names) {
    const root = parseTrustedRoot(read(`trusted-roots/${name}`))
    const known = ({ keyDetails }: TrustedLog) => keyDetails.startsWith('PKIX_')
    const again = parseTrustedRoot(
      buildTrustedRoot({
        tlogs: root.tlogs.filter(known).map(logToTrust),
        ctlogs: root.ctlogs.filter(known).map(logToTrust),
        certificateAuthorities: [],
        timestampAuthorities: [],
      }),
    )
    const ids = (logs: readonly TrustedLog[]) =>
      logs
        .filter(known)
        .map(({ logId }) => Buffer.from(logId).toString('hex'))
        .sort()
    t.same(ids(again.tlogs), ids(root.tlogs), name)
    t.same(ids(again.ctlogs), ids(root.ctlogs), name)
  }
})

t.test('the same trust is the same bytes, in whatever order it was collected', async (t) => {
  const reversed: TrustToPublish = {
    tlogs: trust.tlogs.toReversed(),
    certificateAuthorities: trust.certificateAuthorities.toReversed(),
    ctlogs: trust.ctlogs.toReversed(),
    timestampAuthorities: trust.timestampAuthorities,
  }
  t.equal(buildTrustedRoot(reversed), buildTrustedRoot(trust))
  t.match(
    buildTrustedRoot(trust),
    /^\{\n {2}"mediaType": "application\/vnd.dev.sigstore.trustedroot\+json;version=0.1",\n/,
  )
})

t.test('nothing that older strict readers refuse is written', async (t) => {
  t.notMatch(buildTrustedRoot(trust), /operator|checkpointKeyId|null/)
})

t.test('the subject is the one of the issuing certificate when none is given', async (t) => {
  const [, authority] = trust.certificateAuthorities
  if (authority === undefined) throw new Error('no vector')
  const { uri, chain, validFor } = authority
  const built = parseTrustedRoot(
    buildTrustedRoot({
      tlogs: [],
      ctlogs: [],
      timestampAuthorities: [],
      certificateAuthorities: [{ uri, chain, validFor }],
    }),
  )
  t.same(built.certificateAuthorities[0]?.subject, {
    organization: 'sigstore.dev',
    commonName: 'sigstore-intermediate',
  })
})

t.test('a chain that does not hang together is refused', async (t) => {
  const [, authority] = trust.certificateAuthorities
  if (authority === undefined) throw new Error('no vector')
  const build = (chain: readonly Uint8Array[]) => () =>
    buildTrustedRoot({ ...trust, certificateAuthorities: [{ ...authority, chain }] })
  t.throws(build([]), { code: 'bad_chain', message: /empty/ })
  t.throws(build(authority.chain.slice(0, 1)), { code: 'bad_chain', message: /self-signed/ })
  t.throws(build(authority.chain.toReversed()), { code: 'bad_chain', message: /issued by the next/ })
  t.doesNotThrow(build(authority.chain))
})

t.test('a signing config is read by others and by ourselves, newest service first', async (t) => {
  const built = buildSigningConfig(config)
  const again = protobuf.SigningConfig.fromJSON(JSON.parse(built))
  t.equal(again.mediaType, 'application/vnd.dev.sigstore.signingconfig.v0.2+json')
  t.equal(again.rekorTlogConfig?.selector, protobuf.ServiceSelector.ANY)
  t.same(
    again.rekorTlogUrls.map(({ url }) => url),
    ['https://new.example.org', 'https://old.example.org'],
  )
  t.same(parseSigningConfig(built), { ...config, rekorTlogUrls: config.rekorTlogUrls.toReversed() })
  t.equal(buildSigningConfig(parseSigningConfig(built)), built)
  t.notMatch(built, 'tsaConfig')
})

t.test('every published signing config survives being built again', async (t) => {
  for (const name of readdirSync(new URL('signing-configs/', folder))) {
    if (name === 'public-good.signing_config.json') continue
    const parsed = parseSigningConfig(read(`signing-configs/${name}`))
    const built = buildSigningConfig(parsed)
    t.equal(buildSigningConfig(parseSigningConfig(built)), built, name)
  }
})

t.test('the client trust config is the two files in one', async (t) => {
  const built = buildClientTrustConfig(trust, config)
  const parsed = parseClientTrustConfig(built)
  t.same(parsed.trustedRoot, publicGood)
  t.same(parsed.signingConfig, parseSigningConfig(buildSigningConfig(config)))
  const other = protobuf.ClientTrustConfig.fromJSON(JSON.parse(built))
  t.equal(other.trustedRoot?.tlogs.length, 2)
  t.equal(other.signingConfig?.caUrls[0]?.url, 'https://ca.example.org')
  t.same(other, protobuf.ClientTrustConfig.fromJSON(protobuf.ClientTrustConfig.toJSON(other)))
  const members = (text: string): unknown => JSON.parse(text)
  t.same(members(built), {
    mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
    trustedRoot: members(buildTrustedRoot(trust)),
    signingConfig: members(buildSigningConfig(config)),
  })
})

t.test('a trusted root that was read is written as it was', (t) => {
  for (const name of readdirSync(new URL('trusted-roots/', folder))) {
    let root: ReturnType<typeof parseTrustedRoot>
    try {
      root = parseTrustedRoot(read(`trusted-roots/${name}`))
    } catch {
      continue
    }
    t.same(parseTrustedRoot(encodeTrustedRoot(root)), root, name)
  }
  t.same(JSON.parse(encodeTrustedRoot(publicGood)), JSON.parse(read('trusted-roots/public-good.json')))
  t.end()
})
