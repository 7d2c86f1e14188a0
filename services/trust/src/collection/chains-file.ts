/**
 * The operator's file of CA chains: PEM, one chain after the other, each in order from the issuing certificate to its self-signed root.
 * A line before a chain may say when what it issues counts:
 *
 *     # valid from 2025-01-01T00:00:00Z until 2026-03-01T00:00:00Z
 *
 * with either half alone too. Without it a chain counts from when it was first seen until it leaves the file.
 */
import { CryptoError, parsePemBlock, quoted } from '@sigstack/crypto'
import { isSelfSigned, parseCertificate, X509Error } from '@sigstack/x509'
import { TrustError } from '../errors.ts'

export type ChainToTrust = {
  /** DER, issuing certificate first. */
  readonly certificates: readonly Uint8Array[]
  /** Where the operator said so. */
  readonly validFor?: { readonly start?: Date; readonly end?: Date }
}

const mostCertificates = 256

/** Throws a {@link TrustError} that names the file. */
export async function parseChainsFile(text: string, path: string): Promise<readonly ChainToTrust[]> {
  const chains: ChainToTrust[] = []
  let certificates: Uint8Array[] = []
  let validFor: ChainToTrust['validFor']
  const pieces = piecesOf(text).filter((piece) => piece.includes('-----BEGIN '))
  if (pieces.length > mostCertificates)
    throw unusable(path, `holds more than ${mostCertificates} certificates`)
  for (const piece of pieces) {
    validFor ??= windowIn(piece, path)
    const { der, isRoot } = await readCertificate(piece, path)
    certificates.push(der)
    if (!isRoot) continue
    chains.push({ certificates, ...(validFor !== undefined && { validFor }) })
    certificates = []
    validFor = undefined
  }
  if (certificates.length > 0) throw unusable(path, 'holds a chain that does not end with a self-signed root')
  if (chains.length === 0) throw unusable(path, 'holds no PEM certificates')
  return chains
}

/** Each with the last line of a PEM block. */
function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let lines: string[] = []
  for (const line of text.split('\n')) {
    lines.push(line)
    if (!line.startsWith('-----END ')) continue
    pieces.push(lines.join('\n'))
    lines = []
  }
  return [...pieces, lines.join('\n')]
}

async function readCertificate(piece: string, path: string): Promise<{ der: Uint8Array; isRoot: boolean }> {
  try {
    const { block } = parsePemBlock(piece)
    if (block.type !== 'CERTIFICATE') throw unusable(path, `holds a PEM block of type ${quoted(block.type)}`)
    return { der: block.der, isRoot: await isSelfSigned(parseCertificate(block.der)) }
  } catch (cause) {
    if (!(cause instanceof CryptoError || cause instanceof X509Error)) throw cause
    throw unusable(path, 'holds something other than PEM certificates', cause)
  }
}

const windowForm =
  /^valid(?: from (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ))?(?: until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ))?$/

function windowIn(piece: string, path: string): ChainToTrust['validFor'] {
  const [line, second] = piece.match(/^#[ \t]*valid\b.*$/gm) ?? []
  if (line === undefined) return undefined
  const [, from, until] = windowForm.exec(line.slice(1).trim()) ?? []
  const start = from === undefined ? undefined : new Date(from)
  const end = until === undefined ? undefined : new Date(until)
  const isTime = (date: Date | undefined) => date === undefined || !Number.isNaN(date.getTime())
  const isMeant = (start ?? end) !== undefined && isTime(start) && isTime(end) && second === undefined
  if (!isMeant || (start !== undefined && end !== undefined && start >= end))
    throw unusable(
      path,
      `has the line ${quoted(line, 100)}; write it like "# valid from 2025-01-01T00:00:00Z until 2026-03-01T00:00:00Z"`,
    )
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) }
}

function unusable(path: string, complaint: string, cause?: unknown): TrustError {
  return new TrustError('source_unusable', `${path} ${complaint}`, { cause })
}
