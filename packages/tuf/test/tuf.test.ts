import { createHash, generateKeyPairSync } from 'node:crypto'
import { createSigner, encodePublicKeyPem, generateSigningKey, type Signer, utf8 } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  encodeMetadata,
  isSignedFor,
  type Lifetimes,
  nextRelease,
  nextRoot,
  openRepository,
  parseMetadata,
  type Release,
  type SeenVersions,
  type Target,
  TufError,
  type WantedRoot,
} from '../src/index.ts'
import { tufKey } from '../src/key.ts'
import { metadataLimitBytes } from '../src/metadata.ts'

const day = 86_400
const lifetimes: Lifetimes = { metadataSeconds: 365 * day, timestampSeconds: 7 * day }
const start = new Date('2026-01-01T00:00:00.500Z')
const after = (days: number) => new Date(start.getTime() + days * day * 1000)

const p256 = (): Signer => createSigner(generateSigningKey())
const [rootA, rootB, rootC, online, otherOnline] = Array.from({ length: 5 }, p256) as [
  Signer,
  Signer,
  Signer,
  Signer,
  Signer,
]
const wanted: WantedRoot = {
  rootSigners: [rootA],
  threshold: 1,
  onlineSigner: online,
  formerRootSigners: [],
}
const firstRoot = async (more: Partial<WantedRoot> = {}) => {
  const root = await nextRoot(undefined, { ...wanted, ...more }, lifetimes, start)
  if (root === undefined) throw new Error('no root')
  return root
}
const target = (name: string, text: string): Target => ({ name, content: utf8(text) })

async function release(options: {
  readonly current?: Release
  readonly targets?: readonly Target[]
  readonly days?: number
  readonly used?: { readonly targets: number; readonly snapshot: number }
  readonly root?: Awaited<ReturnType<typeof firstRoot>>
  readonly onlineSigner?: Signer
}) {
  return nextRelease({
    root: options.root ?? (await firstRoot()),
    current: options.current,
    targets: options.targets ?? [target('trusted_root.json', '{}')],
    onlineSigner: options.onlineSigner ?? online,
    lifetimes,
    now: after(options.days ?? 0),
    used: options.used ?? { targets: 0, snapshot: 0 },
  })
}

t.test(
  'a key has the ID that the specification gives it, and kinds that some client cannot read are refused',
  async (t) => {
    const pem = encodePublicKeyPem(rootA.publicKey)
    const form = `{"keytype":"ecdsa","keyval":{"public":"${pem}"},"scheme":"ecdsa-sha2-nistp256"}`
    t.equal(tufKey(rootA.publicKey).keyID, createHash('sha256').update(form).digest('hex'))
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex')
    t.match(tufKey(createSigner(privateKey).publicKey).toJSON(), {
      keytype: 'ed25519',
      keyval: { public: raw },
    })
    const p384 = createSigner(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)
    t.throws(() => tufKey(p384.publicKey), { name: 'TufError', code: 'unusable_key' })
  },
)

t.test(
  'a root stands until half of its life is over, and its follower is signed for clients that know it',
  async (t) => {
    const root = await firstRoot()
    t.equal(root.signed.version, 1)
    t.equal(root.signed.expires, '2027-01-01T00:00:00Z')
    t.equal(root.signed.consistentSnapshot, true)
    t.equal(await nextRoot(root, wanted, lifetimes, after(182)), undefined)
    const second = await nextRoot(root, wanted, lifetimes, after(183))
    t.equal(second?.signed.version, 2)
    t.ok(second && isSignedFor(root, 'root', second))
  },
)

t.test('keys of the root are replaced only with the signatures of those before them', async (t) => {
  const root = await firstRoot({ rootSigners: [rootA, rootB], threshold: 2 })
  const change = { ...wanted, rootSigners: [rootB, rootC], threshold: 2 }
  const next = (formerRootSigners: readonly Signer[]) =>
    nextRoot(root, { ...change, formerRootSigners }, lifetimes, after(1))
  await t.rejects(next([]), { code: 'not_enough_signatures', message: /clients would refuse/ })
  const second = await next([rootA])
  t.ok(second && isSignedFor(root, 'root', second) && isSignedFor(second, 'root', second))
  await t.rejects(firstRoot({ rootSigners: [rootA, rootA], threshold: 2 }), { code: 'not_enough_signatures' })
})

t.test('without root keys a root stays as it is, and none is made up', async (t) => {
  const withoutKeys = { ...wanted, rootSigners: undefined }
  const root = await firstRoot()
  t.equal(await nextRoot(root, withoutKeys, lifetimes, after(300)), undefined)
  await t.rejects(nextRoot(undefined, withoutKeys, lifetimes, start), { message: /no root key/ })
  await t.rejects(nextRoot(root, { ...withoutKeys, onlineSigner: otherOnline }, lifetimes, start), {
    code: 'not_enough_signatures',
    message: /another online key/,
  })
})

t.test('a release writes what it names before it names it, and nothing when nothing changed', async (t) => {
  const first = await release({})
  t.match(
    first?.files.map(({ path }) => path),
    [/^targets\/[0-9a-f]{64}\.trusted_root\.json$/, '1.targets.json', '1.snapshot.json', '1.timestamp.json'],
  )
  t.equal(await release({ current: first!.release }), undefined)
  const changed = await release({ current: first!.release, targets: [target('trusted_root.json', '{ }')] })
  t.match(
    changed?.files.slice(1).map(({ path }) => path),
    ['2.targets.json', '2.snapshot.json', '2.timestamp.json'],
  )
  const fewer = await release({ current: first!.release, targets: [] })
  t.equal(fewer?.release.targets.signed.version, 2, 'a target that is gone is a change too')
})

t.test('each document is renewed before it expires, the timestamp every day', async (t) => {
  const first = await release({})
  t.equal(await release({ current: first!.release, days: 0.9 }), undefined)
  const nextDay = await release({ current: first!.release, days: 1.1 })
  t.same(
    nextDay?.files.map(({ path }) => path),
    ['2.timestamp.json'],
  )
  t.equal(nextDay?.release.timestamp.signed.snapshotMeta.version, 1)
  const halfYear = await release({ current: nextDay!.release, days: 183 })
  t.match(
    halfYear?.files.slice(1).map(({ path }) => path),
    ['2.targets.json', '2.snapshot.json', '3.timestamp.json'],
  )
})

t.test('a number that an unfinished publication took is passed over', async (t) => {
  const first = await release({})
  const next = await release({
    current: first!.release,
    targets: [target('other', 'x')],
    used: { targets: 7, snapshot: 3 },
  })
  t.match(
    next?.files.slice(1).map(({ path }) => path),
    ['8.targets.json', '4.snapshot.json', '2.timestamp.json'],
  )
})

t.test('another online key signs everything anew, but only after the root names it', async (t) => {
  const first = await release({})
  await t.rejects(release({ current: first!.release, onlineSigner: otherOnline }), {
    code: 'foreign_online_key',
  })
  const root = await nextRoot(
    await firstRoot(),
    { ...wanted, onlineSigner: otherOnline },
    lifetimes,
    after(1),
  )
  const second = await release({ current: first!.release, root: root!, onlineSigner: otherOnline, days: 1 })
  t.match(second?.release, { targets: { signed: { version: 2 } }, timestamp: { signed: { version: 2 } } })
  t.ok(isSignedFor(root!, 'snapshot', second!.release.snapshot))
})

t.test('metadata larger than the strictest client takes is not published', async (t) => {
  const targets = Array.from({ length: 900 }, (_, index) => target(`rekor-${index}.pub`, 'x'))
  await t.rejects(release({ targets }), { code: 'too_large', message: /targets metadata/ })
})

t.test('what is written is read back, and anything else is refused in one way', async (t) => {
  const first = await release({})
  const bytes = encodeMetadata(first!.release.targets)
  t.ok(isSignedFor(await firstRoot(), 'targets', parseMetadata('targets', bytes)))
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(bytes.length - 1),
      fc.nat(255),
      (noise, at, byte) => {
        const altered = bytes.slice()
        altered[at] = byte
        for (const input of [noise, bytes.slice(0, at), altered]) {
          try {
            parseMetadata('targets', input)
          } catch (error) {
            if (!(error instanceof TufError && error.code === 'damaged')) throw error
          }
        }
      },
    ),
    { numRuns: 500, seed: 1 },
  )
  t.throws(() => parseMetadata('timestamp', new Uint8Array(metadataLimitBytes.timestamp + 1)), {
    code: 'damaged',
  })
  t.throws(() => parseMetadata('root', bytes), { code: 'damaged' })
})

/** A repository with one target under a root that followed another, and what a client then believes. */
async function repository(online2 = online) {
  const first = await firstRoot()
  const second = await nextRoot(first, { ...wanted, onlineSigner: online2 }, lifetimes, after(183))
  const root = second ?? first
  const made = await release({ root, days: 183, onlineSigner: online2 })
  const files = new Map<string, Uint8Array>([
    ['1.root.json', encodeMetadata(first)],
    ['2.root.json', encodeMetadata(root)],
    ...made!.files.map(({ path, bytes }) => [path.replace('1.timestamp', 'timestamp'), bytes] as const),
  ])
  return {
    files,
    open: (seen?: SeenVersions, days = 184, trusted = files.get('1.root.json')!) =>
      openRepository((path) => Promise.resolve(files.get(path)), trusted, seen, after(days)),
  }
}

t.test('a client follows the roots to the newest, and reads the targets that it vouches for', async (t) => {
  const { open, files } = await repository()
  const found = await open()
  t.match(found, { rootVersion: 2, seen: { timestamp: 1, snapshot: 1, targets: 1 } })
  t.same(Buffer.from(found.root), Buffer.from(files.get('2.root.json')!))
  t.same(Buffer.from((await found.readTarget('trusted_root.json'))!).toString(), '{}')
  t.equal(await found.readTarget('other.json'), undefined)
  t.equal(await found.readTarget('__proto__'), undefined)
})

t.test('a client believes nothing that is old, rolled back, altered, or signed by too few', async (t) => {
  const { open, files } = await repository()
  await t.rejects(open(undefined, 192), { code: 'expired', message: /the timestamp metadata expired/ })
  await t.rejects(open(undefined, 800), { code: 'expired', message: /the root metadata expired/ })
  await t.rejects(open({ timestamp: 2, snapshot: 1, targets: 1 }), { code: 'rolled_back' })
  await t.rejects(open({ timestamp: 1, snapshot: 1, targets: 9 }), { code: 'rolled_back' })

  const target = [...files.keys()].find((path) => path.startsWith('targets/')) ?? ''
  const found = await open()
  files.set(target, utf8('[]'))
  await t.rejects(found.readTarget('trusted_root.json'), { code: 'damaged' })
  files.delete(target)
  await t.rejects(found.readTarget('trusted_root.json'), { code: 'damaged', message: /has no targets/ })

  const others = await repository(otherOnline)
  for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
    const own = files.get(name)!
    files.set(name, others.files.get(name)!)
    await t.rejects(open(), { name: 'TufError' }, name)
    files.set(name, own)
  }
  const foreign = await firstRoot({ rootSigners: [rootC] })
  files.set('2.root.json', encodeMetadata(foreign))
  await t.rejects(open(), { code: 'not_enough_signatures', message: /root 2 is not signed/ })
  files.set('2.root.json', files.get('1.root.json')!)
  await t.rejects(open(), { code: 'damaged', message: /2\.root\.json is version 1/ })
})

t.test('after a new online key versions begin where it likes', async (t) => {
  const { open } = await repository(otherOnline)
  t.match(await open({ timestamp: 99, snapshot: 99, targets: 99 }), { seen: { timestamp: 1 } })
})
