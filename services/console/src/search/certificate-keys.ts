/** By what certificates in a log are found: of a leaf, and of what was typed. Pure. */
import { parsePemBlock, parsePublicKeyPem, sha256Hex, toHex } from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import { normalSerial } from '@sigstack/rekor-entries'
import { parseCertificate } from '@sigstack/x509'
import { attempt } from '../attempt.ts'
import { readLoggedCertificate } from '../tree/logged-certificate.ts'
import type { Reading } from './guess.ts'

export type Findable = {
  readonly keys: readonly string[]
  /** As the log says, in milliseconds since the epoch. */
  readonly timeMs: number
}

/** Undefined for a leaf that cannot be read. A digest is that of the leaf, of the key, or of a certificate that is logged whole. */
export function findableOf(leaf: Uint8Array): Findable | undefined {
  const logged = readLoggedCertificate(leaf, undefined)
  if (logged?.certificate === undefined) return undefined
  const { certificate, subjects, tokenIssuer, timestampMs: timeMs } = logged
  const keys = [
    ...subjects.map((subject) => `name:${subject}`),
    ...(tokenIssuer === undefined ? [] : [`issuer:${tokenIssuer}`]),
    `serial:${normalSerial(toHex(certificate.serialNumber))}`,
    `sha256:${toHex(leafHash(leaf))}`,
    `sha256:${sha256Hex(certificate.spki)}`,
    `sha256:${sha256Hex(certificate.der)}`,
  ]
  return { keys, timeMs }
}

/** Any of them may hold. */
export function keysOfReadings(readings: readonly Reading[]): readonly string[] {
  return readings.flatMap(({ query }) =>
    Object.entries(query).flatMap(([name, values]) => values.flatMap((value) => keyOf(name, value))),
  )
}

function keyOf(name: string, value: unknown): readonly string[] {
  if (name === 'publicKey') return keyOfPem((value as { readonly content: string }).content)
  const text = String(value)
  if (name === 'email' || name === 'uri' || name === 'subject') return [`name:${text}`]
  if (name === 'issuer') return [`issuer:${text}`]
  if (name === 'serial') return [`serial:${normalSerial(text)}`]
  if (name === 'keyHash') return [`sha256:${text}`]
  return name === 'digest' ? [text] : []
}

/** Of a key, or of the certificate that is for it. */
function keyOfPem(content: string): readonly string[] {
  const pem = Buffer.from(content, 'base64').toString()
  const spki =
    attempt(() => parsePublicKeyPem(pem).spki) ??
    attempt(() => parseCertificate(parsePemBlock(pem).block.der).spki)
  return spki === undefined ? [] : [`sha256:${sha256Hex(spki)}`]
}
