/** Images in a registry for tools to judge, and signatures of theirs where they do not belong. */
import {
  attachedTag,
  type Digest,
  digestOf,
  encodeManifest,
  mediaTypes,
  type Repository,
} from '@sigstack/oci'
import { InteropError } from '../../support/interop-error.ts'
import type { ImageForm } from './image-tools.ts'

/** Not starting, or running out of time, is no refusal. */
export async function isAccepted(attempt: () => Promise<void>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch (error) {
    if (error instanceof InteropError && error.code === 'failed') return false
    throw error
  }
}

export async function copySignature(
  repository: Repository,
  form: ImageForm,
  from: Digest,
  to: Digest,
): Promise<void> {
  if (form === 'legacy') {
    const { bytes, mediaType } = await repository.readManifest(attachedTag(from, 'sig'))
    await repository.pushManifest(bytes, mediaType, attachedTag(to, 'sig'))
    return
  }
  for (const { digest } of await repository.listReferrers(from)) {
    const { bytes } = await repository.readManifest(digest)
    const subject = await repository.resolve(to)
    const text = Buffer.from(bytes).toString('utf8').replace(from, to)
    const signed = await repository.resolve(from)
    await repository.pushReferrer(
      Buffer.from(
        text.replace(`"size":${signed.size},"digest":"${to}"`, `"size":${subject.size},"digest":"${to}"`),
      ),
    )
  }
}

export async function pushImage(repository: Repository, words: string, tag?: string): Promise<Digest> {
  const push = async (mediaType: string, text: string) => {
    const bytes = Buffer.from(text)
    const blob = { mediaType, size: bytes.length, digest: digestOf(bytes) }
    await repository.pushBlob(blob, () => bytes)
    return blob
  }
  const config = await push(mediaTypes.ociConfig, JSON.stringify({ words }))
  const layer = await push('application/vnd.oci.image.layer.v1.tar', `layer of ${words}`)
  const manifest = encodeManifest({ config, layers: [layer], annotations: { words } })
  return (await repository.pushManifest(manifest, mediaTypes.ociManifest, tag)).digest
}
