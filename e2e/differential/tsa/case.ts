/** One request that is sent to both timestamp authorities. */
import { createHash } from 'node:crypto'
import type { Request } from '../exchange.ts'

export type Case = { readonly name: string; readonly request: Request }

export const stampPath = '/api/v1/timestamp'

export function stamped(body: string | Uint8Array, contentType: string): Request {
  return {
    method: 'POST',
    path: stampPath,
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? body : Buffer.from(body),
  }
}

/** The same in every run. */
export function digestOf(hash: 'sha1' | 'sha256' | 'sha384' | 'sha512'): Buffer {
  return createHash(hash).update('what is stamped').digest()
}
