/**
 * What may be logged (tsa-and-ct.md section B6): a certificate or precertificate whose chain, in the order it was sent, leads to an
 * accepted root. Expiry, path lengths, name constraints and nested key usages are not looked at on purpose: a log records
 * what a CA issued, good or bad.
 */
import { memberAt, parseBase64, parseBoundedJson, sha256 } from '@sigstack/crypto'
import { type ExtraData, encodeExtraData, type SignedEntry } from '@sigstack/ct'
import { asHash, type Hash } from '@sigstack/merkle'
import type { Certificate } from '@sigstack/x509'
import {
  extensionOid,
  isPrecertificate,
  parseCertificate,
  removeExtension,
  verifyChain,
} from '@sigstack/x509'
import { LRUCache } from 'lru-cache'
import type { AcceptedRoots, RootSource } from '../../roots/accepted-roots.ts'
import { badRequest, CtRefusal } from './errors.ts'

/** A submission that was found good, ready to be sequenced. */
export type Submission = {
  /** SHA-256 of the certificate as submitted: submitting it again finds the first entry. */
  readonly identity: Hash
  readonly entry: SignedEntry
  readonly extraData: Uint8Array
  /** DER, from the one that signed it to the root. */
  readonly issuers: readonly Uint8Array[]
}

export type SubmissionPolicy = {
  /** Dotted OIDs, of which the leaf must bear one; none means that any leaf is taken. */
  readonly extendedKeyUsages: readonly string[]
}

const longestChain = 10
/** RFC 6962 section 3.1: a certificate that signs precertificates in its issuer's place. */
const precertificateSigningUsage = '1.3.6.1.4.1.11129.2.4.4'

const lax = { checkValidity: false, checkConstraints: false } as const

export type SubmissionValidator = (type: SignedEntry['type'], body: unknown) => Promise<Submission>

export function createSubmissionValidator(
  rootSource: RootSource,
  policy: SubmissionPolicy,
): SubmissionValidator {
  const verifyIssuers = createIssuerCache()

  /** The issuers of `leaf`, root included. Looks for new roots once before it refuses: the CA may have been faster. */
  async function verify(
    leaf: Certificate,
    issuersBase64: readonly string[],
  ): Promise<readonly Certificate[]> {
    const attempt = async (roots: AcceptedRoots) => {
      if (roots.certificates.length === 0) {
        throw new CtRefusal(503, 'the accepted roots are not known yet; try again')
      }
      if (issuersBase64.length === 0) {
        const whole = await verifyChain([leaf], { roots: roots.certificates, ...lax })
        return whole.slice(1)
      }
      const issuers = await verifyIssuers(roots, issuersBase64)
      const [issuer] = issuers
      if (issuer === undefined) throw new Error('a verified chain of issuers is never empty')
      // With its issuer, so that one that is sent twice is not taken for its own.
      await verifyChain([leaf, issuer], { roots: [issuer], ...lax })
      return issuers
    }
    const roots = rootSource.current()
    try {
      return await attempt(roots)
    } catch (error) {
      await rootSource.refresh()
      const newer = rootSource.current()
      if (newer === roots) throw error
      return attempt(newer)
    }
  }

  return async (type, body) => {
    const [leafBase64, ...issuersBase64] = parseChain(body)
    const der = decode(leafBase64)
    const leaf = parseCertificate(der)
    assertKind(leaf, type)
    assertUsage(leaf, policy.extendedKeyUsages)
    const issuers = await verify(leaf, issuersBase64)
    const chain = issuers.map((issuer) => issuer.der)
    const identity = asHash(sha256(der))
    if (type === 'x509') {
      return submission(identity, { type, certificate: der }, { type, chain })
    }
    const issuer = issuers[0] ?? leaf
    if (issuer.extendedKeyUsages.includes(precertificateSigningUsage)) {
      throw badRequest(
        'precertificates must be signed by the issuer itself, not by a precertificate signing certificate',
      )
    }
    const issuerKeyHash = sha256(issuer.spki)
    const tbs = removeExtension(leaf.tbs, extensionOid.poison)
    return submission(identity, { type, issuerKeyHash, tbs }, { type, precertificate: der, chain })
  }
}

function submission(identity: Hash, entry: SignedEntry, extraData: ExtraData): Submission {
  return { identity, entry, extraData: encodeExtraData(extraData), issuers: extraData.chain }
}

/** The CA sends the same issuers with every certificate: they are parsed and verified once for a set of roots. */
function createIssuerCache(): (
  roots: AcceptedRoots,
  issuersBase64: readonly string[],
) => Promise<readonly Certificate[]> {
  const mostChains = 100
  const verified = new WeakMap<AcceptedRoots, LRUCache<string, readonly Certificate[]>>()
  return async (roots, issuersBase64) => {
    const known = verified.get(roots) ?? new LRUCache<string, readonly Certificate[]>({ max: mostChains })
    verified.set(roots, known)
    const key = issuersBase64.join(',')
    const hit = known.get(key)
    if (hit !== undefined) return hit
    const issuers = issuersBase64.map((base64) => parseCertificate(decode(base64)))
    const chain = await verifyChain(issuers, { roots: roots.certificates, ...lax })
    known.set(key, chain)
    return chain
  }
}

function parseChain(body: unknown): readonly [string, ...string[]] {
  let submitted: unknown
  try {
    submitted = parseBoundedJson(typeof body === 'string' ? body : '')
  } catch (cause) {
    throw badRequest('the body is not JSON', cause)
  }
  const chain = memberAt(submitted, 'chain')
  if (!Array.isArray(chain) || !chain.every((certificate) => typeof certificate === 'string')) {
    throw badRequest('the body must be {"chain":["<base64 DER>",...]}')
  }
  const [leaf, ...issuers] = chain
  if (leaf === undefined) throw badRequest('the chain is empty')
  if (chain.length > longestChain) throw badRequest(`the chain has more than ${longestChain} certificates`)
  return [leaf, ...issuers]
}

function decode(base64: string | undefined): Uint8Array {
  // A CryptoError is a refusal already, but does not say whose base64 it was.
  try {
    return parseBase64(base64 ?? '')
  } catch (cause) {
    throw badRequest('a certificate of the chain is not base64', cause)
  }
}

function assertKind(leaf: Certificate, type: SignedEntry['type']): void {
  const poisoned = isPrecertificate(leaf)
  if (poisoned && type === 'x509') throw badRequest('a precertificate belongs to add-pre-chain')
  if (!poisoned && type === 'precert') throw badRequest('a certificate without poison belongs to add-chain')
}

function assertUsage(leaf: Certificate, accepted: readonly string[]): void {
  if (accepted.length === 0 || leaf.extendedKeyUsages.some((usage) => accepted.includes(usage))) return
  throw badRequest(`the certificate bears none of the extended key usages ${accepted.join(', ')}`)
}
