/** What anybody may have attached to an image: things that cannot be read, and tags that point elsewhere. One registry a test, no stack. */
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Digest, digestOf, emptyConfig, encodeManifest, mediaTypes } from '@sigstack/oci'
import t, { type Test } from 'tap'
import { fail } from '../../oci/test/fake-registry.ts'
import { type ImageRegistry, startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/cosign-3.1.3-p256.${name}`, import.meta.url))
const run = (...words: readonly string[]) =>
  runCommand(words, { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' })
const sign = (...words: readonly string[]) =>
  run('sign', '--key', key('key'), '--tlog-upload=false', ...words)
const verify = (...words: readonly string[]) =>
  run('verify', '--key', key('pub'), '--insecure-ignore-tlog', ...words)

type Layer = {
  readonly digest: string
  readonly size: number
  readonly annotations: Readonly<Record<string, string>>
}
type Manifest = { readonly layers: readonly Layer[] }

/** An image that is signed in the old form. */
async function signOld(t: Test) {
  const registry = await startRegistry(t)
  const image = await registry.push('app')
  const { status, err } = await sign('--format', 'legacy', image.pinned)
  t.equal(status, 0, err)
  const [tag = ''] = registry.attachedTags()
  const manifest = JSON.parse(
    registry.manifests.get(registry.tags.get(tag) ?? '')?.bytes.toString() ?? '',
  ) as Manifest
  const [layer] = manifest.layers
  if (layer === undefined) throw new Error('a signature is a layer')
  const setLayers = (layers: readonly Layer[]): void => put(registry, { ...manifest, layers }, tag)
  return { registry, ...image, tag: `${registry.host}/app:${tag}`, sigTag: tag, layer, setLayers }
}

function put({ manifests, tags }: ImageRegistry, document: object, tag: string): void {
  const bytes = Buffer.from(JSON.stringify(document))
  const digest = digestOf(bytes)
  manifests.set(digest, { bytes, type: mediaTypes.ociManifest })
  tags.set(tag, digest)
}

t.test('a layer that cannot be read spoils none of the others', async (t) => {
  const { pinned, tag, layer, setLayers } = await signOld(t)
  const none = digestOf(Buffer.from('in no registry'))
  for (const [spoiled, reason] of [
    [{ ...layer, digest: none }, 'BLOB_UNKNOWN'],
    [{ ...layer, digest: none, size: 64 << 20 }, 'more than 33554432 bytes'],
    [{ ...layer, size: 3 }, 'more than the 3 bytes'],
  ] as const) {
    setLayers([spoiled, layer])
    const verified = await verify(pinned)
    t.equal(verified.status, 0, verified.err)
    const { status, out, err } = await run('download', 'signature', pinned)
    t.equal(status, 0, err)
    t.equal(out.trim().split('\n').length, 1)
    t.ok(err.includes(`WARNING: layer ${spoiled.digest} of ${tag}: `), err)
    t.ok(err.includes(reason), err)

    setLayers([spoiled])
    const refused = await verify(pinned)
    t.equal(refused.status, 12, refused.err)
    t.ok(refused.err.includes(`layer ${spoiled.digest} of ${tag}: `), refused.err)
    const keyless = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b', '--insecure-ignore-sct']
    const roots = fileURLToPath(
      new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
    )
    const unknown = await run('verify', ...keyless, '--trusted-root', roots, pinned)
    t.equal(unknown.status, 12, 'nobody knows whether it has a certificate')
  }
})

t.test('annotations that cannot be read are told of, and the rest is downloaded', async (t) => {
  const { pinned, tag, layer, setLayers } = await signOld(t)
  const block = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  for (const annotations of [
    { 'dev.sigstore.cosign/bundle': '{' },
    { 'dev.sigstore.cosign/bundle': '['.repeat(100_000) },
    { 'dev.sigstore.cosign/certificate': 'no PEM' },
    { 'dev.sigstore.cosign/chain': block.repeat(20) },
  ]) {
    setLayers([{ ...layer, annotations: { ...layer.annotations, ...annotations } }, layer])
    const { status, out, err } = await run('download', 'signature', pinned)
    t.equal(status, 0, err)
    t.equal(out.trim().split('\n').length, 1)
    t.ok(
      err.startsWith(`WARNING: layer ${layer.digest} of ${tag}: its annotations cannot be read: `),
      err.slice(0, 500),
    )
    t.equal(err.trim().split('\n').length, 1)
  }
})

t.test('what is attached is listed, though some of it cannot be read', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const { digest, pinned } = await registry.push('app')
  t.equal((await sign('--format', 'both', pinned)).status, 0)
  const [tag = ''] = registry.attachedTags()
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 1, subject: { digest } }))
  const spoiled = digestOf(bytes)
  registry.manifests.set(spoiled, { bytes, type: mediaTypes.ociManifest })
  const { status, out, err } = await run('tree', pinned)
  t.equal(status, 0, err)
  t.match(out, /via OCI referrer/)
  t.match(err, `WARNING: ${registry.host}/app@${spoiled}: `)

  registry.manifests.set(registry.tags.get(tag) ?? '', { bytes, type: mediaTypes.ociManifest })
  const other = await run('tree', pinned)
  t.equal(other.status, 0, other.err)
  t.match(other.err, `WARNING: ${registry.host}/app:${tag}: `)
})

t.test('no image is cleaned away, whatever the tags of its signatures point at', async (t) => {
  const { registry, pinned, digest, sigTag } = await signOld(t)
  const other = await registry.push('other')
  const index = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
  )
  registry.manifests.set(digestOf(index), { bytes: index, type: mediaTypes.ociIndex })
  for (const target of [digest, other.digest, digestOf(index)] satisfies readonly Digest[]) {
    registry.tags.set(sigTag, target)
    const { status, err } = await run('clean', '-f', pinned)
    t.equal(status, 1, err)
    t.match(err, `it points at ${target}, which is an image to run`)
    t.ok(registry.manifests.has(target), 'it is still there')
  }

  // Layers tell nothing of an image that has none.
  const config = { mediaType: mediaTypes.empty, digest: digestOf(emptyConfig.bytes), size: emptyConfig.size }
  const bytes = Buffer.from(encodeManifest({ config, layers: [] }))
  const bare = digestOf(bytes)
  registry.manifests.set(bare, { bytes, type: mediaTypes.ociManifest })
  registry.tags.set(`${bare.replace(':', '-')}.sig`, bare)
  const { status, err } = await run('clean', '-f', `${registry.host}/app@${bare}`)
  t.equal(status, 1, err)
  t.ok(registry.manifests.has(bare), 'it is still there')
})

t.test('a registry that does not tell what a tag points at has nothing cleaned', async (t) => {
  const registry = await startRegistry(t, {
    intercept(request, response) {
      if (request.method !== 'GET' || request.url?.endsWith('.sig') !== true) return false
      fail(response, 400, 'MANIFEST_INVALID')
      return true
    },
  })
  const { pinned } = await registry.push('app')
  const { status, err } = await run('clean', '-f', pinned)
  t.equal(status, 1)
  t.match(err, /could not delete .*\.sig .*MANIFEST_INVALID/)
})

t.test('a bundle in a folder that is too large spoils none of the others', async (t) => {
  const registry = await startRegistry(t)
  const { digest, pinned } = await registry.push('app')
  t.equal((await sign(pinned)).status, 0)
  const folder = path.join(t.testdir(), 'saved')
  t.equal((await run('save', '--dir', folder, pinned)).status, 0)
  const large = Buffer.alloc((32 << 20) + 1)
  const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json'
  const manifest = encodeManifest({
    config: { mediaType: mediaTypes.empty, digest: digestOf(emptyConfig.bytes), size: emptyConfig.size },
    layers: [{ mediaType: bundle, digest: digestOf(large), size: large.length }],
    subject: { mediaType: mediaTypes.ociManifest, digest, size: 1 },
  })
  const fileOf = (bytes: Uint8Array): string => path.join(folder, 'blobs', digestOf(bytes).replace(':', '/'))
  for (const bytes of [large, manifest]) writeFileSync(fileOf(bytes), bytes)
  const whole = await verify('--local-image', folder)
  t.equal(whole.status, 0, whole.err)
  for (const { bytes } of registry.manifests.values()) if (bytes.includes('"subject"')) rmSync(fileOf(bytes))
  const refused = await verify('--local-image', folder)
  t.equal(refused.status, 12)
  t.match(refused.err, `bundle ${digestOf(manifest)}: the blob ${digestOf(large)} in ${folder} has more than`)
})
