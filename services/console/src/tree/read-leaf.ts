/** Everything that the page of one leaf tells, made once for the page and for its form as data. Pure. */
import { asHash, type Hash, type InclusionStep, inclusionSteps, leafHash } from '@sigstack/merkle'
import type { TrustedRoot } from '@sigstack/trust-root'
import { attempt } from '../attempt.ts'
import { type EntryBody, readBody } from '../entry/body.ts'
import { type CertificateWords, describeCertificate } from '../entry/certificate.ts'
import { type Check, checkCertificate, checkSignature } from '../entry/checks.ts'
import type { TreeLeaf } from '../sources/tree-log.ts'
import type { Trust } from '../sources/trust.ts'
import { checkIssuer, checkPlace, signerAmong, type TrustedKey } from './checks.ts'
import { type LoggedCertificate, readLoggedCertificate } from './logged-certificate.ts'
import type { TreeName } from './tree-name.ts'

export type LeafView = {
  readonly tree: TreeName
  readonly found: TreeLeaf
  /** Of Rekor v2. */
  readonly body?: EntryBody
  /** Of the log of certificates; undefined where the leaf is none. */
  readonly logged?: LoggedCertificate
  readonly certificate?: CertificateWords
  readonly leaf: Hash
  /** Undefined where the proof leads nowhere. */
  readonly steps?: readonly InclusionStep[]
  readonly checks: readonly Check[]
  /** The log in the trusted root. */
  readonly signer?: TrustedKey
  readonly trust?: Pick<Trust, 'sha256' | 'from'>
}

/** `extra` is what a log of certificates keeps beside the leaf. */
export async function readLeaf(
  tree: TreeName,
  found: TreeLeaf,
  { trust, extra }: { readonly trust: Trust | undefined; readonly extra?: Uint8Array | undefined },
): Promise<LeafView> {
  const root = trust?.root
  const signer = await signerAmong((tree === 'ct' ? root?.ctlogs : root?.tlogs) ?? [], found.proof.checkpoint)
  const leaf = leafHash(Buffer.from(found.leaf))
  const { leafIndex, treeSize, hashes } = found.proof
  const steps = attempt(() => inclusionSteps({ leafIndex, treeSize, siblings: hashes.map(asHash) }, leaf))
  const { checks, certificate, ...told } =
    tree === 'ct' ? certificateIn(found.leaf, extra, root) : entryIn(found.leaf, root)
  const words = certificate && attempt(() => describeCertificate(certificate))
  return {
    tree,
    found,
    leaf,
    checks: await Promise.all([...checks, ...checkPlace(found, root, signer)]),
    ...told,
    ...(words !== undefined && { certificate: words }),
    ...(steps !== undefined && { steps }),
    ...(signer !== undefined && { signer }),
    ...(trust !== undefined && { trust: { sha256: trust.sha256, from: trust.from } }),
  }
}

function entryIn(leaf: Uint8Array, root: TrustedRoot | undefined) {
  const body = readBody(leaf)
  const certificate = body.signers[0]?.certificates[0]
  // When it was logged the log does not say. Whoever has the bundle has a timestamp, by which the certificate is judged.
  const times = certificate === undefined ? [] : [certificate.notBefore]
  const what =
    'The certificate was issued by a trusted authority; when it was used the timestamp in a bundle tells.'
  return {
    body,
    certificate,
    checks: [checkSignature(body.signed), ...checkCertificate(certificate, root, { times, what })],
  }
}

function certificateIn(leaf: Uint8Array, extra: Uint8Array | undefined, root: TrustedRoot | undefined) {
  const logged = readLoggedCertificate(leaf, extra)
  return {
    certificate: logged?.certificate,
    checks: logged === undefined ? [] : [checkIssuer(logged, root)],
    ...(logged !== undefined && { logged }),
  }
}
