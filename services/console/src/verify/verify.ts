/**
 * A bundle and the digest of a file to a verdict. What counts is `verifyBundle`; the checks beside it tell which part holds. Without a
 * signer who was expected nothing is called verified: anybody can sign.
 */
import { escaped, parsePublicKeyPem, quoted, reasonOf } from '@sigstack/crypto'
import type { TrustedRoot } from '@sigstack/trust-root'
import {
  type Bundle,
  parseDigest,
  readBundle,
  VerificationError,
  type VerifyOptions,
  verifyBundle,
  verifyTimestamps,
} from '@sigstack/verification'
import { parseCertificate } from '@sigstack/x509'
import { type CertificateWords, describeCertificate } from '../entry/certificate.ts'
import { type Check, checkEntry } from '../entry/checks.ts'

export type Question = {
  readonly bundle: string
  /** `sha256:…`, or the digits alone. */
  readonly digest: string
  readonly identity: string
  readonly issuer: string
  /** PEM, in place of an identity. */
  readonly key: string
}

export type Verdict = {
  /** `signed`: it holds, and nobody said who should have signed. */
  readonly state: 'verified' | 'signed' | 'failed'
  readonly says: string
  readonly advice?: string
  readonly certificate?: CertificateWords
  readonly checks: readonly Check[]
}

export async function verify(question: Question, root: TrustedRoot): Promise<Verdict> {
  let bundle: Bundle | undefined
  try {
    bundle = readBundle(question.bundle)
    const artifact = parseDigest(withAlgorithm(question.digest))
    if (artifact === undefined || typeof artifact === 'string')
      return failed('The digest of the file must be like sha256: and 64 hexadecimal digits.', [])
    const signer = signerOf(question)
    const verified = await verifyBundle({
      bundle,
      artifact,
      trustedRoot: root,
      signer,
      ignoreSct: root.ctlogs.length === 0,
    })
    const who = verified.identity
    const isExpected = 'key' in signer || signer.policy !== undefined
    const by =
      who === undefined ? 'the key' : `${quoted(who.subject)} through ${quoted(who.issuer ?? 'nobody')}`
    return {
      state: isExpected ? 'verified' : 'signed',
      says: isExpected
        ? `The file was signed by ${by}, as expected.`
        : `The file was signed by ${by}. Whether that is whom you expect, only you can say: anybody can sign.`,
      ...(await partsOf(bundle, root)),
    }
  } catch (error) {
    const isRefusal = error instanceof VerificationError || error instanceof Error
    const says = escaped(isRefusal ? reasonOf(error) : 'the bundle cannot be read', 400)
    const advice = error instanceof VerificationError ? error.advice : undefined
    const parts = bundle === undefined ? { checks: [] } : await partsOf(bundle, root)
    return {
      state: 'failed',
      says: `Not verified: ${says}.`,
      ...(advice !== undefined && { advice }),
      ...parts,
    }
  }
}

function failed(says: string, checks: readonly Check[]): Verdict {
  return { state: 'failed', says, checks }
}

function withAlgorithm(digest: string): string {
  const text = digest.trim()
  return /^[0-9a-fA-F]{64}$/.test(text) ? `sha256:${text}` : text
}

function signerOf({ identity, issuer, key }: Question): VerifyOptions['signer'] {
  if (key.trim() !== '') return { key: parsePublicKeyPem(key) }
  if (identity.trim() === '' && issuer.trim() === '') return {}
  return { policy: { subject: { value: identity.trim() }, issuer: { value: issuer.trim() } } }
}

/** Each part for itself, also of a bundle that does not hold. */
async function partsOf(bundle: Bundle, root: TrustedRoot): Promise<Pick<Verdict, 'checks' | 'certificate'>> {
  const certificate = readableCertificate(bundle)
  const stamps = await verifyTimestamps(
    bundle.timestamps,
    [bundle.content.signature],
    root.timestampAuthorities,
  ).catch(() => undefined)
  const stampCheck: readonly Check[] =
    bundle.timestamps.length === 0
      ? []
      : [
          {
            name: 'timestamp',
            what: 'A trusted authority stamped the signature with a time.',
            ...((stamps?.authorities ?? 0) > 0
              ? { state: 'verified' as const }
              : {
                  state: 'failed' as const,
                  why: escaped(reasonOf(stamps?.refused[0] ?? 'it cannot be read'), 300),
                }),
          },
        ]
  const checks = await Promise.all(
    bundle.entries.map(async ({ logIndex, logId, integratedTime, body, promise, proof }) => {
      const logTime = integratedTime === 0n ? [] : [new Date(Number(integratedTime) * 1000)]
      const entry = {
        uuid: '',
        logIndex,
        logId,
        integratedTime: Number(integratedTime),
        body,
        ...(promise !== undefined && { promise }),
        ...(proof !== undefined && { proof: { ...proof, leafIndex: proof.logIndex } }),
      }
      const times = [...logTime, ...(stamps?.times ?? [])]
      return checkEntry({ entry, root, times, ...(certificate !== undefined && { certificate }) })
    }),
  )
  return {
    // Whether the signature is over the file is what the verdict says.
    checks: [...checks.flat().filter(({ name }) => name !== 'signature'), ...stampCheck],
    ...(certificate !== undefined && { certificate: describeCertificate(certificate) }),
  }
}

function readableCertificate({ material }: Bundle) {
  try {
    return 'certificate' in material ? parseCertificate(material.certificate) : undefined
  } catch {
    return undefined
  }
}
