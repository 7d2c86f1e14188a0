/** Small images, made of nothing. */
import {
  type Digest,
  digestOf,
  emptyConfig,
  encodeManifest,
  mediaTypes,
  type Repository,
} from '../src/index.ts'

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'

export async function pushBytes(repository: Repository, bytes: Uint8Array, mediaType: string) {
  const descriptor = { mediaType, size: bytes.length, digest: digestOf(bytes) }
  await repository.pushBlob(descriptor, () => bytes)
  return descriptor
}

/** An image of one layer; its descriptor. */
export async function pushImage(repository: Repository, words: string, tag?: string) {
  const config = await pushBytes(repository, Buffer.from(`{"words":"${words}"}`), mediaTypes.ociConfig)
  const layer = await pushBytes(
    repository,
    Buffer.from(`layer of ${words}`),
    'application/vnd.oci.image.layer.v1.tar',
  )
  const bytes = encodeManifest({ config, layers: [layer] })
  const { digest } = await repository.pushManifest(bytes, mediaTypes.ociManifest, tag)
  return { mediaType: mediaTypes.ociManifest, digest, size: bytes.length }
}

/** The manifest of something that is attached to `subject`; its blobs are pushed. */
export async function attachment(
  repository: Repository,
  subject: { readonly mediaType: string; readonly digest: Digest; readonly size: number },
  words: string,
): Promise<Uint8Array> {
  const layer = await pushBytes(repository, Buffer.from(words), bundleType)
  await repository.pushBlob(emptyConfigBlob, () => emptyConfig.bytes)
  return encodeManifest({
    config: { mediaType: mediaTypes.empty, ...emptyConfigBlob, artifactType: bundleType },
    layers: [layer],
    annotations: { 'org.example.words': words },
    subject,
    artifactType: bundleType,
  })
}

const emptyConfigBlob = { size: emptyConfig.size, digest: digestOf(emptyConfig.bytes) }
