/** Everything that the page of one entry tells, made once for the page and for its form as data. */

import { parseCheckpoint } from '@sigstack/checkpoint'
import { toHex } from '@sigstack/crypto'
import { asHash, type Hash, type InclusionStep, inclusionSteps, leafHash } from '@sigstack/merkle'
import type { LoggedEntry } from '../sources/rekor.ts'
import type { Trust } from '../sources/trust.ts'
import { type EntryBody, readBody } from './body.ts'
import { type CertificateWords, describeCertificate } from './certificate.ts'
import { type Check, checkEntry } from './checks.ts'
import { readStatement, type ShownStatement } from './statement.ts'

export type EntryView = {
  readonly entry: LoggedEntry
  readonly body: EntryBody
  readonly certificate?: CertificateWords
  readonly statement?: ShownStatement
  readonly checks: readonly Check[]
  /** First line of the checkpoint, else the log's ID. */
  readonly origin: string
  /** As clients reach it, where the trusted root says so. */
  readonly logUrl?: string
  /** DER of the log's key, with which a browser checks too. */
  readonly logKey?: Uint8Array
  readonly leaf: Hash
  /** Undefined where the proof leads nowhere. */
  readonly steps?: readonly InclusionStep[]
  readonly trust?: Pick<Trust, 'sha256' | 'from'>
}

export async function readEntry(entry: LoggedEntry, trust: Trust | undefined): Promise<EntryView> {
  const body = readBody(entry.body)
  const certificate = body.signers[0]?.certificates[0]
  const log = trust?.root.tlogs.find(({ logId }) => toHex(logId) === toHex(entry.logId))
  const statement = entry.attestation && readStatement(entry.attestation)
  const leaf = leafHash(Buffer.from(entry.body))
  const steps = stepsOf(entry, leaf)
  const checks = await checkEntry({
    entry,
    ...(certificate !== undefined && { certificate }),
    ...(body.signed !== undefined && { signed: body.signed }),
    ...(trust !== undefined && { root: trust.root }),
  })
  return {
    entry,
    body,
    checks,
    leaf,
    origin: originOf(entry),
    ...(certificate !== undefined && { certificate: describeCertificate(certificate) }),
    ...(statement !== undefined && { statement }),
    ...(log !== undefined && { logUrl: log.baseUrl, logKey: log.publicKey }),
    ...(steps !== undefined && { steps }),
    ...(trust !== undefined && { trust: { sha256: trust.sha256, from: trust.from } }),
  }
}

function originOf({ proof, logId }: LoggedEntry): string {
  try {
    return parseCheckpoint(proof?.checkpoint ?? '').origin
  } catch {
    return `of key ${toHex(logId)}`
  }
}

function stepsOf({ proof }: LoggedEntry, leaf: Hash): readonly InclusionStep[] | undefined {
  if (proof === undefined) return undefined
  const { leafIndex, treeSize, hashes } = proof
  try {
    return inclusionSteps({ leafIndex, treeSize, siblings: hashes.map(asHash) }, leaf)
  } catch {
    return undefined
  }
}
