/** The certificate of the signer: issued by a trusted authority at every trusted time, and promised to a CT log. */

import { equalBytes, sha256 } from '@sigstack/crypto'
import { parseSctList, type Sct, type SignedEntry, verifySct } from '@sigstack/ct'
import type { CertificateAuthority, TrustedLog } from '@sigstack/trust-root'
import {
  type Certificate,
  embeddedScts,
  extendedKeyUsageOid,
  extensionOid,
  parseCertificate,
  removeExtension,
  verifyChain,
} from '@sigstack/x509'
import { notVerified, refusing, type VerificationError } from './errors.ts'
import { keyOfLog } from './log-entry.ts'
import { isSignedBy, parsedChain } from './parsed-chains.ts'
import { covers } from './periods.ts'

/** The issuers of `leaf`, lowest first, up to the anchor. Throws unless they hold at all of `times`. */
export async function demandTrustedChain(
  leaf: Certificate,
  authorities: readonly CertificateAuthority[],
  times: readonly Date[],
): Promise<readonly Certificate[]> {
  let path: readonly Certificate[] = []
  for (const time of times) path = await trustedPath(leaf, authorities, time)
  return path.slice(1)
}

/** Among the authorities that were trusted at `time`; the reason is that of the one that came closest. */
async function trustedPath(
  leaf: Certificate,
  authorities: readonly CertificateAuthority[],
  time: Date,
): Promise<readonly Certificate[]> {
  const current = authorities.filter(({ validFor }) => covers(validFor, time))
  let reason =
    authorities.length === 0
      ? notVerified('the trusted root lists no certificate authority')
      : current.length === 0
        ? notVerified(`the trusted root lists no certificate authority for ${time.toISOString()}`)
        : undefined
  for (const { chain } of current) {
    const certificates = parsedChain(chain)
    const anchor = certificates[certificates.length - 1]
    if (anchor === undefined) continue
    const path = await pathTo(anchor, leaf, certificates, new Set())
    if (path === undefined) continue
    try {
      await refusing('the certificate is not trusted', () =>
        verifyChain(path, {
          roots: [anchor],
          at: time,
          extendedKeyUsage: extendedKeyUsageOid.codeSigning,
          isSignedBy,
        }),
      )
      return path
    } catch (error) {
      reason = error as VerificationError
    }
  }
  throw (
    reason ??
    notVerified('the certificate was issued by an authority that the trusted root does not list', {
      advice: 'Is it the trusted root of the stack that the file was signed with? See --trusted-root.',
    })
  )
}

/**
 * The anchor is the last certificate of an authority, whether it signed itself or not. Each certificate is looked at once:
 * if the anchor is not reached through it now, it never is.
 */
async function pathTo(
  anchor: Certificate,
  from: Certificate,
  certificates: readonly Certificate[],
  seen: Set<Certificate>,
): Promise<readonly Certificate[] | undefined> {
  for (const issuer of certificates) {
    if (seen.has(issuer) || !equalBytes(issuer.subject, from.issuer)) continue
    if (!(await isSignedBy(from, issuer))) continue
    seen.add(issuer)
    const rest = issuer === anchor ? [] : await pathTo(anchor, issuer, certificates, seen)
    if (rest !== undefined) return issuer === anchor ? [from, issuer] : [from, ...rest]
  }
  return undefined
}

/**
 * At least one log of the trusted root has promised to publish the certificate (RFC 6962 section 3.3). Promises of logs
 * that are not listed are passed over; one in the name of a listed log must be good. `detached` is one that came beside
 * the certificate, and counts where that holds none.
 */
export async function demandPromise(
  leaf: Certificate,
  issuer: Certificate,
  logs: readonly TrustedLog[],
  detached?: Sct,
): Promise<void> {
  const advice = 'Where the CA runs without a CT log on purpose, add --insecure-ignore-sct.'
  if (logs.length === 0)
    throw notVerified('the trusted root lists no CT log, so no certificate can be shown to be in one', {
      advice,
    })
  const list = embeddedScts(leaf.der)
  if (list === undefined && detached === undefined)
    throw notVerified('the certificate holds no promise of a CT log (SCT)', { advice })
  const entry: SignedEntry =
    list === undefined
      ? { type: 'x509', certificate: leaf.der }
      : {
          type: 'precert',
          issuerKeyHash: sha256(issuer.spki),
          tbs: removeExtension(leaf.tbs, extensionOid.sctList),
        }
  const scts = list === undefined ? [detached].filter((sct) => sct !== undefined) : parseSctList(list)
  let promised = false
  for (const sct of scts) {
    const named = logs.filter(({ logId }) => equalBytes(logId, sct.logId))
    if (named.length === 0) continue
    const then = named.filter(({ validFor }) => covers(validFor, new Date(sct.timestampMs)))
    if (then.length === 0)
      throw notVerified('the promise of the CT log (SCT) is of a time at which the log was not trusted')
    let good = false
    for (const log of then) good ||= await verifySct(sct, entry, await keyOfLog(log))
    if (!good) throw notVerified('the promise of the CT log (SCT) does not verify')
    promised = true
  }
  if (!promised)
    throw notVerified('the promise of a CT log (SCT) is by a log that the trusted root does not list', {
      advice,
    })
}

export function parseSigningCertificate(der: Uint8Array): Promise<Certificate> {
  return refusing('the certificate is malformed', () => {
    const certificate = parseCertificate(der)
    const { isCa, issuer, subject } = certificate
    if (isCa && equalBytes(issuer, subject))
      throw notVerified('the first certificate of the bundle is a root, where that of the signer belongs')
    if (isCa)
      throw notVerified('the first certificate of the bundle is an authority, and not that of a signer')
    // Parsed on access: a key of another kind is told here and not in the middle of a check.
    return certificate.publicKey && certificate
  })
}
