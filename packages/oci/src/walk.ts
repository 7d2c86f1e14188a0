/** Everything below a manifest: an index, the manifests in it, and theirs. */
import type { ContentSource } from './content.ts'
import type { Descriptor } from './descriptor.ts'
import type { Digest } from './digest.ts'
import { OciError } from './errors.ts'
import type { ManifestFile } from './manifests.ts'

/** Images have two levels; nobody means more than a few. */
const deepestIndex = 8
const mostManifests = 2000
/** Of all of them together: who copies holds them until the blobs are there. */
const mostBytes = 64 << 20

/**
 * Children before their parents, so that whoever writes in this order never names what is not there yet. Each
 * once, however often it is named. `wanted` leaves out entries of indexes.
 */
export async function* walkManifests(
  source: Pick<ContentSource, 'readManifest'>,
  root: string,
  wanted: (entry: Descriptor) => boolean = () => true,
): AsyncGenerator<ManifestFile> {
  const seen = new Set<Digest>()
  let bytes = 0
  async function* below(target: string, depth: number): AsyncGenerator<ManifestFile> {
    const file = await source.readManifest(target)
    if (seen.has(file.digest)) return
    seen.add(file.digest)
    bytes += file.size
    if (depth > deepestIndex || seen.size > mostManifests || bytes > mostBytes)
      throw new OciError(
        'too_large',
        `${root} holds more than ${mostManifests} manifests, more than ${mostBytes} bytes of them, or indexes more than ${deepestIndex} levels deep`,
      )
    if (file.document.kind === 'index')
      for (const entry of file.document.manifests)
        if (wanted(entry) && !seen.has(entry.digest)) yield* below(entry.digest, depth + 1)
    yield file
  }
  yield* below(root, 0)
}
