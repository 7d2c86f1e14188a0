/** The door of a Rekor v2 log: a request becomes a verified entry, or is refused. */
import type { SignatureAlgorithm } from '@sigstack/crypto'
import type { Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { withSignatures } from '../verifier.ts'
import type { VerifiedEntry } from '../verify-proposal.ts'
import { defaultWorkLimit, withinWork } from '../work.ts'
import { convertDsse, logDsse } from './dsse-0.0.2.ts'
import { hashedRekordEntry } from './hashedrekord-0.0.2.ts'
import { type CreateEntryRequest, type HashedRekordRequest, parseCreateEntryRequest } from './request.ts'
import { assertSigned, readKey } from './signed-digest.ts'

/** What becomes of `dsseRequestV002`: a hashedrekord, a dsse 0.0.2, or a refusal as upstream's since June 2026. */
export type DsseMode = 'convert' | 'legacy' | 'reject'

export type RequestPolicy = {
  /** Only algorithms of a digest count: pure Ed25519 and RSASSA-PSS are refused whatever this says. */
  readonly allowedAlgorithms: readonly SignatureAlgorithm[]
  readonly dsse: DsseMode
  /** What a request may cost to verify, in checks of P-256 signatures; 64 when left out. */
  readonly workLimit?: number
  /** Whether verifiers tell which of their signatures held; true when left out. */
  readonly tellsSignatures?: boolean
}

/**
 * Verifies the text of a `CreateEntryRequest` and gives the exact bytes for the log. Refuses with an {@link EntryError} and nothing
 * else: `bad_message` and `unknown_type` for what is no request of this log, other codes for what does not hold.
 */
export async function verifyRequest(text: string, policy: RequestPolicy): Promise<VerifiedEntry> {
  const request = parseCreateEntryRequest(text)
  return withinWork(policy.workLimit ?? defaultWorkLimit, async (held) => {
    const { kind, verified } = await verify(request, policy)
    const entry = { kind, apiVersion: '0.0.2', ...verified }
    if (policy.tellsSignatures === false) return entry
    return { ...entry, verifiers: verified.verifiers.map((verifier) => withSignatures(verifier, held)) }
  })
}

async function verify(
  request: CreateEntryRequest,
  { dsse, allowedAlgorithms }: RequestPolicy,
): Promise<{ readonly kind: 'hashedrekord' | 'dsse'; readonly verified: Verified }> {
  if (request.type === 'hashedrekord')
    return { kind: 'hashedrekord', verified: await verifyHashedRekord(request, allowedAlgorithms) }
  switch (dsse) {
    case 'convert':
      return { kind: 'hashedrekord', verified: await convertDsse(request, allowedAlgorithms) }
    case 'legacy':
      return { kind: 'dsse', verified: await logDsse(request, allowedAlgorithms) }
    case 'reject':
      throw new EntryError('unknown_type', 'this log takes no dsseRequestV002')
  }
}

async function verifyHashedRekord(
  { digest, signature, verifier }: HashedRekordRequest,
  allowed: readonly SignatureAlgorithm[],
): Promise<Verified> {
  if (signature.length === 0) throw new EntryError('bad_field', 'missing signature')
  if (verifier === undefined) throw new EntryError('bad_field', 'missing verifier')
  if (digest.length === 0) throw new EntryError('bad_field', 'missing digest')
  const known = readKey(verifier, allowed)
  await assertSigned(known, digest, signature)
  return hashedRekordEntry(known, digest, signature)
}
