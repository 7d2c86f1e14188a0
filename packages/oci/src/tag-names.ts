/**
 * Tags that are made of a digest: those of old cosign, and the one that lists referrers where a registry does
 * not.
 */
import { type Digest, parseDigest, partsOfDigest } from './digest.ts'

export type Attached = 'sig' | 'att' | 'sbom'

/** `prefix` is cosign's `--attachment-tag-prefix`. */
export function attachedTag(digest: Digest, kind: Attached, prefix = ''): string {
  return `${prefix}${referrersTag(digest)}.${kind}`
}

/**
 * OCI distribution specification 1.1, "Referrers tag schema": at most 32 characters of algorithm, 64 of
 * digest.
 */
export function referrersTag(digest: Digest): string {
  const { algorithm, hex } = partsOfDigest(digest)
  return `${algorithm}-${hex.slice(0, 64)}`
}

export type AttachedTag = { readonly digest: Digest; readonly kind: Attached | 'referrers' }

/** What a tag without a prefix is attached to; undefined for the tags that people write. */
export function parseAttachedTag(tag: string): AttachedTag | undefined {
  const [, hex, kind] = /^sha256-([0-9a-f]{64})(?:\.(sig|att|sbom))?$/.exec(tag) ?? []
  const digest = parseDigest(`sha256:${hex}`)
  return digest === undefined ? undefined : { digest, kind: (kind as Attached | undefined) ?? 'referrers' }
}
