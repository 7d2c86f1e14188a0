/** Digests of content, as OCI writes them: `sha256:` or `sha512:` and lower-case hex. */
import { createHash, hash } from 'node:crypto'
import { digestLengthBytes } from '@sigstack/crypto'
import { OciError } from './errors.ts'

declare const brand: unique symbol
export type Digest = string & { readonly [brand]: 'digest' }

const form = /^(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})$/

/** Undefined where `text` is none. */
export function parseDigest(text: string): Digest | undefined {
  if (text.length > 135) return undefined
  const [, algorithm, hex = ''] = form.exec(text) ?? []
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined
  return hex.length === digestLengthBytes[algorithm] * 2 ? (text as Digest) : undefined
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}` as Digest
}

export function isDigestOf(digest: Digest, bytes: Uint8Array): boolean {
  const { algorithm, hex } = partsOfDigest(digest)
  return hash(algorithm, bytes, 'hex') === hex
}

export function partsOfDigest(digest: Digest): { readonly algorithm: string; readonly hex: string } {
  const [algorithm = '', hex = ''] = digest.split(':')
  return { algorithm, hex }
}

/**
 * Passes on what `source` gives, and throws `digest_mismatch` where it is not the content of this digest and
 * size. The last piece is held back until all of it was looked at: whoever sends it on never sends the whole
 * of something else.
 */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  digest: Digest,
  size: number | undefined,
  what: string,
): AsyncGenerator<Uint8Array> {
  const { algorithm, hex } = partsOfDigest(digest)
  const sum = createHash(algorithm)
  let bytes = 0
  let held: Uint8Array | undefined
  for await (const piece of source) {
    bytes += piece.length
    if (size !== undefined && bytes > size)
      throw new OciError('digest_mismatch', `${what} has more than the ${size} bytes that it should have`)
    sum.update(piece)
    if (piece.length === 0) continue
    if (held !== undefined) yield held
    held = piece
  }
  if (size !== undefined && bytes !== size)
    throw new OciError('digest_mismatch', `${what} has ${bytes} bytes in place of ${size}`)
  const found = sum.digest('hex')
  if (found !== hex)
    throw new OciError('digest_mismatch', `${what} is not what its digest says: it has ${algorithm}:${found}`)
  if (held !== undefined) yield held
}
