/** Pieces of the trusted root as engines take them. */
import { encodePem, sha256Hex, utf8 } from '@sigstack/crypto'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { ImagePolicyError } from '../errors.ts'
import type { ExportContext } from './context.ts'

/** Throws `incomplete`. */
export function trustOf({ trust }: ExportContext): {
  readonly trustedRoot: TrustedRoot
  readonly text: string
} {
  if (trust !== undefined) return trust
  throw new ImagePolicyError('incomplete', 'the policy needs a trusted root')
}

export function logKeyPem({ publicKey, keyDetails }: TrustedLog): string {
  return encodePem(keyDetails.startsWith('PKCS1_') ? 'RSA PUBLIC KEY' : 'PUBLIC KEY', publicKey)
}

export function certificatesPem(chain: readonly Uint8Array[]): string {
  return chain.map((certificate) => encodePem('CERTIFICATE', certificate)).join('')
}

/** Every certificate of every authority once. */
export function authoritiesPem({ certificateAuthorities }: TrustedRoot): string {
  return [...new Set(certificateAuthorities.map(({ chain }) => certificatesPem(chain)))].join('')
}

/** The log that signatures go to now. Throws `incomplete`. */
export function currentLog({ tlogs }: TrustedRoot): TrustedLog {
  const [log] = tlogs.toSorted((a, b) => b.validFor.start.getTime() - a.validFor.start.getTime())
  if (log !== undefined) return log
  throw new ImagePolicyError('incomplete', 'the trusted root lists no transparency log')
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The text of the trusted root on one line. */
export function compactRoot(text: string): string {
  return JSON.stringify(JSON.parse(text) as unknown)
}

export function trustDigest({ trust }: ExportContext): string {
  return trust === undefined ? 'none' : `sha256:${sha256Hex(utf8(trust.text))}`
}
