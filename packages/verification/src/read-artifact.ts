/** A file of any size as what was or is to be signed: read once, never held whole unless it is small. */
import { createHash } from 'node:crypto'
import type { HashAlgorithm } from '@sigstack/crypto'
import type { Artifact } from './artifact.ts'

const smallBytes = 16 << 20

/** `also` is given each part in passing. */
export async function readArtifact(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  algorithms: readonly HashAlgorithm[],
  also: (part: Uint8Array) => void = () => undefined,
): Promise<Artifact> {
  const hashes = algorithms.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }))
  let parts: Uint8Array[] | undefined = []
  let length = 0
  for await (const part of stream) {
    for (const { hash } of hashes) hash.update(part)
    also(part)
    length += part.length
    if (length > smallBytes) parts = undefined
    parts?.push(part)
  }
  return {
    digests: Object.fromEntries(hashes.map(({ algorithm, hash }) => [algorithm, hash.digest()])),
    ...(parts !== undefined && { bytes: Buffer.concat(parts) }),
  }
}
