/** RFC 3161 timestamps over the bundle's signature. Those that no trusted authority vouches for are passed over. */
import { digest, equalBytes } from '@sigstack/crypto'
import { verifySignedData } from '@sigstack/rekor-entries/cms'
import { isForSignaturesAlone, isForTimestampsAlone } from '@sigstack/timestamp/chain'
import { assertSigningCertificate } from '@sigstack/timestamp/cms'
import type { CertificateAuthority } from '@sigstack/trust-root'
import { type Certificate, extendedKeyUsageOid, verifyChain } from '@sigstack/x509'
import { notVerified, refusing, type VerificationError } from './errors.ts'
import { parsedChain } from './parsed-chains.ts'
import { covers } from './periods.ts'
import { namesAuthority, readToken, type StampToken } from './timestamp-token.ts'

export type Stamps = {
  readonly times: readonly Date[]
  /** How many authorities vouch for a time: a second stamp of the same one adds nothing. */
  readonly authorities: number
  /** Why each of the others does not count. */
  readonly refused: readonly VerificationError[]
}

/** Each must be over one of `stamped`. */
export async function verifyTimestamps(
  responses: readonly Uint8Array[],
  stamped: readonly Uint8Array[],
  authorities: readonly CertificateAuthority[],
): Promise<Stamps> {
  const times: Date[] = []
  const vouching = new Set<CertificateAuthority>()
  const refused: VerificationError[] = []
  for (const response of responses) {
    const verified = await refusing('a timestamp is malformed', () =>
      verifyTimestamp(response, stamped, authorities),
    ).catch((error: VerificationError) => error)
    if (verified instanceof Error) refused.push(verified)
    else {
      times.push(verified.time)
      vouching.add(verified.authority)
    }
  }
  return { times, authorities: vouching.size, refused }
}

async function verifyTimestamp(
  response: Uint8Array,
  stamped: readonly Uint8Array[],
  authorities: readonly CertificateAuthority[],
): Promise<{ readonly time: Date; readonly authority: CertificateAuthority }> {
  const token = readToken(response)
  const { time, algorithm, imprint } = token
  if (!stamped.some((each) => equalBytes(imprint, digest(algorithm, each))))
    throw notVerified('a timestamp is of another signature')
  let reason = notVerified('a timestamp is by an authority that the trusted root does not list')
  for (const authority of authorities) {
    const chain = chainOf(authority, token)
    if (chain === undefined) continue
    try {
      if (!covers(authority.validFor, time))
        throw notVerified('a timestamp is of a time at which its authority was not trusted')
      await refusing('a timestamp does not verify', () => demandSignedBy(token, chain, time))
      return { time, authority }
    } catch (error) {
      reason = error as VerificationError
    }
  }
  throw reason
}

/** The certificate that signed and those above it; undefined where the authority is another. */
function chainOf({ chain }: CertificateAuthority, token: StampToken): readonly Certificate[] | undefined {
  const certificates = parsedChain(chain)
  const [lowest] = certificates
  if (lowest === undefined) return undefined
  if (!lowest.isCa) return isSigner(lowest, token) ? certificates : undefined
  // The root of trust names no leaf, so that of the token is one if the chain vouches for it.
  const embedded = token.certificates.find((candidate) => isSigner(candidate, token))
  return embedded && equalBytes(embedded.issuer, lowest.subject) ? [embedded, ...certificates] : undefined
}

function isSigner(
  { issuer, serialNumber }: Pick<Certificate, 'issuer' | 'serialNumber'>,
  { signer }: StampToken,
): boolean {
  return equalBytes(issuer, signer.issuer) && equalBytes(serialNumber, signer.serialNumber)
}

async function demandSignedBy(token: StampToken, chain: readonly Certificate[], at: Date): Promise<void> {
  const [leaf] = chain
  const anchor = chain[chain.length - 1]
  if (leaf === undefined || anchor === undefined) throw new Error('a chain has a leaf and an anchor')
  if (token.certificates.some((sent) => isSigner(sent, token) && !equalBytes(sent.der, leaf.der)))
    throw notVerified('a timestamp brings another certificate than the trusted one of its authority')
  demandTimestampingAlone(leaf)
  await verifyChain(chain, { roots: [anchor], at, extendedKeyUsage: extendedKeyUsageOid.timeStamping })
  // Only the trusted certificate counts, whatever the token brings along.
  await verifySignedData({ ...token.signedData, certificates: [leaf.der] })
  assertSigningCertificate(token.signedAttributes, chain)
  if (!namesAuthority(token, leaf))
    throw notVerified('a timestamp names another authority than its certificate')
}

/** RFC 3161 section 2.3: for time stamping alone, and critical. */
function demandTimestampingAlone(certificate: Certificate): void {
  if (!isForTimestampsAlone(certificate) || !isForSignaturesAlone(certificate))
    throw notVerified('the certificate of a timestamp is not for timestamps alone')
}
