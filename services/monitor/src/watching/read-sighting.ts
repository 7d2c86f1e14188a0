/** What a stored leaf says of who made it. Whatever a stranger may have put into it is bounded here. */

import { CryptoError, sha256Hex, toHex } from '@sigstack/crypto'
import { CtError, parseExtraData, parseMerkleTreeLeaf } from '@sigstack/ct'
import { EntryError, keyNamesOf, readStoredEntry } from '@sigstack/rekor-entries'
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

const mostNames = 50
const longestName = 2_048

/** Undefined where the leaf names nobody, or cannot be read as what such a log holds. */
export function readSighting(stored: StoredLeaf, options: ReadOptions): Sighting | undefined {
  try {
    return options.kind === 'ct' ? ofCertificate(stored, options) : ofEntry(stored, options)
  } catch (error) {
    if (error instanceof X509Error || error instanceof CryptoError) return undefined
    if (error instanceof EntryError || error instanceof CtError) return undefined
    throw error
  }
}

function ofEntry({ leaf }: StoredLeaf, { leafIndex, now }: ReadOptions): Sighting {
  const { kind, apiVersion, verifiers } = readStoredEntry(leaf)
  const certificates = verifiers.flatMap(({ chain: [first] }) =>
    first === undefined ? [] : [parseCertificate(first)],
  )
  const said = certificates.map(claimsOf)
  const [first] = certificates
  const workflow = said.find((each) => each.workflow !== undefined)?.workflow
  const issuer = verifiers.find(({ tokenIssuer }) => tokenIssuer !== undefined)?.tokenIssuer
  const serialNumber = verifiers.find((each) => each.serialNumber !== undefined)?.serialNumber
  return {
    leafIndex,
    kind: `${kind} ${apiVersion}`.slice(0, 200),
    subjects: bounded(verifiers.flatMap(({ subjects }) => subjects)),
    keys: bounded(verifiers.flatMap(keyNamesOf)),
    repositories: bounded(said.flatMap(({ repositories }) => repositories)),
    ...(issuer !== undefined && { issuer: issuer.slice(0, longestName) }),
    ...(workflow !== undefined && { workflow }),
    ...(serialNumber !== undefined && { serialNumber }),
    time: first?.notBefore ?? now,
    timeOf: first === undefined ? 'monitor' : 'certificate',
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
    subjects: bounded(certificateSubjects(certificate)),
    keys: [sha256Hex(certificate.spki)],
    repositories: bounded(repositories),
    ...(issuer !== undefined && { issuer: issuer.slice(0, longestName) }),
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
    ...(workflow !== undefined && { workflow: workflow.slice(0, longestName) }),
  }
}

function bounded(names: readonly string[]): readonly string[] {
  return [...new Set(names)].slice(0, mostNames).map((name) => name.slice(0, longestName))
}
