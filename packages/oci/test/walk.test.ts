import t from 'tap'
import {
  copyTree,
  createLayout,
  createRegistryClient,
  digestOf,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  readPieces,
  walkManifests,
} from '../src/index.ts'
import { startFakeRegistry } from './fake-registry.ts'
import { pushBytes } from './images.ts'

t.test('of large manifests no more are held than suit a copy', async (t) => {
  const kinds = Array.from({ length: 20 }, (_, at) => digestOf(Buffer.from(String(at))))
  const common = { annotations: {}, subject: undefined, artifactType: undefined }
  const size = 4 << 20
  let count = 0
  const source: Parameters<typeof walkManifests>[0] = {
    readManifest(target) {
      count++
      const at = kinds.findIndex((digest) => digest === target)
      const manifests = kinds.map((digest) => ({ mediaType: mediaTypes.ociManifest, size, digest }))
      const config = { mediaType: mediaTypes.ociConfig, size: 2, digest: digestOf(Buffer.from('{}')) }
      return Promise.resolve({
        bytes: Buffer.alloc(0),
        size,
        digest: kinds[at] ?? digestOf(Buffer.from('root')),
        mediaType: mediaTypes.ociIndex,
        document:
          at < 0
            ? { kind: 'index', mediaType: mediaTypes.ociIndex, ...common, manifests }
            : { kind: 'manifest', mediaType: mediaTypes.ociManifest, ...common, config, layers: [] },
      })
    },
  }
  const walked: string[] = []
  await t.rejects(
    async () => {
      for await (const { digest } of walkManifests(source, 'v1')) walked.push(digest)
    },
    { code: 'too_large', message: /more than 67108864 bytes/ },
  )
  t.equal(count, 17)
})

t.test('a layer that one manifest has from elsewhere is copied for another that has it not', async (t) => {
  const fake = await startFakeRegistry(t)
  const repository = createRegistryClient({ route: 'direct' }).repository({
    registry: fake.host,
    repository: 'team/app',
  })
  const config = await pushBytes(repository, Buffer.from('{}'), mediaTypes.ociConfig)
  const layer = await pushBytes(repository, Buffer.from('a layer'), 'application/vnd.oci.image.layer.v1.tar')
  const away = { ...layer, urls: ['https://elsewhere.example/layer'] }
  const manifests = []
  for (const layers of [[layer], [away]]) {
    const bytes = encodeManifest({ config, layers })
    const { digest } = await repository.pushManifest(bytes, mediaTypes.ociManifest)
    manifests.push({ mediaType: mediaTypes.ociManifest, size: bytes.length, digest })
  }
  for (const entries of [manifests, manifests.toReversed()]) {
    await repository.pushManifest(encodeIndex(entries), mediaTypes.ociIndex, 'v1')
    const layout = await createLayout(t.testdir())
    await copyTree(repository, layout, 'v1')
    t.ok(await readPieces(layout.openBlob(layer), 100, 'it'))
  }
})
