import t, { type Test } from 'tap'
import {
  createRegistryClient,
  type Digest,
  digestOf,
  mediaTypes,
  type RegistryOptions,
  type Repository,
} from '../src/index.ts'
import { missingRegistry, startDockerRegistry } from './docker-registry.ts'
import { startFakeRegistry } from './fake-registry.ts'
import { attachment, bundleType, pushBytes, pushImage } from './images.ts'

export function repositoryOf(
  registry: string,
  options: RegistryOptions = {},
  repository = 'team/app',
): Repository {
  return createRegistryClient({ route: 'direct', ...options }).repository({ registry, repository })
}

async function tagsOf(repository: Repository): Promise<readonly string[]> {
  const tags: string[] = []
  for await (const tag of repository.listTags()) tags.push(tag)
  return tags
}

const registries: Readonly<
  Record<
    string,
    { readonly skip: string | false; readonly start: (t: Test) => Promise<string>; readonly api: boolean }
  >
> = {
  'docker-registry 2.8': { skip: missingRegistry, start: (t) => startDockerRegistry(t), api: false },
  'a registry that lists referrers': {
    skip: false,
    start: async (t) => (await startFakeRegistry(t, { referrersApi: true, pageSize: 2 })).host,
    api: true,
  },
  'a registry that does not': {
    skip: false,
    start: async (t) => (await startFakeRegistry(t, { pageSize: 2 })).host,
    api: false,
  },
}

for (const [title, { skip, start, api }] of Object.entries(registries)) {
  t.test(title, { skip }, async (t) => {
    const host = await start(t)
    const repository = repositoryOf(host)

    await t.test('a pushed image is found by tag and by digest, byte for byte', async (t) => {
      const image = await pushImage(repository, 'first', 'v1')
      t.same(await repository.resolve('v1'), image)
      t.same(await repository.resolve(image.digest), image)
      const file = await repository.readManifest('v1')
      t.equal(digestOf(file.bytes), image.digest)
      t.equal(file.document.kind, 'manifest')
      const [layer] = file.document.kind === 'manifest' ? file.document.layers : []
      t.equal((await repository.readBlob(layer!)).toString(), 'layer of first')
      await t.rejects(repository.resolve('none'), { code: 'not_found', status: 404 })
      await t.rejects(repository.readManifest(digestOf(Buffer.from('none'))), {
        code: 'not_found',
        message: /there, and visible to you$/,
      })
    })

    await t.test('a blob is sent once, in pieces, and mounted from a neighbour', async (t) => {
      const bytes = Buffer.alloc(3 << 20, 7)
      const blob = { digest: digestOf(bytes), size: bytes.length }
      t.equal(await repository.hasBlob(blob.digest), false)
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16))
      }
      t.equal(await repository.pushBlob(blob, pieces), 'pushed')
      t.equal(await repository.pushBlob(blob, pieces), 'present')
      t.equal(await repository.hasBlob(blob.digest), true)
      t.ok((await repository.readBlob(blob)).equals(bytes))
      await t.rejects(repository.readBlob(blob, 1000), { code: 'too_large' })
      if (!missingRegistry && title.startsWith('docker')) {
        const neighbour = repositoryOf(host, {}, 'team/neighbour')
        t.equal(await neighbour.pushBlob(blob, pieces, 'team/app'), 'mounted')
      }
    })

    await t.test('what is attached is listed, all of it, and by its type', async (t) => {
      const image = await pushImage(repository, 'subject')
      t.same(await repository.listReferrers(image.digest), [])
      const digests: Digest[] = []
      for (const words of ['a', 'b', 'c'])
        digests.push((await repository.pushReferrer(await attachment(repository, image, words))).digest)
      const found = await repository.listReferrers(image.digest)
      t.same(new Set(found.map(({ digest }) => digest)), new Set(digests))
      t.same(new Set(found.map(({ artifactType }) => artifactType)), new Set([bundleType]))
      t.same(
        found
          .map(({ annotations }) => annotations?.['org.example.words'] ?? '')
          .toSorted((one, other) => one.localeCompare(other)),
        ['a', 'b', 'c'],
      )
      t.same(await repository.listReferrers(image.digest, 'application/other'), [])
      t.equal((await repository.listReferrers(image.digest, bundleType)).length, 3)
      t.equal(await repository.hasReferrersApi(image.digest), api)
      await repository.deleteReferrer(image.digest, digests[1]!)
      const left = (await repository.listReferrers(image.digest)).map(({ digest }) => digest)
      t.same(left.toSorted(), [digests[0]!, digests[2]!].toSorted())
    })

    await t.test('tags are listed and deleted', async (t) => {
      await pushImage(repository, 'tagged', 'gone')
      const before = await tagsOf(repository)
      t.ok(before.includes('v1'))
      t.equal(await repository.deleteTag('gone'), true)
      t.equal(await repository.deleteTag('gone'), false)
      const after = await tagsOf(repository)
      t.notOk(after.includes('gone'))
    })

    await t.test('writers at once, who know nothing of each other, lose nothing', async (t) => {
      const image = await pushImage(repository, 'busy')
      const writers = await Promise.all(
        ['1', '2', '3', '4', '5', '6'].map(async (words) => {
          // A client each, as in programs of their own.
          const writer = repositoryOf(host)
          return writer.pushReferrer(await attachment(writer, image, words))
        }),
      )
      const found = (await repositoryOf(host).listReferrers(image.digest)).map(({ digest }) => digest)
      t.same(new Set(found), new Set(writers.map(({ digest }) => digest)))
    })
  })
}

t.test(
  'who reads what is attached asks once for the image, once for the list, and twice for each',
  async (t) => {
    const fake = await startFakeRegistry(t, { referrersApi: true })
    const image = await pushImage(repositoryOf(fake.host), 'subject', 'v1')
    for (const words of ['a', 'b'])
      await repositoryOf(fake.host).pushReferrer(await attachment(repositoryOf(fake.host), image, words))
    fake.asked.length = 0
    const repository = repositoryOf(fake.host)
    const { digest } = await repository.resolve('v1')
    const found = await repository.listReferrers(digest)
    const read = await Promise.all(
      found.map(async (each) => {
        const { document } = await repository.readManifest(each.digest)
        const [layer] = document.kind === 'manifest' ? document.layers : []
        return (await repository.readBlob(layer!)).toString()
      }),
    )
    t.same(new Set(read), new Set(['a', 'b']))
    const asked = fake.lines().map((line) => line.replace(/\/sha256:.*/, ''))
    const count = (line: string): number => asked.filter((each) => each === line).length
    t.same(asked.slice(0, 2), ['HEAD /v2/team/app/manifests/v1', 'GET /v2/team/app/referrers'])
    t.equal(count('GET /v2/team/app/manifests'), 2)
    t.equal(count('GET /v2/team/app/blobs'), 2)
    t.equal(asked.length, 6)
  },
)

t.test('what is in a registry already is not sent again', async (t) => {
  const fake = await startFakeRegistry(t)
  const repository = repositoryOf(fake.host)
  await pushBytes(repository, Buffer.from('words'), mediaTypes.ociConfig)
  fake.asked.length = 0
  await pushBytes(repository, Buffer.from('words'), mediaTypes.ociConfig)
  t.same(fake.lines(), [`HEAD /v2/team/app/blobs/${digestOf(Buffer.from('words'))}`])
})
