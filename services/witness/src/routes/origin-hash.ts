import { parseHex } from '@sigstack/crypto'

/** SHA-256 of an origin as paths have it, 64 lower-case hexadecimal digits; undefined for anything else. */
export function parseOriginHash(text: string): Uint8Array | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? parseHex(text) : undefined
}
