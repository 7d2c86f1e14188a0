import { encodePublicKeyPem } from '@sigstack/crypto'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import type { Observed } from '../src/collection/collect.ts'
import { composeFiles } from '../src/publication/files.ts'
import { mergeTrust } from '../src/publication/merge.ts'
import { chain, ctKey, oldChain, otherKey, rekorKey } from './material.ts'

const publicUrls = {
  ca: 'https://ca.example.org',
  rekor: 'https://rekor.example.org',
  ct: 'https://ct.example.org',
  oidcIssuer: 'https://login.example.org/',
}
const observed: Observed = { chains: [{ certificates: chain }], rekorKeys: [rekorKey], ctKey }

function publish(published: TrustedRoot | undefined, seen: Observed, now: string, keysValidFrom?: Date) {
  const trust = mergeTrust(published, seen, {
    publicUrls,
    now: new Date(now),
    marginSeconds: 3600,
    ...(keysValidFrom && { keysValidFrom }),
  })
  const files = composeFiles(trust, { publicUrls, operator: 'example.org' }, seen.activeRekorKey)
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
  const seen: Observed = {
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
  t.equal(files.rekorKey.match(/BEGIN PUBLIC KEY/g)?.length, 2)
  t.equal(files.caCertificates.match(/BEGIN CERTIFICATE/g)?.length, 3)

  const later = publish(root, seen, '2026-05-01T12:00:00Z')
  t.same(later.root, root, 'the end does not move')
})

t.test(
  'a key that is prepared is published beside the one in use, and both stay without an end',
  async (t) => {
    const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
    const both: Observed = { chains: [{ certificates: chain }], rekorKeys: [rekorKey, otherKey], ctKey }
    const { root, files } = publish(first.root, both, '2026-04-01T12:00:00Z')
    t.same(
      root.tlogs.map(({ publicKey, validFor }) => ({ publicKey, validFor })),
      [
        { publicKey: rekorKey.spki, validFor: { start: new Date('2026-03-01T11:00:00Z') } },
        { publicKey: otherKey.spki, validFor: { start: new Date('2026-04-01T11:00:00Z') } },
      ],
    )
    t.equal(files.rekorKey, encodePublicKeyPem(otherKey) + encodePublicKeyPem(rekorKey), 'newest first')
    const asked = { ...both, activeRekorKey: rekorKey }
    t.equal(
      publish(first.root, asked, '2026-04-01T12:00:00Z').files.rekorKey,
      encodePublicKeyPem(rekorKey) + encodePublicKeyPem(otherKey),
      'the key that signs comes before the one that is prepared',
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
  const without: Observed = { ...observed, ctKey: undefined }
  const { root, files } = publish(undefined, without, '2026-03-01T12:00:00Z')
  t.same(root.ctlogs, [])
  t.match(JSON.parse(files.trustedRoot), { ctlogs: [] }, 'the empty list is written')
  t.equal(files.ctKey, '')
  const first = publish(undefined, observed, '2026-03-01T12:00:00Z')
  const later = publish(first.root, without, '2026-04-01T12:00:00Z').root
  t.match(later.ctlogs, [{ validFor: { end: new Date('2026-04-01T13:00:00Z') } }])
  t.equal(later.ctlogs.length, 1)
})
