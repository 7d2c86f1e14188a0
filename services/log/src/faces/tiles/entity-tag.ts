/** Entity tags of what never changes (RFC 9110 sections 8.8.3 and 13.1.2). */
import { hash } from 'node:crypto'

/** Strong: of these bytes and no others. */
export function strongTagOf(bytes: Uint8Array): string {
  return `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`
}

/** Whether the reader has it already, as `If-None-Match` says. */
export function hasTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}
