import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import t, { type Test } from 'tap'
import {
  attachedTag,
  type CopyStep,
  copyImage,
  copyTree,
  createLayout,
  createRegistryClient,
  type Digest,
  digestOf,
  encodeIndex,
  encodeManifest,
  inParallel,
  loadImage,
  mediaTypes,
  openLayout,
  type Repository,
  saveImage,
  walkManifests,
} from '../src/index.ts'
import { missingRegistry, startDockerRegistry } from './docker-registry.ts'
import { type FakeOptions, fail, startFakeRegistry } from './fake-registry.ts'
import { attachment, pushBytes, pushImage } from './images.ts'

function open(registry: string, repository = 'team/app'): Repository {
  const patience = { delay: () => Promise.resolve() }
  return createRegistryClient({ route: 'direct', patience }).repository({ registry, repository })
}

const starts = {
  'a registry that lists referrers': { skip: false, start: fake({ referrersApi: true, pageSize: 1 }) },
  'a registry that does not': { skip: false, start: fake({}) },
  'docker-registry 2.8': { skip: missingRegistry, start: (t: Test) => startDockerRegistry(t) },
}

function fake(options: FakeOptions) {
  return async (t: Test): Promise<string> => (await startFakeRegistry(t, options)).host
}

/** An index of two platforms with everything that can be attached to it, and to one of them. */
async function pushSigned(repository: Repository) {
  const [amd64, arm] = [await pushImage(repository, 'amd64'), await pushImage(repository, 'arm')]
  const index = encodeIndex([
    { ...amd64, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
  ])
  const { digest } = await repository.pushManifest(index, mediaTypes.ociIndex, 'v1')
  const root = { mediaType: mediaTypes.ociIndex, digest, size: index.length }
  const attached: Digest[] = []
  for (const [subject, words] of [
    [root, 'of the index'],
    [arm, 'of one platform'],
  ] as const)
    attached.push((await repository.pushReferrer(await attachment(repository, subject, words))).digest)
  const [first] = attached
  const on = {
    mediaType: mediaTypes.ociManifest,
    digest: first!,
    size: (await repository.resolve(first!)).size,
  }
  attached.push((await repository.pushReferrer(await attachment(repository, on, 'of an attachment'))).digest)
  const config = await pushBytes(repository, Buffer.from('{"old":true}'), mediaTypes.ociConfig)
  const tags = [
    attachedTag(digest, 'sig'),
    attachedTag(digest, 'att'),
    attachedTag(digest, 'sbom'),
    attachedTag(arm.digest, 'sig'),
  ]
  for (const tag of tags) {
    const layer = await pushBytes(
      repository,
      Buffer.from(tag),
      'application/vnd.dev.cosign.simplesigning.v1+json',
    )
    const bytes = encodeManifest({ config, layers: [layer] })
    attached.push((await repository.pushManifest(bytes, mediaTypes.ociManifest, tag)).digest)
  }
  return { root, amd64, arm, attached, tags }
}

type Signed = Awaited<ReturnType<typeof pushSigned>>

async function assertWhole(
  t: Test,
  from: Repository,
  to: Repository,
  { root, amd64, arm, attached, tags }: Signed,
) {
  for (const digest of [root.digest, amd64.digest, arm.digest, ...attached]) {
    const [there, here] = [await from.readManifest(digest), await to.readManifest(digest)]
    t.ok(Buffer.from(here.bytes).equals(there.bytes), digest)
    if (here.document.kind === 'manifest')
      for (const blob of [here.document.config, ...here.document.layers]) await to.readBlob(blob)
  }
  for (const tag of tags) t.equal((await to.resolve(tag)).digest, (await from.resolve(tag)).digest, tag)
  for (const digest of [root.digest, arm.digest, attached[0]!]) {
    const digests = async (repository: Repository): Promise<readonly string[]> =>
      (await repository.listReferrers(digest)).map((each) => each.digest)
    t.same(new Set(await digests(to)), new Set(await digests(from)))
  }
}

for (const [title, { skip, start }] of Object.entries(starts)) {
  t.test(`everything is copied to and from ${title}`, { skip }, async (t) => {
    const other = open((await startFakeRegistry(t)).host, 'source/app')
    const one = open(await start(t))
    const signed = await pushSigned(other)

    await copyImage(other, one, 'v1', 'copied')
    t.equal((await one.resolve('copied')).digest, signed.root.digest)
    await assertWhole(t, other, one, signed)

    const back = open((await startFakeRegistry(t)).host)
    await copyImage(one, back, 'copied', 'v1')
    await assertWhole(t, other, back, signed)

    const steps: CopyStep[] = []
    await copyImage(other, one, 'v1', 'copied', { onStep: (step) => void steps.push(step) })
    const outcomes = steps.filter(({ kind }) => kind === 'blob').map(({ outcome }) => outcome)
    t.same(new Set(outcomes), new Set(['present']), 'what is there is not sent again')
    t.equal(steps.filter(({ kind }) => kind === 'tag').length, 5)
  })

  t.test(`a saved image is loaded with the same digests, by way of ${title}`, { skip }, async (t) => {
    const one = open(await start(t))
    const signed = await pushSigned(one)
    // The registry's folder may be there already, and is not to be emptied.
    const folder = path.join(existsSync(t.testdirName) ? t.testdirName : t.testdir(), 'layout')
    const saved = await saveImage(one, await createLayout(folder), 'v1')
    t.equal(saved.digest, signed.root.digest)
    const other = open((await startFakeRegistry(t)).host)
    const loaded = await loadImage(await openLayout(folder), other, 'loaded')
    t.equal(loaded.digest, signed.root.digest)
    t.equal((await other.resolve('loaded')).digest, signed.root.digest)
    await assertWhole(t, one, other, signed)
    t.same(
      readdirSync(folder).filter((name) => name.startsWith('.')),
      [],
    )
  })
}

t.test('a layout says of its entries what cosign reads', async (t) => {
  const repository = open((await startFakeRegistry(t)).host)
  await pushSigned(repository)
  const folder = t.testdir()
  await saveImage(repository, await createLayout(folder), 'v1')
  const index = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8')) as {
    manifests: { annotations: Record<string, string> }[]
  }
  t.same(
    index.manifests.map(({ annotations }) => annotations.kind?.replace('dev.cosignproject.cosign/', '')),
    ['imageIndex', 'sigs', 'atts', undefined, undefined],
  )
  const image = await pushImage(repository, 'single', 'single')
  await saveImage(repository, await createLayout(folder), 'single')
  t.same(
    (await (await openLayout(folder)).readEntries())[0]?.annotations?.kind,
    'dev.cosignproject.cosign/image',
  )
  t.equal((await loadImage(await openLayout(folder), repository)).digest, image.digest)
})

t.test('a layout of another tool is loaded where it has one image', async (t) => {
  const repository = open((await startFakeRegistry(t)).host)
  const image = await pushImage(repository, 'plain', 'v1')
  const layout = await createLayout(t.testdir())
  await copyTree(repository, layout, 'v1')
  await t.rejects(loadImage(layout, repository), { code: 'not_found', message: /lists 0 entries/ })
  await layout.writeEntries([{ ...image, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }])
  t.equal((await loadImage(layout, repository, 'again')).digest, image.digest)
  t.equal((await layout.readManifest('latest')).digest, image.digest)
  await layout.writeEntries([image, image])
  await t.rejects(loadImage(layout, repository), { code: 'not_found' })
})

t.test('a layout that somebody has changed is refused', async (t) => {
  const repository = open((await startFakeRegistry(t)).host)
  const image = await pushImage(repository, 'plain', 'v1')
  const layer = digestOf(Buffer.from('layer of plain'))
  const saved = async (name: string) => {
    const folder = path.join(t.testdirName, name)
    mkdirSync(folder, { recursive: true })
    const layout = await createLayout(folder)
    await saveImage(repository, layout, 'v1')
    const fileOf = (digest: Digest): string => path.join(folder, 'blobs', ...digest.split(':'))
    return { layout, folder, fileOf }
  }
  t.testdir()
  const target = open((await startFakeRegistry(t)).host)

  const manifest = await saved('manifest')
  writeFileSync(manifest.fileOf(image.digest), '{"schemaVersion":2}')
  await t.rejects(loadImage(manifest.layout, target), { code: 'digest_mismatch' })

  const blob = await saved('blob')
  writeFileSync(blob.fileOf(layer), 'LAYER of plain')
  await t.rejects(loadImage(blob.layout, target), { code: 'digest_mismatch' })

  const gone = await saved('gone')
  rmSync(gone.fileOf(layer))
  await t.rejects(loadImage(gone.layout, target), { code: 'not_found', message: /has no blob .*: ENOENT$/ })

  const link = await saved('link')
  rmSync(link.fileOf(layer))
  writeFileSync(path.join(link.folder, 'elsewhere'), 'layer of plain')
  symlinkSync(path.join(link.folder, 'elsewhere'), link.fileOf(layer))
  await t.rejects(loadImage(link.layout, target), { code: 'not_found', message: /ELOOP/ })

  const pipe = await saved('pipe')
  rmSync(pipe.fileOf(image.digest))
  execFileSync('mkfifo', [pipe.fileOf(image.digest)])
  await t.rejects(loadImage(pipe.layout, target), { code: 'bad_document', message: /no plain file/ })

  const broken = await saved('broken')
  writeFileSync(path.join(broken.folder, 'index.json'), '[]')
  await t.rejects(loadImage(broken.layout, target), { code: 'bad_document' })
  await t.rejects(openLayout(path.join(t.testdirName, 'none')), {
    code: 'bad_document',
    message: /no OCI layout/,
  })
  await t.rejects(target.resolve(image.digest), { code: 'not_found' })
})

t.test('a blob that is not what it should be leaves nothing in a layout', async (t) => {
  const folder = t.testdir()
  const layout = await createLayout(folder)
  const digest = digestOf(Buffer.from('words'))
  await t.rejects(
    layout.pushBlob({ digest, size: 5 }, () => Buffer.from('WORDS')),
    { code: 'digest_mismatch' },
  )
  t.same(
    readdirSync(folder).toSorted((one, other) => one.localeCompare(other)),
    ['blobs', 'index.json', 'oci-layout'],
  )
  t.notOk(existsSync(path.join(folder, 'blobs', ...digest.split(':'))))
})

async function listen(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test(
  'a blob passes through in pieces: the target has its beginning before the source has sent its end',
  async (t) => {
    const [piece, count] = [Buffer.alloc(1 << 20, 3), 24]
    const digest = digestOf(Buffer.concat(Array.from({ length: count }, () => piece)))
    let arrived = (): void => undefined
    const hasArrived = new Promise<void>((resolve) => (arrived = resolve))
    let received = 0
    const source = createServer((request, response) => {
      void (async () => {
        if (!request.url?.includes('/blobs/')) return fail(response, 404, 'NOT_FOUND')
        for (let at = 0; at < count; at++) {
          if (at === count - 1) await hasArrived
          await new Promise((resolve) => response.write(piece, resolve))
        }
        response.end()
      })()
    })
    const target = createServer((request, response) => {
      request.on('data', (data: Buffer) => {
        received += data.length
        arrived()
      })
      request.on('end', () => {
        if (request.method === 'HEAD') fail(response, 404, 'BLOB_UNKNOWN')
        else if (request.method === 'POST') response.writeHead(202, { location: '/upload' }).end()
        else response.writeHead(201).end()
      })
    })
    const [from, to] = [open(await listen(t, source)), open(await listen(t, target))]
    const size = piece.length * count
    t.equal(await to.pushBlob({ digest, size }, () => from.openBlob({ digest, size })), 'pushed')
    t.equal(received, size)
  },
)

t.test('the whole of a blob that is not what it should be is never sent on', async (t) => {
  const pieces = ['LAYER', ' of ', 'plain'].map((words) => Buffer.from(words))
  const source = await startFakeRegistry(t, {
    async intercept(request, response) {
      if (request.method !== 'GET') return false
      for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve))
      response.end()
      return true
    },
  })
  const target = await startFakeRegistry(t)
  const blob = { digest: digestOf(Buffer.from('layer of plain')), size: 14 }
  const copy = open(target.host).pushBlob(blob, () => open(source.host).openBlob(blob))
  await t.rejects(copy, { code: 'digest_mismatch' })
  t.equal(target.blobs.size, 0)
  const given: string[] = []
  const read = async (): Promise<void> => {
    for await (const piece of open(source.host).openBlob(blob)) given.push(Buffer.from(piece).toString())
  }
  await t.rejects(read(), { code: 'digest_mismatch' })
  t.ok(given.join('').length < 14)
})

t.test(
  'a registry that dies in the middle of a copy shows no tag, and the next copy completes it',
  async (t) => {
    const source = open((await startFakeRegistry(t)).host)
    await pushSigned(source)
    let manifests = 0
    const dying = await startFakeRegistry(t, {
      intercept(request) {
        if (request.method !== 'PUT' || !request.url?.includes('/manifests/') || ++manifests <= 2)
          return false
        if (manifests > 6) return false
        request.socket.destroy()
        return true
      },
    })
    const target = open(dying.host)
    await t.rejects(copyImage(source, target, 'v1', 'v1'), { code: 'unreachable' })
    t.equal(dying.tags.size, 0)
    await copyImage(source, target, 'v1', 'v1')
    t.equal((await target.resolve('v1')).digest, (await source.resolve('v1')).digest)
  },
)

t.test(
  'what a list of referrers names and says itself that it is attached to something else stays',
  async (t) => {
    const [one, two] = [await startFakeRegistry(t), await startFakeRegistry(t)]
    const [from, to] = [open(one.host), open(two.host)]
    const [image, other] = [await pushImage(from, 'image', 'v1'), await pushImage(from, 'other')]
    const { digest } = await from.pushReferrer(await attachment(from, other, 'of the other'))
    const gone = { ...image, digest: digestOf(Buffer.from('gone')) }
    const list = encodeIndex([{ ...image, digest }, gone])
    await from.pushManifest(list, mediaTypes.ociIndex, image.digest.replace(':', '-'))
    await copyImage(from, to, 'v1', 'v1')
    t.equal(two.manifests.size, 1)
  },
)

t.test('an index in a circle, or without end, is left', async (t) => {
  const endless = await startFakeRegistry(t, {
    intercept(request, response) {
      if (!request.url?.includes('/manifests/')) return false
      const entries = Array.from({ length: 50 }, () => ({
        mediaType: mediaTypes.ociIndex,
        size: 1,
        digest: digestOf(Buffer.from(String(endless.asked.length * 100 + Math.random()))),
      }))
      response.writeHead(200, { 'content-type': mediaTypes.ociIndex }).end(encodeIndex(entries))
      return true
    },
  })
  const walk = async (source: Parameters<typeof walkManifests>[0]): Promise<void> => {
    for await (const _file of walkManifests(source, 'v1'));
  }
  await t.rejects(walk(open(endless.host)), { name: 'OciError' })
  // Digests cannot be made to match, so the depth is tried on a source that does not look.
  let count = 0
  await t.rejects(
    walk({
      readManifest() {
        const digest = digestOf(Buffer.from(String(++count)))
        const document = {
          kind: 'index',
          mediaType: mediaTypes.ociIndex,
          annotations: {},
          subject: undefined,
          artifactType: undefined,
        } as const
        const manifests = [
          { mediaType: mediaTypes.ociIndex, size: 1, digest: digestOf(Buffer.from(`${count}x`)) },
        ]
        return Promise.resolve({
          bytes: Buffer.alloc(0),
          size: 0,
          digest,
          mediaType: mediaTypes.ociIndex,
          document: { ...document, manifests },
        })
      },
    }),
    { code: 'too_large' },
  )
  t.ok(count < 20)
})

t.test('a few steps at once, and none after a failure', async (t) => {
  let [running, most] = [0, 0]
  await inParallel(Array.from({ length: 20 }), 3, async () => {
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running--
  })
  t.equal(most, 3)
  const begun: number[] = []
  const failure = new Error('no')
  await t.rejects(
    inParallel([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item)
      await new Promise(setImmediate)
      if (item === 1) throw failure
    }),
    failure,
  )
  t.ok(begun.length <= 3)
})
