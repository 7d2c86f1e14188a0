import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  type Descriptor,
  digestOf,
  encodeIndex,
  encodeManifest,
  isPlatform,
  mediaTypes,
  parseDocument,
  parseIndex,
  parseManifest,
  parsePlatform,
  parseReferrers,
  platformText,
} from '../src/index.ts'

const hex = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const descriptor = (members: object = {}): object => ({
  mediaType: 'application/x',
  size: 2,
  digest: `sha256:${hex}`,
  ...members,
})
const manifest = (members: object = {}): Uint8Array =>
  json({ schemaVersion: 2, config: descriptor(), layers: [descriptor()], ...members })
const index = (members: object = {}): Uint8Array =>
  json({ schemaVersion: 2, manifests: [descriptor()], ...members })

t.test('manifests of real registries are read, with what they leave out', async (t) => {
  const dockers = parseManifest(
    manifest({ mediaType: mediaTypes.dockerManifest, layers: null, annotations: null }),
    `${mediaTypes.dockerManifest}; charset=utf-8`,
  )
  t.same(dockers.layers, [])
  t.equal(dockers.mediaType, mediaTypes.dockerManifest)
  t.equal(parseManifest(manifest(), 'text/plain').mediaType, mediaTypes.ociManifest)
  t.equal(parseIndex(index(), 'application/json').mediaType, mediaTypes.ociIndex)
  t.equal(parseIndex(index(), mediaTypes.dockerList).mediaType, mediaTypes.dockerList)
  t.same(parseIndex(index({ manifests: null })).manifests, [])
  const whole = parseManifest(
    manifest({
      unknown: { member: 1 },
      subject: descriptor({
        platform: { os: 'linux', architecture: 'arm', variant: 'v7', 'os.features': [] },
      }),
      artifactType: 'application/a',
      annotations: { a: 'b' },
    }),
  )
  t.same(whole.subject?.platform, { os: 'linux', architecture: 'arm', variant: 'v7' })
  t.equal(whole.artifactType, 'application/a')
  t.same(whole.annotations, { a: 'b' })
})

t.test('what two readers may take for two things is refused', async (t) => {
  const refused: readonly (readonly [string, Uint8Array, string?])[] = [
    ['an index with layers', index({ layers: [] })],
    ['an index with a config', index({ config: descriptor() })],
    ['a manifest with manifests', manifest({ manifests: [] }), mediaTypes.ociManifest],
    [
      'another type than the registry says',
      manifest({ mediaType: mediaTypes.ociManifest }),
      mediaTypes.ociIndex,
    ],
    ['a type that is not read', manifest({ mediaType: 'application/vnd.oci.artifact.manifest.v1+json' })],
    ['schema 1', json({ schemaVersion: 1, fsLayers: [] })],
    ['no schema', json({ config: descriptor(), layers: [] })],
    ['no config', json({ schemaVersion: 2, layers: [] })],
    ['no layers', json({ schemaVersion: 2, config: descriptor() })],
    ['an unknown digest', manifest({ config: descriptor({ digest: 'md5:00' }) })],
    ['no digest', manifest({ config: { size: 2 } })],
    ['a size below zero', manifest({ config: descriptor({ size: -1 }) })],
    ['a size that is none', manifest({ config: descriptor({ size: '2' }) })],
    ['a size that loses digits', manifest({ config: descriptor({ size: 2 ** 53 }) })],
    ['layers that are no list', manifest({ layers: { length: 3 } })],
    ['1001 layers', manifest({ layers: Array.from({ length: 1001 }, () => descriptor()) })],
    ['annotations that are no texts', manifest({ annotations: { a: 1 } })],
    ['a name twice', Buffer.from('{"schemaVersion":2,"layers":[],"layers":[],"config":{}}')],
    ['layers in other letters', manifest({ Layers: [] })],
    ['layers with another letter for s', manifest({ 'layer\u017f': [] })],
    ['manifests in other letters', manifest({ MANIFESTS: [] })],
    ['a digest in other letters', manifest({ config: descriptor({ Digest: `sha256:${'0'.repeat(64)}` }) })],
    ['no JSON', Buffer.from('<html>')],
    ['a list', json([])],
    ['nothing', Buffer.alloc(0)],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ]
  for (const [name, bytes, type] of refused)
    t.throws(() => parseDocument(bytes, type), { name: 'OciError', code: 'bad_document' }, name)
  t.throws(() => parseManifest(index()), { message: /is an index/ })
  t.throws(() => parseIndex(manifest()), { message: /is an image manifest/ })
})

t.test('a list of referrers may lack what an index has', async (t) => {
  t.same(parseReferrers(json({ manifests: [] })), [])
  const [entry] = parseReferrers(
    json({ manifests: [descriptor({ artifactType: 'a/b', annotations: { k: 'v' } })] }),
  )
  t.equal(entry?.artifactType, 'a/b')
  t.throws(() => parseReferrers(json({})), { code: 'bad_document' })
  t.throws(() => parseReferrers(json({ manifests: [{}] })), { message: /manifests\[0\]/ })
})

t.test('manifests are written as Go writes them: order, escapes, nothing that is empty', async (t) => {
  const config = {
    mediaType: mediaTypes.empty,
    size: 2,
    digest: digestOf(Buffer.from('{}')),
    artifactType: 'a/b',
  }
  const text = Buffer.from(
    encodeManifest({
      config,
      layers: [{ mediaType: 'a/b', size: 1, digest: config.digest, annotations: {} }],
      annotations: { é: '1', b: '<&>\u2028', a: 'ü' },
      subject: { digest: config.digest, size: 3, mediaType: mediaTypes.ociManifest },
      artifactType: 'a/b',
    }),
  ).toString()
  const digest = `"digest":"sha256:${hex}"`
  t.equal(
    text,
    `{"schemaVersion":2,"mediaType":"${mediaTypes.ociManifest}",` +
      `"config":{"mediaType":"${mediaTypes.empty}","size":2,${digest},"artifactType":"a/b"},` +
      `"layers":[{"mediaType":"a/b","size":1,${digest}}],` +
      `"annotations":{"a":"ü","b":"\\u003c\\u0026\\u003e\\u2028","é":"1"},` +
      `"subject":{"mediaType":"${mediaTypes.ociManifest}","size":3,${digest}},"artifactType":"a/b"}`,
  )
})

t.test('what was written is read back', async (t) => {
  const texts = fc.dictionary(fc.string({ maxLength: 10 }), fc.string({ maxLength: 10 }), { maxKeys: 3 })
  const descriptors: fc.Arbitrary<Descriptor> = fc
    .record({
      mediaType: fc.string({ maxLength: 20 }),
      size: fc.nat(),
      annotations: texts,
      artifactType: fc.string(),
    })
    .map((members) => ({ ...members, digest: digestOf(Buffer.from(members.mediaType)) }))
  const bare = ({ mediaType, size, digest, artifactType, annotations }: Descriptor): unknown => [
    mediaType,
    size,
    digest,
    artifactType,
    { ...annotations },
  ]
  fc.assert(
    fc.property(fc.array(descriptors, { maxLength: 4 }), (manifests) => {
      const found = parseIndex(encodeIndex(manifests)).manifests
      return isDeepStrictEqual(found.map(bare), manifests.map(bare))
    }),
    { seed: 1 },
  )
  t.pass('so it is')
})

t.test('a platform without variant is wanted in each of its variants', async (t) => {
  const entry = (platform: Descriptor['platform']): Descriptor => ({
    mediaType: '',
    size: 0,
    digest: digestOf(Buffer.alloc(0)),
    ...(platform !== undefined && { platform }),
  })
  const arm = parsePlatform('linux/arm')
  t.ok(isPlatform(entry({ os: 'linux', architecture: 'arm', variant: 'v7' }), arm))
  t.notOk(
    isPlatform(entry({ os: 'linux', architecture: 'arm', variant: 'v7' }), parsePlatform('linux/arm/v6')),
  )
  t.notOk(isPlatform(entry({ os: 'linux', architecture: 'arm64' }), arm))
  t.notOk(isPlatform(entry(undefined), arm))
  t.equal(platformText(parsePlatform('linux/arm/v7')), 'linux/arm/v7')
  for (const text of ['linux', '/', 'linux/', 'linux/arm/', 'a/b/c/d', ''])
    t.throws(() => parsePlatform(text), { code: 'bad_reference' }, text)
})
