/** RFC 3161 timestamps over the bundle's signature. Those that no trusted authority vouches for are passed over. */
import { digest, equalBytes, type HashAlgorithm } from '@sigstack/crypto'
import { parseSignedData, verifySignedData } from '@sigstack/rekor-entries/cms'
import { isForTimestampsAlone } from '@sigstack/timestamp/chain'
import { parseTimestampResponse, parseTstInfo, type SignedData, tstInfoOid } from '@sigstack/timestamp/cms'
import type { CertificateAuthority } from '@sigstack/trust-root'
import { type Certificate, extendedKeyUsageOid, parseCertificate, verifyChain } from '@sigstack/x509'
import { notVerified, refusing, type VerificationError } from './errors.ts'
import { parsedChain } from './parsed-chains.ts'
import { covers } from './periods.ts'

export type Stamps = {
  readonly times: readonly Date[]
  /** How many authorities vouch for a time: a second stamp of the same one adds nothing. */
  readonly authorities: number
  /** Why each of the others does not count. */
  readonly refused: readonly VerificationError[]
}

const hashOfOid: ReadonlyMap<string, HashAlgorithm> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

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
  const token = tokenIn(response)
  const { time, algorithm, imprint } = infoIn(token)
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
function chainOf({ chain }: CertificateAuthority, token: SignedData): readonly Certificate[] | undefined {
  const certificates = parsedChain(chain)
  const [lowest] = certificates
  if (lowest === undefined) return undefined
  if (!lowest.isCa) return isSigner(lowest, token) ? certificates : undefined
  // The root of trust names no leaf, so that of the token is one if the chain vouches for it.
  const [embedded] = token.certificates
    .map(parseCertificate)
    .filter((candidate) => isSigner(candidate, token))
  return embedded && equalBytes(embedded.issuer, lowest.subject) ? [embedded, ...certificates] : undefined
}

function isSigner(
  { issuer, serialNumber, subjectKeyIdentifier }: Certificate,
  { signers }: SignedData,
): boolean {
  const [signerInfo] = signers
  if (signerInfo === undefined) return false
  const { signer } = signerInfo
  return 'keyIdentifier' in signer
    ? subjectKeyIdentifier !== undefined && equalBytes(subjectKeyIdentifier, signer.keyIdentifier)
    : equalBytes(issuer, signer.issuer) && equalBytes(serialNumber, signer.serialNumber)
}

async function demandSignedBy(token: SignedData, chain: readonly Certificate[], at: Date): Promise<void> {
  const [leaf] = chain
  const anchor = chain[chain.length - 1]
  if (leaf === undefined || anchor === undefined) throw new Error('a chain has a leaf and an anchor')
  for (const der of token.certificates) {
    const sent = parseCertificate(der)
    if (isSigner(sent, token) && !equalBytes(der, leaf.der))
      throw notVerified('a timestamp brings another certificate than the trusted one of its authority')
  }
  demandTimestampingAlone(leaf)
  await verifyChain(chain, { roots: [anchor], at, extendedKeyUsage: extendedKeyUsageOid.timeStamping })
  // Only the trusted certificate counts, whatever the token brings along.
  await verifySignedData({ ...token, certificates: [leaf.der] })
}

/** RFC 3161 section 2.3: for time stamping alone, and critical. */
function demandTimestampingAlone(certificate: Certificate): void {
  if (!isForTimestampsAlone(certificate))
    throw notVerified('the certificate of a timestamp is not for timestamps alone')
}

/** A token that was granted with changes is not what was asked for. */
function tokenIn(response: Uint8Array): SignedData {
  const { status, token } = parseTimestampResponse(response)
  if (status !== 0) throw notVerified('a timestamp was not granted')
  if (token === undefined) throw notVerified('a timestamp has no token')
  const signedData = parseSignedData(token)
  if (signedData.contentType !== tstInfoOid) throw notVerified('a timestamp holds something else than a time')
  const [signer, second] = signedData.signers
  if (signer === undefined || second !== undefined) throw notVerified('a timestamp must have one signer')
  if (signer.signedAttributes === undefined) throw notVerified('a timestamp has no signed attributes')
  if (!hashOfOid.has(signer.digestAlgorithm)) throw notVerified('a timestamp is signed over a weak hash')
  return signedData
}

type Info = { readonly time: Date; readonly algorithm: HashAlgorithm; readonly imprint: Uint8Array }

function infoIn({ content }: SignedData): Info {
  if (content === undefined) throw notVerified('a timestamp is empty')
  const { version, hashAlgorithm = '', imprint, time } = parseTstInfo(content)
  if (version !== 1) throw notVerified('a timestamp is of a version that is not known')
  const algorithm = hashOfOid.get(hashAlgorithm)
  if (algorithm === undefined || imprint === undefined)
    throw notVerified('a timestamp is of a hash that does not count')
  if (time === undefined) throw notVerified('a timestamp holds no time')
  return { time, algorithm, imprint }
}
