/**
 * Verification of a bundle with what it holds and what is trusted: no network, no clock, no files. Nothing is verified
 * until all of it is, and each refusal has its own sentence.
 */
import { equalBytes, type PublicKey } from '@sigstack/crypto'
import type { Sct } from '@sigstack/ct'
import type { TrustedRoot } from '@sigstack/trust-root'
import type { Certificate } from '@sigstack/x509'
import type { Artifact } from './artifact.ts'
import type { Bundle } from './bundle.ts'
import { type CertificateIdentity, certificateIdentity } from './certificate-identity.ts'
import { demandClaims } from './claims.ts'
import { demandEntryOf } from './entry-body.ts'
import { notVerified, refusing } from './errors.ts'
import { demandIdentity, type IdentityPolicy } from './identity-policy.ts'
import { demandLogOfTime, type LoggedEntry, verifyLogEntry } from './log-entry.ts'
import { demandSignature } from './signature.ts'
import { demandPromise, demandTrustedChain, parseSigningCertificate } from './signing-certificate.ts'
import { demandStatementOf } from './statement.ts'
import { type Stamps, verifyTimestamps } from './timestamp.ts'

export type VerifyOptions = {
  readonly bundle: Bundle
  readonly artifact: Artifact
  readonly trustedRoot: TrustedRoot
  /** Whom to accept: a key, or an identity; without a policy any identity that the trusted root vouches for. */
  readonly signer: { readonly key: PublicKey } | { readonly policy?: IdentityPolicy }
  readonly predicateType?: string
  readonly ignoreTlog?: boolean
  readonly ignoreSct?: boolean
  /** The promise of a CT log that came beside the certificate, for one that holds none. */
  readonly sct?: Sct
  readonly requireSignedTimestamp?: boolean
  /** The time of a certificate for which nobody vouches, where no log has to: then it must be valid now. */
  readonly now?: Date
  /**
   * The envelope byte for byte, where it is kept so: what cosign 2 has timestamps made over in place of the signature, and
   * cosign 3 verifies them over. Those that cosign 3 itself has made are over the signature.
   */
  readonly stamped?: Uint8Array
  /** Whether an envelope may speak of anything: its statement is not read. */
  readonly ignoreSubject?: boolean
}

export type Verified = {
  /** Absent when a key was given. */
  readonly identity?: CertificateIdentity
  /** Of the first entry whose log vouches for it. */
  readonly logIndex?: bigint
}

/** Throws a `VerificationError`. */
export function verifyBundle(options: VerifyOptions): Promise<Verified> {
  return refusing('the bundle does not hold together', () => verify(options))
}

async function verify(options: VerifyOptions): Promise<Verified> {
  const { bundle, artifact, trustedRoot } = options
  const signer = await signerOf(options)
  demandArtifact(options)
  if (options.requireSignedTimestamp === true && bundle.timestamps.length === 0)
    throw notVerified('the bundle has no signed timestamp')

  const entries = await entriesOf(options)
  const stamped = [...(options.stamped === undefined ? [] : [options.stamped]), bundle.content.signature]
  const stamps = await verifyTimestamps(bundle.timestamps, stamped, trustedRoot.timestampAuthorities)
  const vouched = [...entries.flatMap(({ time }) => time ?? []), ...stamps.times]
  const times = vouched.length > 0 ? vouched : timeOfNow(options)
  demandTimes(options, stamps, times)
  for (const entry of entries) demandLogOfTime(entry, times)

  if (signer.certificate !== undefined) await demandCertificate(options, signer.certificate, times)
  await demandSignature(bundle.content, artifact, signer.key)
  const shown = { artifact, verifier: signer.material, stored: options.stamped }
  for (const { entry } of entries) await demandEntryOf(entry, bundle, shown)

  const logIndex = entries.find(({ index }) => index !== undefined)?.index
  const found = logIndex === undefined ? {} : { logIndex }
  if (signer.certificate === undefined) return found
  const identity = certificateIdentity(signer.certificate)
  if ('policy' in options.signer && options.signer.policy !== undefined) {
    demandIdentity(options.signer.policy, identity)
    demandClaims(options.signer.policy.claims ?? [], signer.certificate)
  }
  return { ...found, identity }
}

type Signer = {
  readonly key: PublicKey
  readonly certificate?: Certificate
  /** DER, as log entries hold it. */
  readonly material: Uint8Array
}

async function signerOf({ bundle, signer }: VerifyOptions): Promise<Signer> {
  if ('certificate' in bundle.material) {
    if ('key' in signer)
      throw notVerified('the bundle was signed with a certificate, but a key was given to verify it')
    const certificate = await parseSigningCertificate(bundle.material.certificate)
    return { key: certificate.publicKey, certificate, material: certificate.der }
  }
  if ('key' in signer) return { key: signer.key, material: signer.key.spki }
  throw notVerified('the bundle was signed with a key, so it has no identity to verify', {
    advice: 'Give the key with --key.',
  })
}

/** The digest inside a bundle is a hint, but one that lies is refused. */
function demandArtifact({ bundle, artifact, predicateType, ignoreSubject }: VerifyOptions): void {
  const { content } = bundle
  if (content.type === 'envelope') {
    demandStatementOf(content, ignoreSubject === true ? undefined : artifact, predicateType)
    return
  }
  if (predicateType !== undefined) throw notVerified('the bundle is a plain signature and no attestation')
  const computed = artifact.digests[content.algorithm]
  if (computed === undefined)
    throw notVerified(
      `the digest in the bundle is ${content.algorithm}, and that of the artifact is not known`,
    )
  if (!equalBytes(content.digest, computed))
    throw notVerified('the artifact is not the one that was signed: its digest differs', {
      advice: 'Check that the file is complete and that the bundle belongs to it.',
    })
}

/** Those of trusted logs, all of which must be good. */
async function entriesOf({
  bundle,
  trustedRoot,
  ignoreTlog,
}: VerifyOptions): Promise<readonly LoggedEntry[]> {
  const entries: LoggedEntry[] = []
  for (const entry of bundle.entries) {
    const logged = await refusing('the log entry is malformed', () =>
      verifyLogEntry(entry, trustedRoot.tlogs),
    )
    if (logged === undefined) continue
    if (entries.some((other) => isSameEntry(other, logged)))
      throw notVerified('the bundle holds the same log entry twice')
    entries.push(logged)
  }
  if (entries.length > 0 || ignoreTlog === true) return entries
  if (bundle.entries.length > 0)
    throw notVerified('the bundle holds no entry of a log that the trusted root lists')
  throw notVerified('the bundle holds no log entry', {
    advice: 'Where it was signed for no log on purpose, add --insecure-ignore-tlog.',
  })
}

function isSameEntry({ entry: a }: LoggedEntry, { entry: b }: LoggedEntry): boolean {
  return equalBytes(a.logId, b.logId) && (a.logIndex === b.logIndex || equalBytes(a.body, b.body))
}

/** Stamps that do not count are no reason to look at the clock instead. */
function timeOfNow({ bundle, ignoreTlog, requireSignedTimestamp, now }: VerifyOptions): readonly Date[] {
  const isAlone = bundle.timestamps.length === 0 && requireSignedTimestamp !== true
  return now !== undefined && ignoreTlog === true && isAlone ? [now] : []
}

/** A certificate is judged at a time that somebody vouches for; a key needs none. */
function demandTimes(
  { bundle, requireSignedTimestamp }: VerifyOptions,
  stamps: Stamps,
  times: readonly Date[],
): void {
  const [reason] = stamps.refused
  if (requireSignedTimestamp === true && stamps.authorities === 0)
    throw reason ?? notVerified('the bundle has no signed timestamp')
  if (times.length > 0 || !('certificate' in bundle.material)) return
  throw (
    reason ??
    notVerified('nothing in the bundle vouches for a time, so the certificate cannot be judged', {
      advice: 'Entries of Rekor v2, and bundles without an entry, need a signed timestamp.',
    })
  )
}

async function demandCertificate(
  { trustedRoot, ignoreSct, sct }: VerifyOptions,
  certificate: Certificate,
  times: readonly Date[],
): Promise<void> {
  const [issuer] = await demandTrustedChain(certificate, trustedRoot.certificateAuthorities, times)
  if (issuer === undefined) throw new Error('a trusted certificate has an issuer')
  if (ignoreSct === true) return
  await refusing('the promise of the CT log (SCT) cannot be read', () =>
    demandPromise(certificate, issuer, trustedRoot.ctlogs, sct),
  )
}
