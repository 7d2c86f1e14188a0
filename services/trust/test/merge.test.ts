import { generateKeyPairSync } from 'node:crypto'
import { encodePublicKeyPem, keyFingerprint, type PublicKey, parsePublicKey } from '@sigstack/crypto'
import { parseSigningConfig, parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import type { ChainToTrust } from '../src/collection/chains-file.ts'
import type { Observed } from '../src/collection/collect.ts'
import { readConfig } from '../src/config.ts'
import { composeFiles, keysByName } from '../src/publication/files.ts'
import { mergeTrust } from '../src/publication/merge.ts'
import { composeTargets } from '../src/repository/targets.ts'
import { chain, ctKey, oldChain, otherKey, rekorKey, stampChain } from './material.ts'

const config = readConfig({
  PUBLIC_CA_URL: 'https://ca.example.org',
  PUBLIC_REKOR_URL: 'https://rekor.example.org',
  PUBLIC_CT_URL: 'https://ct.example.org',
  PUBLIC_OIDC_ISSUER: 'https://login.example.org/',
  TRUST_OPERATOR: 'example.org',
})

type Seen = {
  readonly chains: readonly ChainToTrust[]
  readonly rekorKeys: readonly PublicKey[]
  readonly activeRekorKey?: PublicKey
  readonly ctKey: PublicKey | undefined
}

const observed: Seen = { chains: [{ certificates: chain }], rekorKeys: [rekorKey], ctKey }

const ctUrl = 'https://ct.example.org'

function observedOf({ chains, rekorKeys, activeRekorKey, ctKey }: Seen): readonly Observed[] {
  return [
    { kind: 'ca', url: 'https://ca.example.org', chains, logs: [] },
    {
      kind: 'rekor',
      url: 'https://rekor.example.org',
      chains: [],
      logs: rekorKeys.map((publicKey) => ({ url: 'https://rekor.example.org', publicKey })),
      ...(activeRekorKey && { activeKey: activeRekorKey }),
    },
    ...(ctKey === undefined
      ? []
      : [{ kind: 'ct' as const, url: ctUrl, chains: [], logs: [{ url: ctUrl, publicKey: ctKey }] }]),
  ]
}

function publish(published: TrustedRoot | undefined, seen: Seen, now: string, keysValidFrom?: Date) {
  const all = observedOf(seen)
  const trust = mergeTrust(published, all, {
    now: new Date(now),
    marginSeconds: 3600,
    ...(keysValidFrom && { keysValidFrom }),
  })
  const files = composeFiles(trust, config, all)
  return { files, root: parseTrustedRoot(files.trustedRoot) }
}

t.test('a key seen for the first time is valid from a margin before', async (t) => {
  const { root } = publish(undefined, observed, '2026-03-01T12:00:00.123Z')
  const start = new Date('2026-03-01T11:00:00Z')
  t.same(
    [...root.tlogs, ...root.ctlogs, ...root.certificateAuthorities].map(({ validFor }) => validFor),
    [{ start }, { start }, { start }],
  )
  t.equal(root.tlogs[0]?.baseUrl, 'https://rekor.example.org')
  t.equal(root.certificateAuthorities[0]?.uri, 'https://ca.example.org')
})

t.test('the operator may say since when new keys are valid', async (t) => {
  const start = new Date('2025-01-01T00:00:00Z')
  t.same(publish(undefined, observed, '2026-03-01T12:00:00Z', start).root.tlogs[0]?.validFor, { start })
})

t.test('the same keys are the same files, however much later', async (t) => {
  const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
  t.same(publish(first.root, observed, '2027-03-01T12:00:00Z').files, first.files)
})

t.test('a new key leaves the old one listed, with an end', async (t) => {
  const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
  const seen: Seen = {
    chains: [{ certificates: chain }, { certificates: oldChain }],
    rekorKeys: [otherKey],
    ctKey,
  }
  const { root, files } = publish(first.root, seen, '2026-04-01T12:00:00Z')
  t.same(
    root.tlogs.map(({ publicKey, validFor }) => ({ publicKey, validFor })),
    [
      {
        publicKey: rekorKey.spki,
        validFor: { start: new Date('2026-03-01T11:00:00Z'), end: new Date('2026-04-01T13:00:00Z') },
      },
      { publicKey: otherKey.spki, validFor: { start: new Date('2026-04-01T11:00:00Z') } },
    ],
  )
  t.equal(root.certificateAuthorities.length, 2, 'several chains may be current')
  t.ok(root.certificateAuthorities.every(({ validFor }) => validFor.end === undefined))
  t.equal(files.rekorKey, encodePublicKeyPem(otherKey), 'one key a file')
  t.equal(keysByName(root).size, 3, 'and every key under a name of its own')
  t.equal(files.caCertificates.match(/BEGIN CERTIFICATE/g)?.length, 3)

  const later = publish(root, seen, '2026-05-01T12:00:00Z')
  t.same(later.root, root, 'the end does not move')
})

t.test(
  'a key that is prepared is published beside the one in use, and both stay without an end',
  async (t) => {
    const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
    const both: Seen = { chains: [{ certificates: chain }], rekorKeys: [rekorKey, otherKey], ctKey }
    const { root, files } = publish(first.root, both, '2026-04-01T12:00:00Z')
    t.same(
      root.tlogs.map(({ publicKey, validFor }) => ({ publicKey, validFor })),
      [
        { publicKey: rekorKey.spki, validFor: { start: new Date('2026-03-01T11:00:00Z') } },
        { publicKey: otherKey.spki, validFor: { start: new Date('2026-04-01T11:00:00Z') } },
      ],
    )
    t.equal(files.rekorKey, encodePublicKeyPem(otherKey), 'the newest')
    const asked = { ...both, activeRekorKey: rekorKey }
    t.equal(
      publish(first.root, asked, '2026-04-01T12:00:00Z').files.rekorKey,
      encodePublicKeyPem(rekorKey),
      'the key that signs, not the one that is prepared',
    )
    t.same(publish(root, both, '2026-05-01T12:00:00Z').files, files)
  },
)

t.test('a key that comes back loses its end', async (t) => {
  const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
  const other = publish(
    first.root,
    { chains: [{ certificates: oldChain }], rekorKeys: [otherKey], ctKey: otherKey },
    '2026-03-01T12:01:00Z',
  )
  t.same(
    other.root.certificateAuthorities.map(({ validFor }) => validFor.end !== undefined),
    [true, false],
  )
  const { root } = publish(other.root, observed, '2026-03-01T12:02:00Z')
  const current = root.tlogs.find(({ validFor }) => validFor.end === undefined)
  t.same(current?.publicKey, rekorKey.spki)
  t.same(current?.validFor.start, new Date('2026-03-01T11:00:00Z'))
  t.equal(root.tlogs.length, 2)
  t.equal(root.certificateAuthorities.length, 2)
})

t.test('the signing config names the public URLs and no timestamp authority', async (t) => {
  const { files } = publish(undefined, observed, '2026-03-01T12:00:00Z')
  const service = (url: string) => [
    { url, majorApiVersion: 1, validFor: { start: '2026-03-01T11:00:00Z' }, operator: 'example.org' },
  ]
  t.same(JSON.parse(files.signingConfig), {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: service('https://ca.example.org'),
    oidcUrls: service('https://login.example.org/'),
    rekorTlogUrls: service('https://rekor.example.org'),
    tsaUrls: [],
    rekorTlogConfig: { selector: 'ANY' },
  })
})

t.test('without a CT log the trusted root lists none, and one that was there gets an end', async (t) => {
  const without: Seen = { ...observed, ctKey: undefined }
  const { root, files } = publish(undefined, without, '2026-03-01T12:00:00Z')
  t.same(root.ctlogs, [])
  t.match(JSON.parse(files.trustedRoot), { ctlogs: [] }, 'the empty list is written')
  t.equal(files.ctKey, '')
  const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
  const later = publish(first.root, without, '2026-04-01T12:00:00Z').root
  t.match(later.ctlogs, [{ validFor: { end: new Date('2026-04-01T13:00:00Z') } }])
  t.equal(later.ctlogs.length, 1)
})

t.test('several services of one kind are listed, each with its own URL', async (t) => {
  const second = {
    kind: 'rekor',
    apiVersion: 1,
    url: 'https://second.example.org',
    keys: { url: '' },
  } as const
  const all = [
    ...observedOf(observed),
    {
      kind: 'rekor' as const,
      url: second.url,
      chains: [],
      logs: [{ url: second.url, publicKey: otherKey }],
      activeKey: otherKey,
    },
  ]
  const trust = mergeTrust(undefined, all, { now: new Date('2026-03-01T12:00:00Z'), marginSeconds: 3600 })
  t.same(
    trust.tlogs.map(({ baseUrl, publicKey }) => [baseUrl, publicKey]),
    [
      ['https://rekor.example.org', rekorKey],
      ['https://second.example.org', otherKey],
    ],
  )
  const files = composeFiles(trust, { ...config, services: [...config.services, second] }, all)
  t.match(JSON.parse(files.signingConfig), {
    rekorTlogUrls: [{ url: 'https://rekor.example.org' }, { url: 'https://second.example.org' }],
  })
})

t.test('a Rekor v2 log is trusted, and clients are sent there where that is said', async (t) => {
  const url = 'https://log2026-1.rekor.example.org'
  const v2Key = parsePublicKey(
    generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }),
  )
  const read = (more: Readonly<Record<string, string>>) =>
    readConfig({
      PUBLIC_CA_URL: 'https://ca.example.org',
      PUBLIC_REKOR_URL: 'https://rekor.example.org',
      PUBLIC_REKOR_V2_URL: `${url}/`,
      PUBLIC_CT_URL: 'https://ct.example.org',
      PUBLIC_TSA_URL: 'https://tsa.example.org',
      PUBLIC_OIDC_ISSUER: 'https://login.example.org/',
      ...more,
    })
  const all: readonly Observed[] = [
    ...observedOf(observed),
    { kind: 'rekorV2', url, chains: [], logs: [{ url, publicKey: v2Key }] },
  ]
  const trust = mergeTrust(undefined, all, { now: new Date('2026-03-01T12:00:00Z'), marginSeconds: 3600 })
  const logsOf = (text: string) =>
    parseSigningConfig(text).rekorTlogUrls.map((log) => [log.majorApiVersion, log.url])
  const v1 = [1, 'https://rekor.example.org']
  const files = composeFiles(trust, read({}), all)
  t.same(logsOf(files.signingConfig), [v1])
  t.same(logsOf(files.signingConfigV2), [[2, url], v1])
  t.same(logsOf(composeFiles(trust, read({ TRUST_SIGNING_LOG: 'v2' }), all).signingConfig), [[2, url], v1])
  t.same(
    logsOf(composeFiles(trust, config, observedOf(observed)).signingConfigV2),
    [v1],
    'without such a log',
  )

  const alone = { TRUST_SIGNING_LOG: 'v2', PUBLIC_REKOR_V2_URL: 'none', PUBLIC_TSA_URL: 'none' }
  t.throws(() => read(alone), /needs PUBLIC_REKOR_V2_URL and PUBLIC_TSA_URL/)

  const root = parseTrustedRoot(files.trustedRoot)
  const listed = root.tlogs.find(({ baseUrl }) => baseUrl === url)
  t.same(listed?.publicKey, v2Key.spki)
  t.notSame(listed?.logId, keyFingerprint(v2Key), 'its name is part of the ID')
  t.equal(files.rekorKey, encodePublicKeyPem(rekorKey), 'what knows keys by files knows v1 alone')
  const pems = composeTargets(root, files).map(({ content }) => Buffer.from(content).toString())
  t.ok(pems.includes(encodePublicKeyPem(rekorKey)))
  t.notOk(pems.includes(encodePublicKeyPem(v2Key)))
})

t.test('a timestamp authority is listed, and a renewed one beside it under a name of its own', async (t) => {
  const url = 'https://tsa.example.org/api/v1/timestamp'
  const withTsa = readConfig({
    PUBLIC_CA_URL: 'https://ca.example.org',
    PUBLIC_REKOR_URL: 'https://rekor.example.org',
    PUBLIC_CT_URL: 'https://ct.example.org',
    PUBLIC_TSA_URL: 'https://tsa.example.org/',
    PUBLIC_OIDC_ISSUER: 'https://login.example.org/',
  })
  t.match(withTsa.services.at(-1), { kind: 'tsa', url, keys: { url: 'https://tsa.example.org' } })
  const publishWith = (
    published: TrustedRoot | undefined,
    now: string,
    ...chains: (readonly Uint8Array[])[]
  ) => {
    const stamps: Observed = {
      kind: 'tsa',
      url,
      chains: chains.map((certificates) => ({ certificates })),
      logs: [],
    }
    const all = [...observedOf(observed), stamps]
    const trust = mergeTrust(published, all, { now: new Date(now), marginSeconds: 3600 })
    const files = composeFiles(trust, withTsa, all)
    return { files, root: parseTrustedRoot(files.trustedRoot) }
  }
  const listed = ({ timestampAuthorities }: TrustedRoot) =>
    timestampAuthorities.map(({ uri, chain, validFor }) => [uri, chain, validFor.end !== undefined])

  const first = publishWith(undefined, '2026-03-01T12:00:00Z', stampChain)
  t.same(listed(first.root), [[url, stampChain, false]])
  t.same(
    parseSigningConfig(first.files.signingConfig).tsaUrls.map((each) => each.url),
    [url],
  )
  t.same(parseSigningConfig(first.files.signingConfig).tsaConfig, { selector: 'ANY' })
  t.equal(first.files.tsaCertificates.match(/BEGIN CERTIFICATE/g)?.length, stampChain.length)

  const prepared = publishWith(first.root, '2027-03-01T12:00:00Z', stampChain, oldChain)
  const [, [other] = []] = listed(prepared.root)
  t.match(other, new RegExp(`^${url.replaceAll('.', '[.]')}#[0-9a-f]{16}$`))
  t.same(
    listed(prepared.root),
    [
      [url, stampChain, false],
      [other, oldChain, false],
    ],
    'both, and no end',
  )
  t.equal(prepared.files.tsaCertificates, first.files.tsaCertificates)

  const turned = publishWith(prepared.root, '2027-03-02T12:00:00Z', oldChain, stampChain)
  t.same(listed(turned.root), listed(prepared.root), 'each keeps its name when the other stamps')
  const retired = publishWith(turned.root, '2027-03-03T12:00:00Z', oldChain)
  t.same(listed(retired.root), [
    [url, stampChain, true],
    [other, oldChain, false],
  ])

  const foreign = {
    ...first.root,
    timestampAuthorities: [
      { subject: {}, uri: 'https://tsa.example.com', chain: oldChain, validFor: { start: new Date(0) } },
    ],
  }
  t.same(
    listed(publishWith(foreign, '2027-03-01T12:00:00Z', stampChain).root),
    [
      ['https://tsa.example.com', oldChain, false],
      [url, stampChain, false],
    ],
    'those of others are the operator’s',
  )
})
