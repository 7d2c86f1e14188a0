/** What a stored leaf says of who made it. */

import { CryptoError, sha256Hex, toHex } from '@sigstack/crypto'
import { CtError, parseExtraData, parseMerkleTreeLeaf } from '@sigstack/ct'
import { EntryError, keyNamesOf, readStoredEntry, type Verifier } from '@sigstack/rekor-entries'
import {
  type Certificate,
  certificateSubjects,
  describeFulcioExtension,
  fulcioArc,
  fulcioIssuer,
  parseCertificate,
  unsignedCertificate,
  X509Error,
} from '@sigstack/x509'
import type { StoredLeaf } from '../following/source.ts'
import type { LogKind } from '../following/tree.ts'
import type { Sighting } from './sighting.ts'

export type ReadOptions = {
  readonly kind: LogKind
  readonly leafIndex: bigint
  /** When it was read. */
  readonly now: Date
}

const longestText = 2_048

/**
 * One for each signer: of an entry that several have signed, a stranger's certificate says nothing of the others. None where the leaf
 * names nobody, or cannot be read as what such a log holds.
 */
export function readSightings(stored: StoredLeaf, options: ReadOptions): readonly Sighting[] {
  try {
    return options.kind === 'ct' ? [ofCertificate(stored, options)] : ofEntry(stored, options)
  } catch (error) {
    if (error instanceof X509Error || error instanceof CryptoError) return []
    if (error instanceof EntryError || error instanceof CtError) return []
    throw error
  }
}

function ofEntry({ leaf }: StoredLeaf, { leafIndex, now }: ReadOptions): readonly Sighting[] {
  const { kind, apiVersion, verifiers } = readStoredEntry(leaf)
  return verifiers.map((verifier) => ({
    leafIndex,
    kind: `${kind} ${apiVersion}`.slice(0, 200),
    ...ofSigner(verifier, now),
  }))
}

function ofSigner(verifier: Verifier, now: Date): Omit<Sighting, 'leafIndex' | 'kind'> {
  const { subjects, tokenIssuer, serialNumber, chain } = verifier
  const certificate = chain[0] === undefined ? undefined : parseCertificate(chain[0])
  const { repositories, workflow } = certificate === undefined ? { repositories: [] } : claimsOf(certificate)
  return {
    subjects: withoutRepeats(subjects),
    keys: withoutRepeats(keyNamesOf(verifier)),
    repositories: withoutRepeats(repositories),
    ...(tokenIssuer !== undefined && { issuer: tokenIssuer.slice(0, longestText) }),
    ...(workflow !== undefined && { workflow }),
    ...(serialNumber !== undefined && { serialNumber }),
    time: certificate?.notBefore ?? now,
    timeOf: certificate === undefined ? 'monitor' : 'certificate',
  }
}

function ofCertificate({ leaf, extra }: StoredLeaf, { leafIndex }: ReadOptions): Sighting {
  const { entry, timestampMs } = parseMerkleTreeLeaf(leaf)
  const certificate =
    entry.type === 'x509'
      ? parseCertificate(entry.certificate)
      : extra === undefined
        ? unsignedCertificate(entry.tbs)
        : precertificateIn(extra)
  const { repositories, workflow } = claimsOf(certificate)
  const issuer = fulcioIssuer(certificate)
  return {
    leafIndex,
    kind: entry.type === 'x509' ? 'certificate' : 'precertificate',
    subjects: withoutRepeats(certificateSubjects(certificate)),
    keys: [sha256Hex(certificate.spki)],
    repositories: withoutRepeats(repositories),
    ...(issuer !== undefined && { issuer: issuer.slice(0, longestText) }),
    ...(workflow !== undefined && { workflow }),
    serialNumber: toHex(certificate.serialNumber).replace(/^0+(?=.)/, ''),
    time: new Date(timestampMs),
    timeOf: 'log',
  }
}

function precertificateIn(extra: Uint8Array): Certificate {
  const data = parseExtraData('precert', extra)
  if (data.type !== 'precert') throw new Error('extra data of a precertificate is of another type')
  return parseCertificate(data.precertificate)
}

/** 5 and 12 are the repository, 9 is the workflow that signed (Fulcio's oid-info). */
const repositoryClaims: ReadonlySet<string> = new Set(['githubWorkflowRepository', 'sourceRepositoryUri'])

function claimsOf({ extensions }: Certificate): Pick<Sighting, 'repositories' | 'workflow'> {
  const claims = extensions.filter(({ oid }) => oid.startsWith(`${fulcioArc}.`)).map(describeFulcioExtension)
  const workflow = claims.find(({ name }) => name === 'buildSignerUri')?.value
  return {
    repositories: claims.filter(({ name }) => repositoryClaims.has(name)).map(({ value }) => value),
    ...(workflow !== undefined && { workflow: workflow.slice(0, longestText) }),
  }
}

function withoutRepeats(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.slice(0, longestText)))]
}
