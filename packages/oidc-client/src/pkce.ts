/** Proof Key for Code Exchange (RFC 7636): what the answer to a request is good for is known to the requester alone. */
import { createHash, randomBytes } from 'node:crypto'

export function randomText(): string {
  return randomBytes(32).toString('base64url')
}

export function challengeOf(verifier: string): Readonly<Record<string, string>> {
  return {
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
}
